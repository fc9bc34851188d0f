"""Microsoft SQL Server, to be read from."""

from nomaflow.connectors.dialects.mssql.dialect import DIALECT

__all__ = ["DIALECT"]
