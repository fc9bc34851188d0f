"""MySQL and MariaDB, two servers of one family."""

from nomaflow.connectors.dialects.mysql.dialect import DIALECT

__all__ = ["DIALECT"]
