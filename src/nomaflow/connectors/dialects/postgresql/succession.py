"""A PostgreSQL stash takes the place of a table, and everything that hangs on it goes along.

The stash is loaded bare, then gets keys, indexes and statistics while everyone works on with the
table. The change itself is one short transaction: lock, rename, say again what was said about the
table, drop it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import RawCursor, errors

from nomaflow.connectors.copies import TableLocked, WayClosed
from nomaflow.connectors.dialects.postgresql.belongings import (
    Surroundings,
    catalogue_alone,
    fingerprint,
    shape,
    surroundings,
)
from nomaflow.connectors.dialects.postgresql.building import build
from nomaflow.connectors.dialects.postgresql.expressions import quote
from nomaflow.connectors.dialects.postgresql.locking import lock_errors, send_maintenance_away
from nomaflow.connectors.dialects.postgresql.obstacles import obstacles
from nomaflow.connectors.dialects.postgresql.source import reference
from nomaflow.connectors.dialects.postgresql.stash import LOCK_TIMEOUT_MS, PREFIX, mark
from nomaflow.connectors.dialects.postgresql.statistics import analyze
from nomaflow.connectors.tables import TableName

_OUTGOING = "nomaflow_outgoing_"
_OLD_SNAPSHOTS = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
  AND coalesce(backend_type, 'client backend') = 'client backend'
  AND age(backend_xmin) >= age($1::text::xid)
"""
_GRANTEES = """
SELECT DISTINCT CASE acl.grantee WHEN 0 THEN 'PUBLIC'
                ELSE quote_ident(pg_get_userbyid(acl.grantee)) END
FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) AS acl WHERE c.oid = $1::text::regclass
"""


