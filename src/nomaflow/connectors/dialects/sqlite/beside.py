"""A place of our own beside a database, on the disk where its table must fit as well."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from glob import escape
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory
from typing import Final

from nomaflow.connectors.copies import Unsuited

_MARK: Final = "-nomaflow-"
_LOCK: Final = "lock"


@contextmanager
def beside(database: str) -> Iterator[Path]:
    """The path of a file that is not there yet, and is removed at the end.

    What processes left that died is removed before. Raises Unsuited where no file can be made.
    """
    place = Path(database)
    for left in place.parent.glob(f"{escape(place.name)}{_MARK}*"):
        _remove_if_dead(left)
    try:
        folder = TemporaryDirectory(
            prefix=f"{place.name}{_MARK}", dir=place.parent, ignore_cleanup_errors=True
        )
    except OSError as error:
        raise Unsuited(f"no file can be made beside the database: {error}") from error
    with folder as name, closing(_opened(Path(name))) as lock:
        lock.execute("BEGIN EXCLUSIVE")
        yield Path(name) / "stash"


def _remove_if_dead(folder: Path) -> None:
    """Who lives holds the lock."""
    if not (folder / _LOCK).exists():
        return
    with closing(_opened(folder)) as lock:
        try:
            lock.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError:
            return
    rmtree(folder, ignore_errors=True)


def _opened(folder: Path) -> sqlite3.Connection:
    return sqlite3.connect(folder / _LOCK, timeout=0, isolation_level=None)
