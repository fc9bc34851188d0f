"""A body that later steps of the run may read: in a file, whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from nomaflow.connectors.http import MOST_BYTES


class BodyFile:
    """Takes a body part by part, up to 32 MiB.

    `gap` says why it is not kept: it is larger, or the disk is full. That is no failure of whoever
    writes it.
    """

    def __init__(self, part: IO[bytes] | None) -> None:
        self.gap: str | None = None
        self._part = part
        self._size = 0

    def write(self, chunk: bytes) -> None:
        self._size += len(chunk)
        if self._size > MOST_BYTES:
            self.gap = f"it is larger than {MOST_BYTES:,} bytes"
        if self._part is None or self.gap:
            return
        try:
            self._part.write(chunk)
        except OSError as error:
            self.gap = str(error)


@contextmanager
def body_file(path: str | None) -> Iterator[BodyFile]:
    """A file that nobody but us may read; at `path` once the context ends well, without a gap.

    None: what is written is dropped.
    """
    if path is None:
        yield BodyFile(None)
        return
    whole, part = Path(path), Path(f"{path}.part")
    whole.unlink(missing_ok=True)
    whole.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        with os.fdopen(_opened(part), "wb", buffering=0) as file:
            body = BodyFile(file)
            yield body
        if body.gap is None:
            part.replace(whole)
    finally:
        part.unlink(missing_ok=True)


def _opened(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
