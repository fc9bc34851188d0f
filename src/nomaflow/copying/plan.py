"""What a copy will do, decided from the facts of both sides before a row moves. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from nomaflow.connectors.coercions import Coercion
from nomaflow.connectors.copies import Types
from nomaflow.connectors.tables import Column, ColumnType, Kind, Table, TableName
from nomaflow.connectors.values import ColumnFunction, not_null, without_null
from nomaflow.copying.convert import Unfit, conversion
from nomaflow.copying.shape import Shape, Shaped
from nomaflow.errors import StepRefused

Mode = Literal["overwrite", "append", "upsert"]
Drift = Literal["fail", "add", "ignore"]
Key = tuple[str, ...]

_SPELLED_IN_ONE_WAY = frozenset({Kind.INTEGER, Kind.TEXT, Kind.BYTES})


@dataclass(frozen=True)
class Request:
    """What the step asks for. `key` names target columns.

    `on_drift` is for columns of the source which an existing target does not have.
    """

    mode: Mode
    target: TableName
    key: Key = ()
    on_drift: Drift = "fail"


@dataclass(frozen=True)
class Sides:
    """The types of both databases.

    `known` says whether a type of the target's dialect exists there, `declared` reads one in its
    words; `observed` holds the types that the values of untyped source columns really have.
    """

    source: Types
    target: Types
    known: Callable[[ColumnType], bool]
    declared: Callable[[str], ColumnType]
    observed: Mapping[str, ColumnType] = field(default_factory=dict)

    @property
    def same_dialect(self) -> bool:
        return self.source.dialect == self.target.dialect


@dataclass(frozen=True)
class PlannedColumn:
    """One column's way: `functions` turn a batch of its values into what the target takes.

    `source` is what the SELECT gives: `name`, `type`, and the `expression` that it computes.
    `canonical` are those of them that lead to values in canonical form, of type `arrives`.
    `verbatim`: both sides declare the same type of one dialect. `pending`: what is done to
    its values on the way, outside of the SELECT. `distinct`: values that differ at the source
    differ at the target. `blank` names values that become NULL.
    """

    source: Column
    target: Column
    functions: tuple[ColumnFunction, ...]
    arrives: ColumnType
    canonical: tuple[ColumnFunction, ...]
    verbatim: bool
    pending: tuple[Coercion, ...]
    distinct: bool
    blank: str | None = None


@dataclass(frozen=True)
class Plan:
    """`table` is the target as it is, or as it will be made when `creates`.

    `key` identifies rows, in an upsert and in messages; `unproven` are keys of the target which
    the source does not vouch for. `coercions` lists columns by what is done to them, `left_alone`
    the numbers that a data dictionary does not describe. `added` are columns that `table` gets
    before the copy, `ignored` those of the source that it does not have.
    """

    mode: Mode
    columns: Sequence[PlannedColumn]
    table: Table
    creates: bool
    key: Key
    unproven: Sequence[Key]
    coercions: Mapping[str, Sequence[str]]
    left_alone: Sequence[str]
    added: Sequence[Column] = ()
    ignored: Sequence[str] = ()

    @property
    def verbatim(self) -> bool:
        """Whether all values may travel in the database's own form."""
        return all(column.verbatim for column in self.columns)

    @property
    def source_columns(self) -> list[Column]:
        """The source's columns that are read, in its order."""
        return [column.source for column in self.columns]

    @property
    def names(self) -> list[str]:
        """The target's columns that are written, in the source's order."""
        return [column.target.name for column in self.columns]


def plan(request: Request, source: Shape, target: Table | None, sides: Sides) -> Plan:
    """Decide. Raises StepRefused, naming the columns, when the copy cannot be right."""
    _refuse_itself(source.table, target)
    new = _new_columns(source, target, sides.target) if target else []
    added = _added(request, new, target, sides)
    ignored = [shaped.column.name for shaped in new] if request.on_drift == "ignore" else []
    table = _widened(target, added) or _successor(request, source, sides)
    request = replace(request, key=_in_words_of(table, request.key, sides.target))
    pairs = _pairs(_without(source, ignored), table, sides.target)
    columns = _planned_columns(request, pairs, table, sides)
    return Plan(
        mode=request.mode,
        columns=columns,
        table=table,
        creates=target is None,
        key=_key(request, source.table, table, columns),
        unproven=_unproven(source.table, table, columns),
        coercions=source.coercions,
        left_alone=source.left_alone,
        added=added,
        ignored=ignored,
    )


def _new_columns(source: Shape, target: Table, types: Types) -> list[Shaped]:
    """What the source has and the target does not."""
    known = {types.folded(column.name) for column in target.columns}
    return [shaped for shaped in source.columns if types.folded(shaped.column.name) not in known]


