"""The seam of the table copies: what a dialect offers so that tables can be copied from and to it.

A copy holds one connection of its own on each side. The source is one read-only transaction, so
that every row is of one instant. The target fills a stash beside the table; what then changes the
table is one transaction, so that all of it happens or none.
"""

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar, Protocol

from nomaflow.connectors.coercions import Coercion, Constant
from nomaflow.connectors.statement import Statement
from nomaflow.connectors.tables import Column, ColumnType, Query, Row, Rows, Table, TableName
from nomaflow.connectors.values import ColumnFunction

Values = Mapping[str, Any]
OnCancel = Callable[[Callable[[], None]], AbstractContextManager[None]]


class Way(StrEnum):
    """How a filled stash gets into the target."""

    CREATE = "create"
    RENAME = "rename"
    MERGE = "merge"
    REPLACE = "replace"
    INSERT = "insert"
    UPSERT = "upsert"


@dataclass(frozen=True)
class Choice:
    """A way, and why it is this one."""

    way: Way
    reason: str


class Types(Protocol):
    """How a database's types map to kinds, and its values to canonical ones. Pure."""

    @property
    def dialect(self) -> str:
        """The dialect's name."""

    @property
    def enforced(self) -> bool:
        """Whether every stored value is of its column's declared type."""

    @property
    def longest_name(self) -> int:
        """Of a column, in bytes."""

    def folded(self, name: str) -> str:
        """Equal for two names that mean the same column."""

    def named(self, name: str) -> str:
        """What a column is called that a copy makes for another database's column."""

    def decode(self, stored: ColumnType, wanted: ColumnType) -> tuple[ColumnFunction, ...]:
        """From what the source reads to canonical values of `stored`'s kind.

        Of an untyped column: of `wanted`'s kind.
        """

    def blank(self, stored: ColumnType) -> str | None:
        """What values are called that are not NULL but decode to it; None: there are none."""

    def unstored(self, declared: ColumnType) -> str | None:
        """What values are called that such a column keeps as NULL; None: there are none."""

    def encode(self, declared: ColumnType) -> tuple[ColumnFunction, ...]:
        """From canonical values to what the target writes into such a column."""

    def carrier(self, foreign: ColumnType) -> ColumnType | None:
        """The type that holds every value of another database's type; None: there is none."""

    def literal(self, value: Constant) -> str:
        """A value as SQL takes it, of the type that carries it."""

    def identifier(self, name: str) -> str:
        """A name as SQL takes it."""

    def since(self, column: Column, mark: str, *, again: bool) -> str:
        """An SQL condition: the column is greater than the mark, or, `again`, equal to it."""

    def expression(self, coercion: Coercion, operand: str, wanted: ColumnType) -> str | None:
        """SQL that coerces the values of `operand`, whose type is the coercion's, to `wanted`.

        It fails for every value that would not arrive exactly. None: SQL here cannot do that.
        """


@dataclass(frozen=True)
class Transfer:
    """Rows that a shortcut is to bring into the stash: the columns `sources` become `targets`.

    `query` gives them all, and so do `parts` together. `table` is what they come from if that is
    a table or view with all its rows. `verbatim`: the columns are declared alike on both sides.
    `rows`: how many there are, if that is known. `in_snapshot`: they must be those of the source's
    snapshot, because something else is read from that, too. `pending`: the coercions of each
    column that the query does not do.
    """

    query: Query
    parts: Sequence[Query]
    table: TableName | None
    sources: Sequence[Column]
    targets: Sequence[Column]
    verbatim: bool
    rows: int | None = None
    in_snapshot: bool = False
    pending: Sequence[Sequence[Coercion]] = ()

    def refuse_later(self) -> None:
        """Raises Unsuited if only the source's own, earlier transaction may read."""
        if self.in_snapshot:
            raise Unsuited("the mark or the checksum must be of the same instant as the rows")

    def refuse_pending(self) -> None:
        """Raises Unsuited when a column is yet to be coerced."""
        for _, target, pending in self.columns:
            if pending:
                raise Unsuited(f"column '{target.name}' is coerced outside of the source's SELECT")

    @property
    def columns(self) -> list[tuple[Column, Column, Sequence[Coercion]]]:
        """Source, target, and what is yet to be done between them."""
        pending = self.pending or [()] * len(self.sources)
        return list(zip(self.sources, self.targets, pending, strict=True))

    @property
    def never_null(self) -> list[str]:
        """Target columns that allow no NULL, where the source may have one."""
        found = [(theirs, ours.nullable or pending) for ours, theirs, pending in self.columns]
        return [column.name for column, may_be in found if may_be and not column.nullable]


