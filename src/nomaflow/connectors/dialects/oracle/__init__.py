"""Oracle Database, to be read from."""

from nomaflow.connectors.dialects.oracle.dialect import DIALECT

__all__ = ["DIALECT"]