def _added(
    request: Request, new: Sequence[Shaped], target: Table | None, sides: Sides
) -> list[Column]:
    """The new columns as the target will have them. Raises StepRefused if it may not."""
    names = [shaped.column.name for shaped in new]
    if target is None or not new or request.on_drift == "ignore":
        return []
    if request.on_drift == "fail":
        raise StepRefused(
            f"The target '{target.name}' does not have {_listed(names)}. Add what is missing, drop "
            'it in the step\'s `columns`, or say on_drift = "add" or "ignore".'
        )
    carriers = [_carrier(shaped, sides) for shaped in new]
    if lost := [name for name, kind in zip(names, carriers, strict=True) if kind is None]:
        raise StepRefused(
            f"The target '{target.name}' ({sides.target.dialect}) has no type for {_listed(lost)}. "
            "Drop what cannot be added in the step's `columns`."
        )
    called = names if sides.same_dialect else map(sides.target.named, names)
    return [Column(name, kind) for name, kind in zip(called, carriers, strict=True) if kind]


def _widened(target: Table | None, added: Sequence[Column]) -> Table | None:
    return replace(target, columns=[*target.columns, *added]) if target else None


def _without(source: Shape, ignored: Sequence[str]) -> Shape:
    kept = [shaped for shaped in source.columns if shaped.column.name not in ignored]
    return replace(source, columns=kept) if ignored else source


def _refuse_itself(source: Table, target: Table | None) -> None:
    if target is None:
        return
    if source.identity is not None and source.identity == target.identity:
        raise StepRefused(
            f"Source and target are the same table, '{target.name}'. Name another target."
        )
    if not target.writable:
        raise StepRefused(f"The target '{target.name}' is a view. Name a table.")


def _successor(request: Request, shaped: Shape, sides: Sides) -> Table:
    """The table that a first run makes: the source's types, keys and NOT NULL."""
    source = shaped.table
    refused: list[str] = []
    columns = []
    named = str if sides.same_dialect else sides.target.named
    for wanted in shaped.columns:
        column = wanted.column
        carrier = _carrier(wanted, sides)
        if carrier is None:
            refused.append(f"column '{column.name}' is {column.type.native or 'of no one type'}")
        else:
            nullable = column.nullable and column.name not in (*source.primary_key, *request.key)
            columns.append(Column(named(column.name), carrier, nullable))
    refused += _bad_names(source, sides.target)
    if refused:
        raise StepRefused(
            f"The table cannot be made at the target ({sides.target.dialect}): "
            f"{'; '.join(refused)}. Create the table '{request.target}' yourself, or leave the "
            "column out with source.query."
        )
    extra = (request.key,) if request.key and request.key not in source.keys else ()
    keys = (source.primary_key, *source.unique_keys, *extra)
    primary, *unique = (tuple(map(named, key)) for key in keys)
    return Table(request.target, columns, primary, tuple(unique))


def _carrier(wanted: Shaped, sides: Sides) -> ColumnType | None:
    if wanted.declared is not None:
        return sides.declared(wanted.declared)
    column = wanted.column
    if sides.same_dialect:
        return column.type if sides.known(column.type) else None
    return sides.target.carrier(sides.observed.get(column.name, column.type))


def _bad_names(source: Table, types: Types) -> list[str]:
    names = [types.folded(column.name) for column in source.columns]
    twins = {name for name in names if names.count(name) > 1}
    long = [name for name in names if len(name.encode()) > types.longest_name]
    return [f"column '{name}' is there twice" for name in sorted(twins)] + [
        f"the name of column '{name}' is too long" for name in long
    ]


def _pairs(source: Shape, table: Table, types: Types) -> list[tuple[Shaped, Column]]:
    """Source and target columns of one name; the target must not need more."""
    targets = {types.folded(column.name): column for column in table.columns}
    names = [shaped.column.name for shaped in source.columns]
    folded = [types.folded(name) for name in names]
    if twins := [name for name in names if folded.count(types.folded(name)) > 1]:
        raise StepRefused(f"The target '{table.name}' has only one column for {_listed(twins)}.")
    pairs = [(shaped, targets[types.folded(shaped.column.name)]) for shaped in source.columns]
    given = {column.name for _, column in pairs}
    needed = [c.name for c in table.columns if not c.optional and c.name not in given]
    if needed:
        raise StepRefused(
            f"The target '{table.name}' needs {_listed(needed)}, which the source does not have. "
            "Give it a default, or a constant in the step's `columns`."
        )
    computed = [ours.column.name for ours, theirs in pairs if theirs.generated]
    if computed and source.table.identity is None:
        raise StepRefused(
            f"The target '{table.name}' computes {_listed(computed)} itself. Leave it out of "
            "source.query."
        )
    return [(ours, theirs) for ours, theirs in pairs if not theirs.generated]


def _planned_columns(
    request: Request, pairs: Sequence[tuple[Shaped, Column]], table: Table, sides: Sides
) -> list[PlannedColumn]:
    columns, refused = [], []
    for shaped, target in pairs:
        if target.name in (*table.primary_key, *request.key):
            target = replace(target, nullable=False)
        try:
            columns.append(_planned(shaped, target, sides))
        except Unfit as unfit:
            refused.append(f"column '{shaped.column.name}': {unfit}")
    if refused:
        raise StepRefused(
            f"The target '{table.name}' cannot hold the source: {'; '.join(refused)}. Change the "
            "column's type, or cast it with source.query."
        )
    return columns


