"""What a step makes of the source's columns before they are copied. Pure.

The plan sees a source whose columns have their wanted names and types already; how each comes
about, in the source's SELECT where its SQL can do it, stands beside it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from nomaflow.connectors.coercions import (
    Coercion,
    Constant,
    JulianDate,
    Scaled,
    Trimmed,
    WithoutNul,
    is_numeric,
    type_of,
)
from nomaflow.connectors.copies import Types
from nomaflow.connectors.tables import Column, ColumnType, Kind, Table
from nomaflow.connectors.values import ColumnFunction
from nomaflow.copying.coerce import coercing
from nomaflow.copying.dictionary import Dictionary
from nomaflow.errors import StepRefused


@dataclass(frozen=True)
class ColumnWish:
    """What the step says of one column; `type` is in the target's words."""

    rename: str | None = None
    drop: bool = False
    type: str | None = None
    scale: int | None = None
    julian: bool | None = None
    constant: Constant | None = None


@dataclass(frozen=True)
class Jde:
    """JD Edwards' typing rules; `truncate` drops decimals."""

    dictionary: Dictionary
    truncate: bool = False


@dataclass(frozen=True)
class Wishes:
    """Everything that a step says about columns. `stripped` and the keys name source columns."""

    columns: Mapping[str, ColumnWish] = field(default_factory=dict)
    stripped: Sequence[str] = ()
    jde: Jde | None = None


@dataclass(frozen=True)
class Shaped:
    """One column: `read` is what the SELECT gives, `functions` make `column`'s values of it.

    `decoded` is the type whose canonical values the functions take; `pending` are the coercions
    that they do. `distinct`: values that differ
    where they are stored differ here.
    """

    column: Column
    read: Column
    decoded: ColumnType
    functions: tuple[ColumnFunction, ...] = ()
    pending: tuple[Coercion, ...] = ()
    coercions: tuple[str, ...] = ()
    distinct: bool = True
    declared: str | None = None


@dataclass(frozen=True)
class Shape:
    """The source as the target shall see it. `left_alone`: numbers that no dictionary describes."""

    table: Table
    columns: Sequence[Shaped]
    left_alone: Sequence[str] = ()

    @property
    def coercions(self) -> dict[str, list[str]]:
        """The names of the columns, by what is done to them."""
        done: dict[str, list[str]] = {}
        for shaped in self.columns:
            for name in shaped.coercions:
                done.setdefault(name, []).append(shaped.column.name)
        return done


def shape(table: Table, wishes: Wishes, types: Types, *, in_select: bool = True) -> Shape:
    """Apply the wishes; `in_select` False leaves every coercion to functions.

    Raises StepRefused naming columns that do not exist, or two that would have one name.
    """
    _refuse_unknown(table, wishes, types)
    wanted = _Wanted(wishes=wishes, types=types, in_select=in_select)
    kept = [column for column in table.columns if not wanted.of(column.name).drop]
    shaped = {column.name: wanted.shaped(column) for column in kept}
    added = [wanted.constant(name, wish) for name, wish in _additions(table, wishes, types).items()]
    columns = [*shaped.values(), *added]
    _refuse_twins(columns, types)
    return Shape(
        table=_renamed(table, shaped, columns),
        columns=columns,
        left_alone=[
            shaped[column.name].column.name for column in kept if wanted.left_alone(column)
        ],
    )


def _refuse_unknown(table: Table, wishes: Wishes, types: Types) -> None:
    known = {types.folded(column.name) for column in table.columns}
    unknown = [
        *(f"columns.{name}" for name, wish in wishes.columns.items()
          if wish.constant is None and types.folded(name) not in known),
        *(f"strip_both_columns: {name}" for name in wishes.stripped
          if types.folded(name) not in known),
    ]  # fmt: skip
    if unknown:
        raise StepRefused(
            f"The source has no such column: {', '.join(unknown)}. It has: "
            f"{', '.join(column.name for column in table.columns)}."
        )


def _additions(table: Table, wishes: Wishes, types: Types) -> dict[str, ColumnWish]:
    """Constants that are no column of the source."""
    known = {types.folded(column.name) for column in table.columns}
    return {name: wish for name, wish in wishes.columns.items() if types.folded(name) not in known}


def _refuse_twins(columns: Sequence[Shaped], types: Types) -> None:
    names = [types.folded(shaped.column.name) for shaped in columns]
    if twins := sorted({name for name in names if names.count(name) > 1}):
        raise StepRefused(
            f"Two columns would have the name {', '.join(map(repr, twins))} at the target. Rename "
            "or drop one of them in the step's `columns`."
        )


