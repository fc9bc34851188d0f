"""The lane from another database into PostgreSQL: Arrow record batches."""

from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, ClassVar

import psycopg

from nomaflow.connectors.copies import Load, Source, Transfer, Unsuited


@dataclass(frozen=True)
class Arrow:
    """For columns whose kinds Arrow has; a value that does not fit exactly is left to rows."""

    source: Source
    target: psycopg.Connection[Any]
    stash: str
    lane: ClassVar[str] = "arrow"
    coerces: ClassVar[bool] = True

    def fit(self, transfer: Transfer) -> Load:
        source = self.source.arrow()
        if find_spec("pgpq") is None:
            raise Unsuited("pgpq is not installed: pip install 'nomaflow[arrow]'")
        from nomaflow.connectors.dialects.postgresql.batches import Batches  # only where it is

        batches = Batches(source, self.target, self.stash)
        batches.refuse(transfer)
        return lambda arrived, on_cancel: batches.load(transfer, arrived, on_cancel)
