"""In-process publish and subscribe: a hint that something was written, never the truth."""

from collections.abc import Callable
from typing import TypeVar

from nomaflow.domain.events import Event
from nomaflow.log import FactLog

E = TypeVar("E")
Listener = Callable[[E], None]
log = FactLog()


class Bus:
    """Calls listeners in the publisher's turn of the event loop; a broken one hurts nobody else."""

    def __init__(self) -> None:
        self._listeners: dict[type, list[Listener[Event]]] = {}

    def subscribe(self, kind: type[E], listener: Listener[E]) -> Callable[[], None]:
        """Hear every event of `kind`; the returned function ends it."""
        listeners = self._listeners.setdefault(kind, [])
        listeners.append(listener)  # type: ignore[arg-type]  # keyed by its own kind
        return lambda: listeners.remove(listener)  # type: ignore[arg-type]  # as above

    def publish(self, event: Event) -> None:
        for listener in tuple(self._listeners.get(type(event), ())):
            try:
                listener(event)
            except Exception:
                log.exception("listener_failed", kind=type(event).__name__)
