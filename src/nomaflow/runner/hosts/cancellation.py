"""Asking an attempt to stop, from any thread."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final

Hook = Callable[[], None]
REPEAT_SECONDS: Final = 0.25


class Cancellation:
    """Asked once. Its hooks are then called again and again, until the attempt is over.

    One call would not do: it may come after the hook was registered and before the statement
    that it stops has begun.
    """

    def __init__(self) -> None:
        self._asked = threading.Event()
        self._over = threading.Event()
        self._hooks: list[Hook] = []
        self._lock = threading.Lock()

    def is_asked(self) -> bool:
        return self._asked.is_set()

    def ask(self) -> None:
        """Raise the flag and let a thread call the hooks; returns at once."""
        if not self._asked.is_set():
            self._asked.set()
            threading.Thread(target=self._insist, name="cancel", daemon=True).start()

    def end(self) -> None:
        """The attempt is over: no hook is called any more."""
        self._over.set()

    @contextmanager
    def on_cancel(self, hook: Hook) -> Iterator[None]:
        """Have `hook` called while the context is open; it does not run once that is closed."""
        with self._lock:
            self._hooks.append(hook)
        try:
            yield
        finally:
            with self._lock:
                self._hooks.remove(hook)

    def _insist(self) -> None:
        while not self._over.is_set():
            with self._lock:
                for hook in self._hooks:
                    _call(hook)
            self._over.wait(REPEAT_SECONDS)


def _call(hook: Hook) -> None:
    with suppress(Exception):  # the next call may succeed; if none does, the grace ends
        hook()