class Succession:
    """One table, and the stash that will take its place."""

    def __init__(
        self, connection: psycopg.Connection[Any], table: TableName, oid: int, stash: TableName
    ) -> None:
        self._connection = connection
        self._oid = oid
        self._table = table
        self._stash = stash
        self._sequences: dict[str, str] = {}
        self._unbuilt: list[str] = []
        self._loaded = ""
        self._statements: list[str] = []
        with catalogue_alone(connection):
            self._shape = shape(connection, oid, self._stash.table)
            self.obstacles = obstacles(connection, oid, self._shape)

    @property
    def names_to_be(self) -> list[tuple[str, str]]:
        """What the stash's indexes are called, and what they will be."""
        return [(index.temporary, index.name) for index in self._shape.indexes]

    def create_stash(self) -> None:
        """The columns, and nothing that slows a load down."""
        with self._connection.transaction():
            for statement in self._shape.create:
                self._run(statement)
            mark(self._connection, self._stash, self._table)
        for sequence in self._shape.sequences:
            if sequence.identity:
                self._sequences[sequence.column] = self._begin_where(
                    sequence.column, sequence.reference
                )

    def ripen(self) -> None:
        """Build what the stash needs. Raises TableLocked: call again to go on."""
        if not self._loaded:
            self._loaded = str(self._value("SELECT pg_current_xact_id()::xid"))
            self._unbuilt = list(self._building())
            build(self._connection, self._stash, self._shape.indexes)
        while self._unbuilt:
            with lock_errors():
                self._run(f"SET LOCAL lock_timeout = {LOCK_TIMEOUT_MS}; {self._unbuilt[0]}")
            self._unbuilt.pop(0)
        analyze(self._connection, reference(self._stash))

    def lock(self, keep: TableName | None) -> None:
        """Lock the table and what goes along with it, in the open transaction.

        `keep`: the name under which the old table stays, as mere rows; None: it is dropped.
        Everything that is said while others wait is worked out before. Raises WayClosed when the
        table is not what it was before the load; TableLocked also as long as a transaction reads
        with a snapshot that is older than the new rows: to it the table would be empty.
        """
        if self._value(_OLD_SNAPSHOTS, self._loaded):
            raise TableLocked("a transaction is older than the new rows")
        send_maintenance_away(self._connection, reference(self._table))
        with catalogue_alone(self._connection):
            seen = fingerprint(self._connection, self._oid)
            around = self._unchanged()
            self._statements = list(self._changing(around, keep))
        with lock_errors():
            self._run("; ".join(self._locking(around)))
        if fingerprint(self._connection, self._oid) != seen:
            raise TableLocked("its definition changes")

    def take_place(self) -> None:
        """Make the stash the table. Raises WayClosed when it cannot be, TableLocked."""
        with lock_errors(), refusals():
            self._run("; ".join(self._statements))

    @property
    def _outgoing(self) -> TableName:
        digest = self._stash.table.removeprefix(PREFIX)
        return TableName(f"{_OUTGOING}{digest}", self._table.schema)

    def _begin_where(self, column: str, sequence: str) -> str:
        """Let the stash's own sequence go on where the table's is; returns its name."""
        own = str(
            self._value("SELECT pg_get_serial_sequence($1, $2)", reference(self._stash), column)
        )
        values = f"'{_literal(own)}', last_value, is_called"
        self._run(f"SELECT setval({values}) FROM {sequence}")  # noqa: S608 - quoted
        return own

    def _building(self) -> Iterator[str]:
        """What the loaded stash needs beside its indexes."""
        here = reference(self._stash)
        shape = self._shape
        yield from shape.settings
        if shape.checks:
            yield f"ALTER TABLE {here} {', '.join(shape.checks)}"
        yield from (index.attach for index in shape.indexes if index.attach)
        yield from shape.index_settings
        for each in shape.statistics:
            yield each.statement or ""
            if each.target >= 0:
                name = f"{quote(each.schema)}.{quote(each.temporary)}"
                yield f"ALTER STATISTICS {name} SET STATISTICS {each.target}"
        for key in shape.foreign_keys:
            yield f"ALTER TABLE {here} ADD CONSTRAINT {quote(key.name)} {key.definition}"
            if key.valid:
                yield f"ALTER TABLE {here} VALIDATE CONSTRAINT {quote(key.name)}"
        for sequence in shape.sequences:
            name = self._sequences.get(sequence.column, sequence.reference)
            yield advance(name, sequence.column, here)

    def _unchanged(self) -> Surroundings:
        """What is around the table now. Raises WayClosed if it is not as it was before the load."""
        now = shape(self._connection, self._oid, self._stash.table)
        if now != self._shape:
            raise WayClosed("the table's definition was changed while rows were loaded")
        if found := obstacles(self._connection, self._oid, now):
            raise WayClosed(", ".join(found))
        return surroundings(self._connection, self._oid, now)

    def _locking(self, around: Surroundings) -> Iterator[str]:
        parents = [key.parent for key in self._shape.foreign_keys if key.lockable]
        tables = ", ".join([*dict.fromkeys(parents), reference(self._table)])
        yield f"SET LOCAL lock_timeout = {LOCK_TIMEOUT_MS}"
        yield from (view.lock for view in around.views)
        yield f"LOCK TABLE {tables} IN ACCESS EXCLUSIVE MODE"

    def _changing(self, around: Surroundings, keep: TableName | None) -> Iterator[str]:
        """The whole change, statement by statement."""
        yield "SET LOCAL search_path = pg_catalog"
        yield from self._renames()
        yield from (view.statement for view in around.views)
        yield from self._farewell(keep)
        yield from self._names_of_parts()
        yield f"COMMENT ON TABLE {reference(self._table)} IS NULL"
        yield from self._revokes()
        yield from around.grants
        yield from around.again

    def _renames(self) -> Iterator[str]:
        table = reference(self._table)
        for sequence in self._shape.sequences:
            if sequence.identity:
                own = self._sequences[sequence.column]
                yield (
                    f"SELECT setval('{_literal(own)}', old.last_value, old.is_called)"  # noqa: S608
                    f" FROM {sequence.reference} AS old, {own} AS own"
                    " WHERE old.last_value > own.last_value"
                )
        yield f"ALTER TABLE {table} RENAME TO {quote(self._outgoing.table)}"
        yield f"ALTER TABLE {reference(self._stash)} RENAME TO {quote(self._table.table)}"
        for sequence in self._shape.sequences:
            if not sequence.identity:
                owner = f"{table}.{quote(sequence.column)}"
                yield f"ALTER SEQUENCE {sequence.reference} OWNED BY {owner}"

    def _farewell(self, keep: TableName | None) -> Iterator[str]:
        """The old table goes. That is tried also if it is kept: nothing may depend on it."""
        old = reference(self._outgoing)
        if keep is None:
            yield f"DROP TABLE {old}"
            return
        yield from ("SAVEPOINT kept", f"DROP TABLE {old}", "ROLLBACK TO SAVEPOINT kept")
        for key in self._shape.foreign_keys:
            yield f"ALTER TABLE {old} DROP CONSTRAINT {quote(key.name)}"
        for sequence in self._shape.sequences:
            what = "IDENTITY" if sequence.identity else "DEFAULT"
            yield f"ALTER TABLE {old} ALTER COLUMN {quote(sequence.column)} DROP {what}"
        for index in self._shape.indexes:
            yield (
                f"ALTER TABLE {old} DROP CONSTRAINT {quote(index.name)}"
                if index.is_constraint
                else f"DROP INDEX {quote(self._table.schema or '')}.{quote(index.name)}"
            )
        for each in self._shape.statistics:
            yield f"DROP STATISTICS {quote(each.schema)}.{quote(each.name)}"
        yield f"ALTER TABLE {old} RENAME TO {quote(keep.table)}"

    def _names_of_parts(self) -> Iterator[str]:
        """Indexes, statistics and sequences get the names that the old table's had."""
        schema = quote(self._table.schema or "")
        for index in self._shape.indexes:
            yield f"ALTER INDEX {schema}.{index.temporary} RENAME TO {quote(index.name)}"
        for each in self._shape.statistics:
            name = f"{quote(each.schema)}.{each.temporary}"
            yield f"ALTER STATISTICS {name} RENAME TO {quote(each.name)}"
        for sequence in self._shape.sequences:
            own = self._sequences.get(sequence.column, sequence.reference)
            if own != sequence.reference:
                yield f"ALTER SEQUENCE {own} RENAME TO {quote(sequence.name)}"

    def _revokes(self) -> Iterator[str]:
        """Nobody keeps what default privileges gave on the stash."""
        relations = {reference(self._stash): reference(self._table)}
        for sequence in self._shape.sequences:
            if sequence.identity:
                own = self._sequences[sequence.column]
                relations[own] = f"SEQUENCE {sequence.reference}"
        cursor = RawCursor(self._connection)
        for now, later in relations.items():
            for (grantee,) in cursor.execute(_GRANTEES, [now]).fetchall():
                yield f"REVOKE ALL ON {later} FROM {grantee}"

    def _run(self, statement: str) -> None:
        RawCursor(self._connection).execute(statement.encode())

    def _value(self, query: str, *params: object) -> Any:
        row = RawCursor(self._connection).execute(query.encode(), params).fetchone()
        return row[0] if row else None


def advance(sequence: str, column: str, table: str) -> str:
    """A statement that lets a sequence go on behind the greatest value of a column."""
    greatest = f"max({quote(column)})"
    return (
        f"SELECT setval('{_literal(sequence)}', {greatest}) FROM {table}"  # noqa: S608 - quoted
        f" HAVING {greatest} >= (SELECT last_value FROM {sequence})"
    )


@contextmanager
def refusals() -> Iterator[None]:
    """Turn what the server refuses into WayClosed; a lost connection stays what it is."""
    try:
        yield
    except (errors.LockNotAvailable, psycopg.OperationalError, psycopg.IntegrityError):
        raise
    except psycopg.Error as error:
        raise WayClosed(error.diag.message_primary or str(error)) from error


def _literal(text: str) -> str:
    return text.replace("'", "''")
