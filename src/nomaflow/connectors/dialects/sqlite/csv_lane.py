"""The lane from a database that writes CSV itself: parsed and written in bulk (extra `arrow`)."""

import sqlite3
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from importlib.util import find_spec
from typing import ClassVar, Final

from nomaflow.connectors.ahead import read_ahead
from nomaflow.connectors.copies import Lines, Load, Moved, OnCancel, Source, Transfer, Unsuited
from nomaflow.connectors.dialects.sqlite import catalogue
from nomaflow.connectors.dialects.sqlite.beside import beside
from nomaflow.connectors.dialects.sqlite.types import keeps_digits
from nomaflow.connectors.tables import ColumnType, Kind

_ARROW: Final = ("pyarrow", "adbc_driver_manager", "adbc_driver_sqlite")
_NULL: Final = ""
_PART_BYTES: Final = 2 * 1024 * 1024
_SCHEMA: Final = "nomaflow_loaded"
_SIZED: Final = frozenset({Kind.INTEGER, Kind.TEXT, Kind.TIME, Kind.TIMESTAMP})
_OTHERS: Final = frozenset({Kind.FLOAT, Kind.BOOLEAN, Kind.BYTES, Kind.DATE, Kind.UUID, Kind.JSON})


@dataclass(frozen=True)
class Csv:
    """For columns whose CSV is the text that rows one by one would bring, or the number.

    A SQLite of its own writes them into a file of its own, because two SQLites in one process must
    not hold locks on one file. That file then is the stash.
    """

    source: Source
    target: sqlite3.Connection
    stash: str
    lane: ClassVar[str] = "csv"
    coerces: ClassVar[bool] = False

    def fit(self, transfer: Transfer) -> Load:
        source = self.source.csv()
        source.refuse(transfer)
        for ours, theirs in zip(transfer.sources, transfer.targets, strict=True):
            if not _keeps(ours.type, theirs.type):
                raise Unsuited(
                    f"column '{ours.name}': {ours.type.native} becomes {theirs.type.native}"
                )
        if not catalogue.file_of(self.target):
            raise Unsuited("the target is a database in memory")
        if missing := [name for name in _ARROW if find_spec(name) is None]:
            raise Unsuited(f"{missing[0]} is not installed: pip install 'nomaflow[arrow]'")

        def load(arrived: Callable[[int], None], on_cancel: OnCancel) -> Moved:
            passing = _Passing()

            def parts() -> Generator[tuple[bytes, int], None, None]:
                with source.opened(transfer, _NULL, on_cancel) as found:
                    yield from passing.joined(found)

            with beside(catalogue.file_of(self.target)) as file:
                written = self._written(str(file), transfer, parts(), arrived)
                self._become_stash(str(file), transfer)
            return Moved(passing.rows, written, passing.size, passing.blanked)

        return load

    def _written(
        self,
        file: str,
        transfer: Transfer,
        parts: Generator[tuple[bytes, int], None, None],
        arrived: Callable[[int], None],
    ) -> int:
        from nomaflow.connectors.dialects.sqlite.loading import Loading  # only where Arrow is

        loading = Loading(transfer.targets)
        ahead = read_ahead(loading.parsed(parts), lambda: None)
        with closing(ahead), loading.into(file) as write:
            return sum(_told(write(batch), arrived) for batch in ahead)

    def _become_stash(self, file: str, transfer: Transfer) -> None:
        """The connection keeps the file open when its name is gone."""
        self.target.execute("COMMIT")
        self.target.execute(f"ATTACH ? AS {_SCHEMA}", [file])
        self.target.execute(f"PRAGMA {_SCHEMA}.journal_mode = OFF")
        self.target.execute(f"DROP TABLE {self.stash}")
        names = ", ".join(catalogue.quote(column.name) for column in transfer.targets)
        self.target.execute(
            f"CREATE TEMP VIEW {self.stash.removeprefix('temp.')} ({names})"  # noqa: S608 - quoted
            f" AS SELECT * FROM {_SCHEMA}.stash"
        )


class _Passing:
    """Counts what goes by."""

    def __init__(self) -> None:
        self.rows = self.size = 0
        self.blanked: Counter[str] = Counter()

    def joined(self, found: Iterator[Lines]) -> Iterator[tuple[bytes, int]]:
        """Whole rows of some MiB, and how many they are."""
        waiting: list[bytes] = []
        rows = size = 0
        for lines in found:
            waiting.append(lines.data)
            rows += lines.rows
            size += len(lines.data)
            self.blanked.update(lines.blanked)
            if size >= _PART_BYTES:
                yield self._counted(waiting, rows)
                waiting, rows, size = [], 0, 0
        if rows:
            yield self._counted(waiting, rows)

    def _counted(self, waiting: list[bytes], rows: int) -> tuple[bytes, int]:
        data = b"".join(waiting)
        self.rows += rows
        self.size += len(data)
        return data, rows


def _told(rows: int, arrived: Callable[[int], None]) -> int:
    arrived(rows)
    return rows


def _keeps(source: ColumnType, target: ColumnType) -> bool:
    """Whether every value arrives as it is, or is seen not to."""
    if source.kind is Kind.NATIVE and source.readable:
        return target.kind is Kind.TEXT and target.size is None
    if source.kind is not target.kind or source.zoned is not target.zoned:
        return False
    if source.kind is Kind.DECIMAL:
        return _holds(source, target) and keeps_digits(target) and _is_plain(source)
    return source.kind in _OTHERS or (source.kind in _SIZED and _holds(source, target))


def _holds(source: ColumnType, target: ColumnType) -> bool:
    """Whether every value of the source's size fits the target's."""
    if target.size is None or source.size is None:
        return target.size is None
    places, room = source.scale or 0, target.scale or 0
    return places <= room and source.size - places <= target.size - room


def _is_plain(source: ColumnType) -> bool:
    """Whether the digits begin where the number does."""
    return "zerofill" not in source.native.lower()