class ArrowSource(Protocol):
    """Reads Arrow record batches; nothing of Arrow is imported before they are asked for."""

    def refuse(self, transfer: Transfer) -> None:
        """Raises Unsuited when it cannot read these columns for these targets, nor coerce them."""

    def opened(self, transfer: Transfer) -> AbstractContextManager[Iterator[Any]]:
        """The batches, each of some MiB, in types from which the targets' follow exactly.

        Raises Unsuited when a value is not of its column's type.
        """


@dataclass(frozen=True)
class Lines:
    """Some whole rows, as CSV.

    `blanked` counts, by target column, what is written as NULL because it is `Types.blank`.
    """

    data: bytes
    rows: int
    blanked: Mapping[str, int]


class CsvSource(Protocol):
    """Reads CSV: what is between double quotes is a text; NULL is a word without them.

    Binary values are `\\x` and their hexadecimal digits, booleans 0 and 1, instants are in UTC
    and do not say so.
    """

    def refuse(self, transfer: Transfer) -> None:
        """Raises Unsuited when it cannot write these columns."""

    def opened(
        self, transfer: Transfer, null: str, on_cancel: OnCancel
    ) -> AbstractContextManager[Iterator[Lines]]:
        """The rows; `null` is the word for NULL. A stop that is asked for ends them.

        Raises Unsuited for a row that it cannot write, and SourceFailed.
        """


class Source(Protocol):
    """One connection that reads, in one snapshot."""

    @property
    def types(self) -> Types:
        """What the database's types mean."""

    def begin(self) -> None:
        """Open the snapshot."""

    def table(self, name: TableName) -> Table | None:
        """Facts of a table or view; None when there is none."""

    def select(
        self, table: Table, columns: Sequence[Column], where: Statement | None, values: Values
    ) -> Query:
        """These columns of all rows of a table, or of those for which `where` holds."""

    def project(
        self, query: Query, columns: Sequence[Column], condition: str | None = None
    ) -> Query:
        """These columns of what another query gives, of its rows for which `condition` holds."""

    def newest(self, query: Query, column: str) -> str | None:
        """The greatest value of a column, as `Types.since` takes it; None: there is none."""

    def digest(self, query: Query) -> str | None:
        """A checksum of all rows, whatever their order; None: this database makes none."""

    def query(self, statement: Statement, values: Values) -> tuple[Table, Query]:
        """What a SELECT of the user's gives: its columns as a table without keys."""

    def observed(self, query: Query, columns: Sequence[str]) -> dict[str, ColumnType]:
        """The types that the values of untyped columns really have, one type for each column.

        A column with values of several types is left out.
        """

    def parts(
        self,
        table: Table,
        columns: Sequence[Column],
        where: Statement | None,
        values: Values,
        number: int,
    ) -> Sequence[Query]:
        """What `select` gives, in up to so many queries that do not overlap."""

    def about(self, query: Query) -> int | None:
        """About how many rows there are, where the database knows that without counting them."""

    def count(self, query: Query, seconds: float) -> int | None:
        """How many rows there are; None when it takes longer, or fails."""

    def rows(
        self, query: Query, columns: Sequence[Column], *, verbatim: bool
    ) -> Generator[Rows, None, None]:
        """The rows in small lists of at most some hundred.

        `verbatim`: in the database's own form, for a target of the same dialect and types.
        Raises BadRow for a row that cannot be read.
        """

    def arrow(self) -> ArrowSource:
        """The database, read in record batches. Raises Unsuited where that cannot be."""

    def csv(self) -> CsvSource:
        """The database, read as CSV. Raises Unsuited where that cannot be."""

    def end(self) -> None:
        """Close the snapshot."""


@dataclass(frozen=True)
class Moved:
    """What went through: rows read, rows that the target took, bytes.

    `blanked`: how many values became NULL because they are `Types.blank`, by target column.
    `counted`: the source counted what is read by itself, and the target's server what it stored, so
    that the stash need not be counted once more.
    """

    read: int
    written: int
    size: int
    blanked: Mapping[str, int] = field(default_factory=dict)
    counted: bool = False


Load = Callable[[Callable[[int], None], OnCancel], Moved]
"""Fills the stash; the first argument is told how many rows have come since it was last called.

Raises Unsuited when a value is refused: rows one by one will tell which. Raises SourceFailed with
the driver's error when it is the source's.
"""


class Shortcut(Protocol):
    """A way to fill the stash; `coerces`: it does what the transfer has pending."""

    lane: ClassVar[str]
    coerces: ClassVar[bool]

    def fit(self, transfer: Transfer) -> Load:
        """Raises Unsuited when some value might arrive changed, or not at all, on this way."""


