"""Use cases on API tokens: make, find, end."""

from nomaflow.clock import Clock
from nomaflow.domain.secrets import Secret
from nomaflow.history.tokens import Token, TokenStore
from nomaflow.security.redaction import Redactor
from nomaflow.security.tokens import new_token, token_hash

KNOWN_SECONDS = 1.0


class Access:
    """Who may call. A token is kept as a hash and shown once."""

    def __init__(self, tokens: TokenStore, redactor: Redactor, clock: Clock) -> None:
        self._tokens = tokens
        self._redactor = redactor
        self._clock = clock
        self._known: dict[str, tuple[str, float]] = {}

    async def create_token(self, name: str) -> Secret:
        """A new token of that name. Raises Refused when the name is in use."""
        token = new_token()
        await self._tokens.create(name, token_hash(token))
        return token

    async def sign_in(self, token: str) -> str | None:
        """The name behind a token that is in force, or None.

        The store is asked once a second for each token: one that another process revokes is
        refused that much later.
        """
        if not token:
            return None
        wanted = token_hash(token)
        name, until = self._known.get(wanted, ("", 0.0))
        return name if self._clock.steady() < until else await self._look_up(token, wanted)

    async def tokens(self) -> list[Token]:
        return await self._tokens.list()

    async def revoke(self, name: str) -> None:
        """End a token. Raises NotFound."""
        await self._tokens.revoke(name)
        self._known.clear()

    async def _look_up(self, token: str, wanted: str) -> str | None:
        asked_at = self._clock.steady()
        found = await self._tokens.find(wanted)
        if found is None:
            self._known.pop(wanted, None)
            return None
        self._redactor.add(token)
        self._known[wanted] = found.name, asked_at + KNOWN_SECONDS
        return found.name
