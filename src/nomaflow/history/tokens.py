"""The API tokens that scripts sign in with: names and hashes, never a token itself."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, update

from nomaflow.clock import Clock
from nomaflow.errors import NotFound, Refused
from nomaflow.history.database import Database
from nomaflow.history.rows import AnyRow
from nomaflow.history.tables import tokens
from nomaflow.history.types import first_instant

TOUCHED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True)
class Token:
    """What is known of a token. `last_used_at` is exact to a minute."""

    name: str
    created_at: datetime
    revoked_at: datetime | None
    last_used_at: datetime | None


class TokenStore:
    """Tokens by the SHA-256 of their text, in hex."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def create(self, name: str, sha256_hex: str) -> None:
        """Keep a new token. Raises Refused when the name is taken, also by a revoked one."""
        row = {"name": name, "sha256": sha256_hex, "created_at": self._clock.now()}
        new = self._database.store.insert_new(tokens).values(row).returning(tokens.c.name)
        created = await self._database.write(lambda connection: connection.scalar(new))
        if created is None:
            raise Refused(f"There is a token '{name}' already. Choose another name.")

    async def find(self, sha256_hex: str) -> Token | None:
        """The valid token of that hash, noting that it was used; None if unknown or revoked."""
        now = self._clock.now()
        query = select(tokens).where(tokens.c.sha256 == sha256_hex, tokens.c.revoked_at.is_(None))
        row = await self._database.read(lambda connection: connection.execute(query).first())
        if row is None:
            return None
        if row.last_used_at is None or row.last_used_at <= now - TOUCHED_EVERY:
            used = update(tokens).where(tokens.c.name == row.name).values(last_used_at=now)
            await self._database.write(lambda connection: connection.execute(used))
        return _token(row)

    async def list(self) -> list[Token]:
        """Every token, by name, revoked ones too."""
        query = select(tokens).order_by(tokens.c.name)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return [_token(row) for row in rows]

    async def revoke(self, name: str) -> None:
        """Refuse the token from now on. Raises NotFound."""
        now = self._clock.now()
        change = update(tokens).where(tokens.c.name == name)
        change = change.values(revoked_at=first_instant(tokens.c.revoked_at, now))
        if not await self._database.write(lambda connection: connection.execute(change).rowcount):
            raise NotFound(f"There is no token '{name}'.")


def _token(row: AnyRow) -> Token:
    return Token(row.name, row.created_at, row.revoked_at, row.last_used_at)
