"""What a child tells its parent: in order, lines in batches, with back-pressure."""

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Final

from nomaflow.runner.hosts.wire import encoded

Line = tuple[str, str, str, float]
MOST_WAITING: Final = 10_000
LINES_PER_FRAME: Final = 500


class Outbox:
    """One thread sends; what is put in while it is busy goes out together.

    When the parent reads slowly, whoever puts something in waits: nothing is dropped and memory
    stays bounded.
    """

    def __init__(self, send: Callable[[bytes], None]) -> None:
        self._send = send
        self._waiting: list[Line | bytes] = []
        self._changed = threading.Condition()
        threading.Thread(target=self._send_forever, name="outbox", daemon=True).start()

    def put(self, item: Line | bytes) -> None:
        """Send a log line (level, message, source, epoch seconds) or any encoded message."""
        with self._changed:
            while len(self._waiting) >= MOST_WAITING:
                self._changed.wait()
            self._waiting.append(item)
            if len(self._waiting) == 1:
                self._changed.notify_all()

    def _send_forever(self) -> None:
        with suppress(OSError):  # the parent is gone, and this process soon
            while True:
                for body in _bodies(self._take()):
                    self._send(body)

    def _take(self) -> list[Line | bytes]:
        with self._changed:
            while not self._waiting:
                self._changed.wait()
            items, self._waiting = self._waiting, []
            self._changed.notify_all()
        return items


def _bodies(items: Iterable[Line | bytes]) -> Iterator[bytes]:
    """The items in order, neighbouring lines gathered into one body."""
    lines: list[Line] = []
    for item in items:
        if isinstance(item, tuple):
            lines.append(item)
        if lines and (isinstance(item, bytes) or len(lines) == LINES_PER_FRAME):
            yield encoded({"log": lines})
            lines = []
        if isinstance(item, bytes):
            yield item
    if lines:
        yield encoded({"log": lines})
