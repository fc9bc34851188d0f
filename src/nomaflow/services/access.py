"""Use cases on API tokens: make, find, end."""

from nomaflow.domain.secrets import Secret
from nomaflow.history.tokens import Token, TokenStore
from nomaflow.security.redaction import Redactor
from nomaflow.security.tokens import new_token, token_hash


class Access:
    """Who may call. A token is kept as a hash and shown once."""

    def __init__(self, tokens: TokenStore, redactor: Redactor) -> None:
        self._tokens = tokens
        self._redactor = redactor

    async def create_token(self, name: str) -> Secret:
        """A new token of that name. Raises Refused when the name is in use."""
        token = new_token()
        await self._tokens.create(name, token_hash(token))
        return token

    async def sign_in(self, token: str) -> str | None:
        """The name behind a token that is in force, or None."""
        if not token:
            return None
        found = await self._tokens.find(token_hash(token))
        if found is None:
            return None
        self._redactor.add(token)
        return found.name

    async def tokens(self) -> list[Token]:
        return await self._tokens.list()

    async def revoke(self, name: str) -> None:
        """End a token. Raises NotFound."""
        await self._tokens.revoke(name)