class Target(Protocol):
    """One connection that writes, in one transaction."""

    @property
    def types(self) -> Types:
        """What the database's types mean."""

    def table(self, name: TableName) -> Table | None:
        """Facts of a table or view; None when there is none."""

    def home(self, name: TableName) -> TableName:
        """The name with its schema. Raises StepRefused when that does not exist."""

    def known(self, column: ColumnType) -> bool:
        """Whether a type of this dialect exists in this database."""

    def declared(self, words: str) -> ColumnType:
        """The type that these words declare, e.g. `numeric(10,2)`. Raises StepRefused."""

    def add_columns(self, name: TableName, columns: Sequence[Column]) -> None:
        """Add empty columns, in a transaction that ends with it. Raises TableLocked."""

    def begin(self, name: TableName) -> None:
        """Keep other copies into the table out for as long as the connection lives.

        A second one waits here. Removes what copies left that died.
        """

    def ways(self, table: Table, key: Sequence[str]) -> Sequence[Choice]:
        """How all rows of a table may be replaced, the best way first; never none.

        `key`: columns of a key that every new row brings along; empty: there is none.
        """

    def create_stash(self, columns: Sequence[Column], table: Table, way: Way) -> str:
        """Make the table that is filled first, and return how SQL refers to it.

        It takes rows of these columns, in this order. Other sessions see it and may fill it, too,
        unless the name is that of a temporary table.
        """

    def shortcuts(self, source: Source) -> Sequence[Shortcut]:
        """Ways to fill the stash, the fastest first. Before there is one they say what they fit."""

    def write(self, rows: Rows) -> int:
        """Append to the stash; returns how many rows arrived. Raises BadValue."""

    def ripen(self, table: Table, way: Way) -> None:
        """Give the filled stash what it needs to take its place; the table is not touched.

        Raises TableLocked when someone else holds what a foreign key refers to: call it again.
        """

    def enter(self, table: Table, way: Way, keep: TableName | None) -> None:
        """Open the transaction that changes the table, and lock what the way needs.

        `keep`: the name of a table that will hold the rows which are replaced. Raises TableLocked
        when someone else holds it; there is no transaction then.
        """

    def take_place(self, table: Table) -> None:
        """Make the stash the table. Raises WayClosed when that cannot be right any more."""

    def leave(self) -> None:
        """End the transaction without a change; the stash stays."""

    def replacing(self, table: Table) -> AbstractContextManager[None]:
        """While it is open, a table's rows are replaced: triggers rest, indexes may wait."""

    def insert_into(self, table: Table, columns: Sequence[str]) -> str:
        """The head of an INSERT statement, up to its columns."""

    def delete_from(self, table: Table) -> str:
        """The head of a DELETE statement whose rows are `t`, up to its condition."""

    def upsert(self, stash: str, table: Table, key: Sequence[str], columns: Sequence[str]) -> int:
        """Insert the stash's rows with new keys, update those that differ in these columns.

        Returns how many rows were inserted or updated.
        """

    def execute(self, sql: str, params: Sequence[Any] = ()) -> int:
        """Run a statement; returns how many rows it affected."""

    def row(self, sql: str, params: Sequence[Any] = ()) -> Row | None:
        """The first row of a query."""

    def one_of(self, select: str, order: str = "", skip: int = 0) -> str:
        """A query for one row of what another gives, the first in that order behind `skip` rows."""

    def place(self, number: int) -> str:
        """What stands for a parameter in SQL; they count from 1."""

    def reference(self, name: TableName) -> str:
        """How SQL refers to a table."""

    def quote(self, name: str) -> str:
        """How SQL refers to a column."""

    def violation(self, error: Exception) -> str | None:
        """What a broken key, foreign key or check says, with the values; None: another error."""

    def drop(self, name: TableName) -> bool:
        """Drop a table, outside of a transaction; False when others hold it."""

    def stamp(self, name: TableName) -> str:
        """What `changed_since` needs to know about the rows as this transaction leaves them."""

    def changed_since(self, name: TableName, stamp: str, rows: int) -> bool:
        """Whether a row came, went or changed since the table had that stamp and so many rows."""

    def make(self, name: TableName, definition: str) -> None:
        """Make a table of our own if it is not there; an open transaction stays open.

        `definition`: columns and keys, in SQL that every database takes.
        """

    def commit(self) -> None:
        """Make everything visible at once."""

    def discard(self) -> None:
        """End whatever is open, and remove the stash. A lost connection raises nothing."""


class BadRow(ValueError):
    """A value of the source cannot even be read."""

    def __init__(self, row: Row, column: str, reason: str) -> None:
        super().__init__(reason)
        self.row = row
        self.column = column
        self.reason = reason


class Unsuited(Exception):
    """This way of loading does not do for this copy; says why. Another one may."""


class SourceFailed(Exception):
    """The source's driver said `error`, while the target was written."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


class TableLocked(Exception):
    """Someone else holds the table; trying again soon may help."""


class WayClosed(Exception):
    """The stash cannot get into the table that way, for the reason given; another may be open."""
