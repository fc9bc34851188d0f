"""From a thread to the event loop: in order, in batches, with back-pressure."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Final

Message = Callable[[], None]
MOST_WAITING: Final = 10_000


class Mailbox:
    """Calls on the loop what any thread puts in. A thread that is too fast waits."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: list[Message] = []
        self._changed = threading.Condition()
        self._closed = False

    def put(self, message: Message) -> None:
        """Have `message` called on the loop; dropped once the mailbox is closed."""
        with self._changed:
            while len(self._waiting) >= MOST_WAITING and not self._closed:
                self._changed.wait()
            if self._closed:
                return
            self._waiting.append(message)
            if len(self._waiting) == 1:
                self._wake()

    def close(self) -> None:
        """Take nothing more and let go of who waits."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _wake(self) -> None:
        with suppress(RuntimeError):  # the loop was closed: nobody is there to hear
            self._loop.call_soon_threadsafe(self._deliver)

    def _deliver(self) -> None:
        with self._changed:
            messages, self._waiting = self._waiting, []
            self._changed.notify_all()
        for message in messages:
            message()
