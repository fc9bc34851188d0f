"""The lane within one PostgreSQL database: `INSERT … SELECT`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from psycopg import RawCursor

from nomaflow.connectors.copies import Load, Moved, Transfer, Unsuited
from nomaflow.connectors.dialects.postgresql.exact import Ends, refusals, with_casts
from nomaflow.connectors.tables import Query

_SESSION = """
SELECT pg_postmaster_start_time()::text, current_database(), session_user, current_user,
       current_setting('search_path')
"""


@dataclass(frozen=True)
class Within:
    """For two sessions of one user in one database."""

    ends: Ends
    lane: ClassVar[str] = "within"
    coerces: ClassVar[bool] = False

    def fit(self, transfer: Transfer) -> Load:
        transfer.refuse_later()
        both = {end.execute(_SESSION).fetchone() for end in (self.ends.source, self.ends.target)}
        if len(both) > 1:
            raise Unsuited("source and target are two databases, or two users of one")
        casts = self.ends.casts(transfer)
        query = with_casts(transfer.query, transfer.sources, casts)
        head = f"INSERT INTO {self.ends.into(transfer)}"
        insert = Query(f"{head}\n{query.sql}", query.params)
        return lambda arrived, _: self._load(insert, arrived)

    def _load(self, insert: Query, arrived: Callable[[int], None]) -> Moved:
        with refusals():
            rows = RawCursor(self.ends.target).execute(insert.sql, insert.params).rowcount
        arrived(rows)
        size = self.ends.target.execute("SELECT pg_table_size(%s)", [self.ends.stash]).fetchone()
        return Moved(rows, rows, size[0] if size else 0)
