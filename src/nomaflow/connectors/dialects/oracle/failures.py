"""What Oracle's errors say, by their codes."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import oracledb

from nomaflow.connectors.copies import TableLocked
from nomaflow.connectors.dialects.base import Failure, causes

_UNREACHABLE: Final = frozenset(
    {
        *("DPY-1001", "DPY-4011", "DPY-6000", "DPY-6001", "DPY-6003", "DPY-6005"),
        *("ORA-00018", "ORA-00020", "ORA-00028", "ORA-01033", "ORA-01034", "ORA-01089"),
        *("ORA-01090", "ORA-01092", "ORA-03113", "ORA-03114", "ORA-03135", "ORA-12170"),
        *("ORA-12514", "ORA-12516", "ORA-12519", "ORA-12520", "ORA-12528", "ORA-12537"),
        "ORA-12541",
    }
)
_LOCKED: Final = frozenset({"ORA-00054", "ORA-00060", "ORA-30006"})
_VIOLATIONS: Final = frozenset(
    {"ORA-00001", "ORA-01400", "ORA-01407", "ORA-02290", "ORA-02291", "ORA-02292"}
)


def failure(error: BaseException) -> Failure:
    """The server's or the driver's message, without its web page."""
    for cause in causes(error):
        if isinstance(cause, oracledb.Error) and cause.args:
            said = str(cause.args[0].message).partition("\nHelp:")[0].strip()
            return Failure(said, code(cause) in _UNREACHABLE)
    return Failure(str(error))


def code(error: BaseException) -> str:
    """Such as `ORA-00054`; empty for another driver's error."""
    known = isinstance(error, oracledb.Error) and error.args
    return str(error.args[0].full_code) if known else ""


def violation(error: BaseException) -> str | None:
    """What a broken key, foreign key or check says; None: another error."""
    return failure(error).message if code(error) in _VIOLATIONS else None


@contextmanager
def lock_errors() -> Iterator[None]:
    """Raises TableLocked where somebody else's lock was in the way."""
    try:
        yield
    except oracledb.Error as error:
        if code(error) in _LOCKED:
            raise TableLocked(failure(error).message) from None
        raise
