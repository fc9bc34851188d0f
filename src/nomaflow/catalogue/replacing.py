"""Files of the home folder get a new text at once, or stay as they are."""

import os
from collections.abc import Mapping
from pathlib import Path


def replace_together(texts: Mapping[Path, str]) -> None:
    """Give each file its text: all are written aside before the first takes its place.

    Links are followed, modes are kept. Raises OSError; what stands in the files is whole then too.
    """
    real = {path.resolve(): text for path, text in texts.items()}
    try:
        for path, text in real.items():
            _write_synced(path, _aside(path), text)
        for path in real:
            _aside(path).replace(path)
    finally:
        for path in real:
            _aside(path).unlink(missing_ok=True)


def _aside(real: Path) -> Path:
    return real.with_name(f".{real.name}.aside")


def _write_synced(real: Path, aside: Path, text: str) -> None:
    """The new text beside the real file, with its mode."""
    handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as stream:
        if real.exists():
            os.fchmod(stream.fileno(), real.stat().st_mode & 0o7777)
        stream.write(text.encode())
        stream.flush()
        os.fsync(stream.fileno())
