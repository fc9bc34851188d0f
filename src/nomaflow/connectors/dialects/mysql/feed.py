"""Bytes that the driver reads as if they were a file."""

import os
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager


@contextmanager
def feed(chunks: Iterable[bytes]) -> Iterator[str]:
    """The path of a pipe that a thread fills; what the chunks raise is raised at the end.

    To its reader an error looks like the end of the file: it must not count before this ends.
    """
    reading, writing = os.pipe()
    failures: list[BaseException] = []
    thread = threading.Thread(target=_fill, args=(writing, chunks, failures), name="copy feed")
    thread.start()
    try:
        yield f"/dev/fd/{reading}"
    finally:
        os.close(reading)
        thread.join()
    if failures:
        raise failures[0]


def _fill(writing: int, chunks: Iterable[bytes], failures: list[BaseException]) -> None:
    try:
        with os.fdopen(writing, "wb", buffering=0) as pipe:
            for chunk in chunks:
                _write(pipe.fileno(), chunk)
    except BaseException as error:  # noqa: BLE001 - raised where the feed ends
        failures.append(error)


def _write(pipe: int, chunk: bytes) -> None:
    rest = memoryview(chunk)
    while rest:
        rest = rest[os.write(pipe, rest) :]
