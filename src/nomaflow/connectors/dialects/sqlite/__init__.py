"""SQLite, the embedded database."""

from nomaflow.connectors.dialects.sqlite.dialect import DIALECT

__all__ = ["DIALECT"]
