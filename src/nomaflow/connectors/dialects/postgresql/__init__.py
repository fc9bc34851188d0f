"""PostgreSQL, the database for teams."""

from nomaflow.connectors.dialects.postgresql.dialect import DIALECT

__all__ = ["DIALECT"]
