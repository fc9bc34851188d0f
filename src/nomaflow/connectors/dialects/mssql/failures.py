"""What SQL Server's errors say. The driver keeps no numbers: sessions speak one language."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import mssql_python

from nomaflow.connectors.copies import TableLocked
from nomaflow.connectors.dialects.base import Failure, causes

_UNREACHABLE: Final = frozenset(
    {
        *("Client unable to establish connection", "Connection not open", "Disconnect error"),
        *("Communication link failure", "Connection timeout expired", "Timeout expired"),
        *("Connection failure during transaction", "Server rejected the connection"),
    }
)
_ORIGIN = re.compile(r"^(?:\[[^\]]*\])+")
_LOCKED: Final = ("Lock request time out period exceeded", "was deadlocked on")


def failure(error: BaseException) -> Failure:
    """The server's message without the names of the drivers that passed it on."""
    for cause in causes(error):
        if isinstance(cause, mssql_python.Error):
            kind = str(getattr(cause, "driver_error", ""))
            said = _ORIGIN.sub("", str(getattr(cause, "ddbc_error", "")) or str(cause)).strip()
            unreachable = kind in _UNREACHABLE
            return Failure(f"{kind}: {said}" if unreachable else said, unreachable)
    return Failure(str(error))


@contextmanager
def lock_errors() -> Iterator[None]:
    """Raises TableLocked where somebody else's lock was in the way."""
    try:
        yield
    except mssql_python.Error as error:
        said = failure(error).message
        if any(words in said for words in _LOCKED):
            raise TableLocked(said) from None
        raise
