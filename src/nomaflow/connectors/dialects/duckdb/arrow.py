"""The fast lanes into DuckDB: one statement within a file, Arrow record batches from elsewhere."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import ClassVar

import duckdb

from nomaflow.connectors.copies import Load, Moved, Source, Transfer, Unsuited
from nomaflow.connectors.dialects.duckdb.catalogue import file_of

_NO_ARROW = "pyarrow is not installed: pip install 'nomaflow[arrow]'"


@dataclass(frozen=True)
class Within:
    """For two ends in one file, and columns that are declared alike."""

    source: duckdb.DuckDBPyConnection
    target: duckdb.DuckDBPyConnection
    stash: str
    lane: ClassVar[str] = "within"
    coerces: ClassVar[bool] = False

    def fit(self, transfer: Transfer) -> Load:
        transfer.refuse_later()
        refuse_unlike(transfer)
        ours, theirs = file_of(self.source), file_of(self.target)
        if not ours or not theirs or not Path(ours).samefile(theirs):
            raise Unsuited("source and target are not one file")
        return lambda arrived, _: self._copy(transfer, arrived)

    def _copy(self, transfer: Transfer, arrived: Callable[[int], None]) -> Moved:
        sql = f"INSERT INTO {self.stash} {transfer.query.sql}"
        rows = self.target.execute(sql, transfer.query.params).rowcount
        arrived(rows)
        return Moved(rows, rows, 0)


@dataclass(frozen=True)
class Between:
    """For two files, and columns that are declared alike: DuckDB's own form of Arrow."""

    source: duckdb.DuckDBPyConnection
    target: duckdb.DuckDBPyConnection
    stash: str
    lane: ClassVar[str] = "arrow"
    coerces: ClassVar[bool] = False

    def fit(self, transfer: Transfer) -> Load:
        refuse_unlike(transfer)
        if find_spec("pyarrow") is None:
            raise Unsuited(_NO_ARROW)
        from nomaflow.connectors.dialects.duckdb.batches import Lossless  # only where it is
        from nomaflow.connectors.dialects.duckdb.loading import Loading, of_duckdb

        loading = Loading(Lossless(self.source), self.target, self.stash, of_duckdb)
        return lambda arrived, _: loading.run(transfer, arrived)


@dataclass(frozen=True)
class Arrow:
    """For columns whose kinds Arrow has; a value that does not fit exactly is left to rows."""

    source: Source
    target: duckdb.DuckDBPyConnection
    stash: str
    lane: ClassVar[str] = "arrow"
    coerces: ClassVar[bool] = True

    def fit(self, transfer: Transfer) -> Load:
        source = self.source.arrow()
        if find_spec("pyarrow") is None:
            raise Unsuited(_NO_ARROW)
        from nomaflow.connectors.dialects.duckdb.loading import (  # only where it is
            Loading,
            of_any,
            refuse,
        )

        source.refuse(transfer)
        refuse(transfer)
        loading = Loading(source, self.target, self.stash, of_any)
        return lambda arrived, _: loading.run(transfer, arrived)


def refuse_unlike(transfer: Transfer) -> None:
    """Raises Unsuited unless both sides declare the columns in the same words."""
    if not transfer.verbatim:
        raise Unsuited("the columns are not declared alike")