def _renamed(table: Table, shaped: Mapping[str, Shaped], columns: Sequence[Shaped]) -> Table:
    """The table with its new columns, and those keys whose columns are all still there."""
    names = {name: wanted.column.name for name, wanted in shaped.items()}

    def renamed(key: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(names[name] for name in key) if names.keys() >= set(key) else ()

    return replace(
        table,
        columns=[wanted.column for wanted in columns],
        primary_key=renamed(table.primary_key),
        unique_keys=tuple(filter(None, map(renamed, table.unique_keys))),
    )


@dataclass(frozen=True, kw_only=True)
class _Wanted:
    """The wishes, asked about one column after the other."""

    wishes: Wishes
    types: Types
    in_select: bool

    def of(self, name: str) -> ColumnWish:
        """What the step says of a source column, however it spells its name."""
        folded = self.types.folded(name)
        found = (w for key, w in self.wishes.columns.items() if self.types.folded(key) == folded)
        return next(found, ColumnWish())

    def shaped(self, column: Column) -> Shaped:
        wish = self.of(column.name)
        name = wish.rename or (column.name.lower() if self.wishes.jde else column.name)
        if wish.constant is not None:
            return self.constant(name, wish)
        stored = None if name == column.name else self.types.identifier(column.name)
        plain = replace(column, name=name, expression=stored)
        start = Shaped(plain, plain, column.type, declared=wish.type)
        for coercion in self._coercions(column, wish):
            start = self._coerced(start, coercion, column)
        return start

    def constant(self, name: str, wish: ColumnWish) -> Shaped:
        value = wish.constant
        assert value is not None  # noqa: S101 - both callers look
        kind = self.types.carrier(type_of(value)) or type_of(value)
        column = Column(
            wish.rename or name, kind, nullable=False, expression=self.types.literal(value)
        )
        return Shaped(
            column, column, kind, coercions=("constant",), distinct=False, declared=wish.type
        )

    def left_alone(self, column: Column) -> bool:
        """Whether JDE rules could have changed the column's numbers, had they been described."""
        wish = self.of(column.name)
        told = wish.scale is not None or wish.julian is not None or wish.constant is not None
        numeric = column.type.kind in {Kind.INTEGER, Kind.DECIMAL, Kind.FLOAT}
        jde = self.wishes.jde
        return jde is not None and numeric and not told and jde.dictionary.of(column.name) is None

    def _coercions(self, column: Column, wish: ColumnWish) -> list[Coercion]:
        """In the order in which they are done; each finds the type that the one before leaves."""
        number = self._of_number(column, wish)
        if number is not None:
            return [number]
        if column.type.kind is not Kind.TEXT:
            return []
        folded = {self.types.folded(name) for name in self.wishes.stripped}
        both = self.types.folded(column.name) in folded
        nul = [WithoutNul(column.type)] if self.wishes.jde else []
        trimmed = [Trimmed(column.type, both=both)] if both or self.wishes.jde else []
        return [*nul, *trimmed]

    def _of_number(self, column: Column, wish: ColumnWish) -> Coercion | None:
        """What the step says of the column's numbers, else what the dictionary says."""
        jde = self.wishes.jde
        truncated = jde is not None and jde.truncate
        if wish.julian or wish.scale is not None:
            return self._told(column, wish, truncated=truncated)
        item = jde.dictionary.of(column.name) if jde else None
        if item is None or not is_numeric(column.type):
            return None
        if item.is_date:
            return None if wish.julian is False else JulianDate(_decodable(column.type))
        if column.type.kind is Kind.TEXT or not (item.decimals or truncated):
            return None
        return Scaled(_decodable(column.type), item.decimals, truncated)

    def _told(self, column: Column, wish: ColumnWish, *, truncated: bool) -> Coercion | None:
        if not is_numeric(column.type):
            raise StepRefused(
                f"columns.{column.name}: scale and julian are for numbers, and the column is "
                f"{column.type.native or 'untyped'}."
            )
        stored = _decodable(column.type)
        if wish.julian:
            return JulianDate(stored)
        places = wish.scale or 0
        return Scaled(stored, places, truncated) if places or truncated else None

    def _coerced(self, before: Shaped, coercion: Coercion, column: Column) -> Shaped:
        done = _after(before, coercion, self.types)
        operand = before.read.expression or self.types.identifier(column.name)
        sql = None
        if self.in_select and not before.functions and column.type.kind is not Kind.ANY:
            sql = self.types.expression(coercion, operand, done.column.type)
        if sql == operand:
            return before
        if sql is not None:
            read = replace(done.column, expression=sql)
            return replace(done, column=read, read=read, decoded=read.type)
        first = before.decoded if before.functions else coercion.stored
        return replace(
            done,
            decoded=first,
            functions=(*before.functions, coercing(coercion)),
            pending=(*before.pending, coercion),
        )


def _after(before: Shaped, coercion: Coercion, types: Types) -> Shaped:
    """The column as the coercion leaves it."""
    wanted = types.carrier(coercion.wanted) or coercion.wanted
    nullable = before.column.nullable or isinstance(coercion, JulianDate)
    return replace(
        before,
        column=replace(before.column, type=wanted, nullable=nullable),
        coercions=(*before.coercions, coercion.name),
        distinct=before.distinct and coercion.distinct,
    )


def _decodable(stored: ColumnType) -> ColumnType:
    """An untyped column's numbers are read as decimals."""
    return ColumnType(Kind.DECIMAL, "") if stored.kind is Kind.ANY else stored
