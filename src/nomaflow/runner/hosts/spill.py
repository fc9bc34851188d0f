"""What a child writes past Python: output of its own commands, of C code, of a crash."""

import asyncio
import os
from typing import Final

from nomaflow.clock import Clock
from nomaflow.runner.hosts.base import Listener

_AT_ONCE: Final = 64 * 1024
_MOST_READS: Final = 16


class Spill:
    """The pipe behind a child's standard output and error; its lines go to who listens."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._end, childs_end = os.pipe()
        self.childs_end = os.fdopen(childs_end, "wb")
        os.set_blocking(self._end, False)
        self._rest = b""
        self._listener: Listener | None = None
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._end, self._read)

    def to(self, listener: Listener) -> None:
        """Send lines to `listener` from now on; what came before is dropped."""
        self.finish()
        self._listener = listener

    def finish(self) -> None:
        """Send what was written until now, then drop whatever comes."""
        for _ in range(_MOST_READS):
            if self._read() < _AT_ONCE:
                break
        if self._rest:
            self._log(self._rest)
        self._rest, self._listener = b"", None

    def close(self) -> None:
        """Close the pipe; may be called twice."""
        if self._end >= 0:
            self._loop.remove_reader(self._end)
            os.close(self._end)
            self._end = -1

    def _read(self) -> int:
        """Take what is there, at most 64 KiB; returns how much that was."""
        if self._end < 0:
            return 0
        try:
            data = os.read(self._end, _AT_ONCE)
        except BlockingIOError:
            return 0
        if not data:
            self._loop.remove_reader(self._end)
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._log(line)
        if len(self._rest) > _AT_ONCE:
            self._log(self._rest)
            self._rest = b""
        return len(data)

    def _log(self, line: bytes) -> None:
        if self._listener is not None:
            text = line.decode(errors="replace").removesuffix("\r")
            self._listener.log("INFO", text, "stdout", self._clock.now())
