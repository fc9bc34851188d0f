"""Prints of user code, line by line into the run's log."""

import io
import threading
from typing import Final

from nomaflow.steps.context import StepPort

LONGEST_LINE: Final = 64 * 1024


class PrintedLines(io.TextIOBase):
    """Stands in for sys.stdout or sys.stderr; outside of an attempt what is written is dropped."""

    encoding = "utf-8"

    def __init__(self, source: str) -> None:
        self._source = source
        self._port: StepPort | None = None
        self._rest = ""
        self._lock = threading.RLock()

    def to(self, port: StepPort) -> None:
        """Send lines to `port` from now on."""
        with self._lock:
            self._port, self._rest = port, ""

    def finish(self) -> None:
        """Send what stands without a line end, then drop whatever comes."""
        with self._lock:
            if self._rest:
                self._log(self._rest)
            self._port, self._rest = None, ""

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        with self._lock:
            *lines, self._rest = (self._rest + text).split("\n")
            for line in lines:
                self._log(line)
            while len(self._rest) > LONGEST_LINE:
                self._log(self._rest[:LONGEST_LINE])
                self._rest = self._rest[LONGEST_LINE:]
        return len(text)

    def _log(self, line: str) -> None:
        if self._port is not None:
            self._port.log("INFO", line.removesuffix("\r"), source=self._source)
