"""Threads that take one piece of work after the other: starting one costs more than most steps."""

import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Final

Work = Callable[[], None]
IDLE_SECONDS: Final = 10.0


class Crew:
    """Each piece of work has a thread of its own while it lasts, however many there are.

    A thread without work ends after a while; none of them holds up the end of the process.
    """

    def __init__(self, *, idle_seconds: float = IDLE_SECONDS) -> None:
        self._idle_seconds = idle_seconds
        self._idle: list[_Member] = []
        self._lock = threading.Lock()

    @property
    def idle(self) -> int:
        """How many threads wait for work."""
        return len(self._idle)

    def take(self, work: Work, *, name: str) -> None:
        """Have `work` done at once, in a thread of that name. It must not raise."""
        with self._lock:
            member = self._idle.pop() if self._idle else None
        if member is None:
            member = _Member(self._rest, self._leave, self._idle_seconds)
            member.start()
        member.name = name
        member.works.put(work)

    def dismiss(self) -> None:
        """Let the threads end that have no work."""
        with self._lock:
            idle, self._idle = self._idle, []
        for member in idle:
            member.works.put(None)

    def _rest(self, member: "_Member") -> None:
        with self._lock:
            self._idle.append(member)

    def _leave(self, member: "_Member") -> bool:
        """False when work is on its way to the member."""
        with self._lock:
            if member not in self._idle:
                return False
            self._idle.remove(member)
        return True


class _Member(threading.Thread):
    def __init__(
        self,
        rest: Callable[["_Member"], None],
        leave: Callable[["_Member"], bool],
        idle_seconds: float,
    ) -> None:
        super().__init__(daemon=True)
        self._idle_seconds = idle_seconds
        self.works: SimpleQueue[Work | None] = SimpleQueue()
        self._rest = rest
        self._leave = leave

    def run(self) -> None:
        while (work := self._next()) is not None:
            work()
            del work  # what it holds is not kept while there is nothing to do
            self._rest(self)

    def _next(self) -> Work | None:
        """The next work; None when the thread is to end."""
        while True:
            try:
                return self.works.get(timeout=self._idle_seconds)
            except Empty:
                if self._leave(self):
                    return None
