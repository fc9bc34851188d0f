"""Where the rows go: a table by its key, or wherever a named query puts them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

from nomaflow.connectors.mirrors import Mirror
from nomaflow.connectors.statement import Statement, parse
from nomaflow.connectors.tables import Column, Rows, Table, TableName
from nomaflow.errors import StepFailed, StepRefused
from nomaflow.mirroring.changed import changed_table

SEEN: Final = "{seen}"
_BATCH: Final = "nomaflow_batch"


@dataclass(frozen=True)
class Changes:
    """What became of the rows. `created` and `updated` are known for a table alone."""

    upserted: int
    created: int | None = None
    updated: int | None = None


class Destination(Protocol):
    """Brings what `seen` holds to its place, in the mirror's open transaction."""

    @property
    def columns(self) -> Sequence[Column]:
        """The columns of `seen`."""

    @property
    def table(self) -> Table | None:
        """The table that is changed, where that is known."""

    @property
    def key(self) -> Sequence[str]:
        """The columns that identify its rows; empty: not known."""

    def upsert(self, seen: str) -> Changes:
        """Insert what is new, update what differs."""

    def prune(self, seen: str) -> int:
        """Remove what is not in `seen`; returns how many rows went."""


class TableDestination:
    """One table, row by row of a key: two statements for all rows together."""

    def __init__(
        self, mirror: Mirror, table: Table, columns: Sequence[str], key: Sequence[str]
    ) -> None:
        known = {column.name.lower(): column for column in table.columns}
        self.table: Table = table
        self._mirror = mirror
        self.key: Sequence[str] = [known[name.lower()].name for name in key]
        self.columns: Sequence[Column] = [
            replace(column, nullable=column.nullable and column.name not in self.key)
            for column in (known[name.lower()] for name in columns)
        ]
        self._names = [column.name for column in self.columns]
        self._place = mirror.reference(table.name)

    def upsert(self, seen: str) -> Changes:
        self._refuse_twins(seen)
        others = [name for name in self._names if name not in self.key]
        updated = self._update(others) if others else 0
        names = ", ".join(map(self._mirror.quote, self._names))
        created = self._mirror.execute(
            f"INSERT INTO {self._place} ({names}) SELECT {names} FROM {seen} AS s "  # noqa: S608
            f"WHERE NOT EXISTS (SELECT 1 FROM {self._place} WHERE {self._same})"
        )
        return Changes(created + updated, created, updated)

    def prune(self, seen: str) -> int:
        return self._mirror.execute(
            f"DELETE FROM {self._place} "  # noqa: S608 - quoted
            f"WHERE NOT EXISTS (SELECT 1 FROM {seen} AS s WHERE {self._same})"
        )

    @property
    def _same(self) -> str:
        quoted = map(self._mirror.quote, self.key)
        return " AND ".join(f"{self._place}.{name} = s.{name}" for name in quoted)

    def _update(self, others: Sequence[str]) -> int:
        differs = self._mirror.differs(self.table, others, left=self._place, right="s")
        return self._mirror.execute(
            self._mirror.update(self.table, others, f"{self._same} AND {differs}")
        )

    def _refuse_twins(self, seen: str) -> None:
        names = ", ".join(map(self._mirror.quote, self.key))
        twins = list(
            self._mirror.select(
                f"SELECT {names} FROM {seen} "  # noqa: S608 - quoted
                f"GROUP BY {names} HAVING count(*) > 1 LIMIT 1"
            )
        )
        if twins:
            raise StepFailed(
                f"More than one entry has {spelled(self.key, twins[0])}, which is the key. "
                "Nothing was changed."
            )


class QueryDestination:
    """A named query, executed once for each row; and its companion, executed once."""

    def __init__(
        self,
        mirror: Mirror,
        statement: Statement,
        prune: str | None,
        values: Mapping[str, Any],
    ) -> None:
        self._mirror = mirror
        self._statement = statement
        self._prune = prune
        self._values = values
        changed = changed_table(prune or statement.text)
        self.table = mirror.table(changed) if changed else None
        self.key = next(iter(self.table.keys), ()) if self.table else ()
        types = mirror.parameters(statement, self.table)
        self.columns: Sequence[Column] = [
            Column(name.lower(), kind) for name, kind in types.items()
        ]

    def upsert(self, seen: str) -> Changes:  # noqa: ARG002 - the mirror reads it
        names = [column.name for column in self.columns]
        return Changes(sum(self._run(names, rows) for rows in self._mirror.seen()))

    def prune(self, seen: str) -> int:
        statement = parse((self._prune or "").replace(SEEN, seen))
        bound = {name.lower(): value for name, value in statement.bound(self._values).items()}
        return self._mirror.run(statement, list(bound), [tuple(bound.values())])

    def _run(self, names: Sequence[str], rows: Rows) -> int:
        """Halve what fails until the one row is found that the database refuses."""
        self._mirror.execute(f"SAVEPOINT {_BATCH}")
        try:
            affected = self._mirror.run(self._statement, names, rows)
        except Exception as error:
            reason = self._mirror.blame(error)
            if reason is None:
                raise
            if len(rows) == 1:
                raise StepFailed(
                    f"{reason} (row with {spelled(names, rows[0])}). Nothing was changed."
                ) from None
            self._mirror.execute(f"ROLLBACK TO SAVEPOINT {_BATCH}")
        else:
            self._mirror.execute(f"RELEASE SAVEPOINT {_BATCH}")
            return affected
        middle = len(rows) // 2
        return self._run(names, rows[:middle]) + self._run(names, rows[middle:])


def refuse_unfit(table: Table, columns: Sequence[str], key: Sequence[str]) -> None:
    """Raises StepRefused when rows of these columns do not fit the table."""
    known = {column.name.lower(): column for column in table.columns}
    given = {name.lower() for name in columns}
    if not table.writable:
        raise StepRefused(f"The target '{table.name}' is a view. Name a table.")
    if missing := sorted(given - known.keys()):
        raise StepRefused(
            f"The target '{table.name}' has no {_listed(missing)}. It has "
            f"{', '.join(sorted(known))}. Add what is missing, or name columns in `mapping`."
        )
    if not key:
        raise StepRefused(f"The target '{table.name}' has no primary key: name `key`.")
    if absent := [name for name in key if name.lower() not in given]:
        raise StepRefused(
            f"The key's {_listed(absent)} comes from no attribute: name one in `mapping`."
        )
    needed = [c.name for n, c in known.items() if not c.optional and n not in given]
    if needed:
        raise StepRefused(
            f"The target '{table.name}' needs {_listed(needed)}, which comes from no attribute. "
            "Give it a default, or name an attribute in `mapping`."
        )


def found_table(mirror: Mirror, name: TableName) -> Table:
    """Facts of the table. Raises StepRefused when there is none."""
    table = mirror.table(name)
    if table is None:
        raise StepRefused(
            f"The target table '{name}' does not exist. Create it, or check target_table and "
            "target_schema."
        )
    return table


def spelled(names: Sequence[str], values: Sequence[object]) -> str:
    """`user_id = 'u7', region = 'EU'`."""
    return ", ".join(f"{name} = {value!r}" for name, value in zip(names, values, strict=True))


def _listed(names: Sequence[str]) -> str:
    return f"column{'s' if len(names) > 1 else ''} " + ", ".join(f"'{name}'" for name in names)
