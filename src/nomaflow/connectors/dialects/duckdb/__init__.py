"""DuckDB, the analytical database in a file."""

from nomaflow.connectors.dialects.duckdb.dialect import DIALECT

__all__ = ["DIALECT"]