def _planned(shaped: Shaped, target: Column, sides: Sides) -> PlannedColumn:
    source = shaped.column
    _refuse_other_type(shaped, target, sides)
    same = sides.same_dialect and source.type.native.lower() == target.type.native.lower()
    arrives = target.type if same else _arrival(source.type, target.type, sides)
    canonical: tuple[ColumnFunction, ...] = ()
    functions: tuple[ColumnFunction, ...] = ()
    if shaped.functions or not same:
        canonical = _canonical(shaped, arrives, sides)
        functions = (*canonical, *sides.target.encode(arrives))
        canonical = functions if sides.target.unstored(arrives) else canonical
    blank = _blank(shaped, arrives, sides) if functions else None
    if not target.nullable and (source.nullable or blank):
        functions = (*functions, _without_blanks(source, blank) if blank else not_null)
    distinct = same or sides.source.enforced or source.type.kind in _SPELLED_IN_ONE_WAY
    return PlannedColumn(
        shaped.read,
        target,
        functions,
        arrives,
        canonical,
        verbatim=same and not shaped.functions,
        pending=shaped.pending,
        distinct=distinct and shaped.distinct,
        blank=blank,
    )


def _blank(shaped: Shaped, arrives: ColumnType, sides: Sides) -> str | None:
    """What is not NULL at the source and is at the target; one of the two is to blame."""
    stored = None if shaped.coercions else sides.source.blank(shaped.column.type)
    return stored or sides.target.unstored(arrives)


def _without_blanks(source: Column, blank: str) -> ColumnFunction:
    found = f"NULL or {blank}" if source.nullable else blank
    return without_null(f"is {found}, which becomes NULL, and the target allows none")


def _refuse_other_type(shaped: Shaped, target: Column, sides: Sides) -> None:
    """The step may say which type a column has; the table then has it."""
    if shaped.declared is None:
        return
    declared = sides.declared(shaped.declared).native
    if declared.lower() != target.type.native.lower():
        raise Unfit(f"the step's `columns` says {declared}, the target has {target.type.native}")


def _canonical(shaped: Shaped, arrives: ColumnType, sides: Sides) -> tuple[ColumnFunction, ...]:
    """Stored value → canonical → coerced → the target's kind and size."""
    source = shaped.column.type
    comes = arrives if source.kind is Kind.ANY else source
    known = comes if sides.source.enforced else comes.unlimited()
    return (
        *sides.source.decode(shaped.read.type, shaped.decoded if shaped.functions else arrives),
        *shaped.functions,
        *conversion(known, arrives),
    )


def _arrival(source: ColumnType, target: ColumnType, sides: Sides) -> ColumnType:
    """The target's type; in a column that takes any value, what carries the source's type."""
    if target.kind is not Kind.ANY:
        return target
    carrier = sides.target.carrier(source) if not target.native else None
    if carrier is None:
        raise Unfit(f"{source.native} does not become {target.native or 'untyped'}")
    return carrier


def _key(request: Request, source: Table, table: Table, columns: Sequence[PlannedColumn]) -> Key:
    """What identifies a row: the step's key, the target's, the source's."""
    written = {column.target.name for column in columns}
    key = request.key or table.primary_key
    if request.mode == "upsert":
        _refuse_bad_key(key, table, written)
    if key and written.issuperset(key):
        return key
    return _renamed(source.primary_key, columns) or ()


def _in_words_of(table: Table, names: Key, types: Types) -> Key:
    """Column names as the table spells them."""
    spelled = {types.folded(column.name): column.name for column in table.columns}
    return tuple(spelled.get(types.folded(name), name) for name in names)


def _refuse_bad_key(key: Key, table: Table, written: set[str]) -> None:
    if not key:
        raise StepRefused(
            f"The target '{table.name}' has no primary key, so that an upsert cannot find its "
            "rows. Add one, or name the columns of a unique index in the step's `key`."
        )
    if set(key) not in [set(known) for known in table.keys]:
        raise StepRefused(
            f"No unique index of the target '{table.name}' is on {_listed(key)}. Create one, or "
            "correct the step's `key`."
        )
    if absent := [name for name in key if name not in written]:
        raise StepRefused(f"The key's {_listed(absent)} of '{table.name}' is not in the source.")


def _unproven(source: Table, table: Table, columns: Sequence[PlannedColumn]) -> list[Key]:
    faithful = [column for column in columns if column.distinct]
    proven = [set(_renamed(key, faithful) or ()) for key in source.keys]
    written = {column.target.name for column in columns}
    return [key for key in table.keys if set(key) not in proven and written.issuperset(key)]


def _renamed(key: Key, columns: Sequence[PlannedColumn]) -> Key | None:
    """A key of the source in the target's names; None when a column of it is not copied."""
    names = {column.source.name: column.target.name for column in columns}
    return tuple(names[name] for name in key) if names.keys() >= set(key) else None


def _listed(names: Sequence[str]) -> str:
    return f"column{'s' if len(names) > 1 else ''} " + ", ".join(f"'{name}'" for name in names)
