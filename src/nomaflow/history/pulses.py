"""How long other processes have been silent, as this process hears them."""

from collections.abc import Mapping

from nomaflow.domain.run import ProcessId


class Pulses:
    """Measured by this process's own steady clock.

    The times in the heartbeats only tell whether there was a new one: another machine's clock may
    be wrong, and any clock may be set.
    """

    def __init__(self) -> None:
        self._heard: dict[ProcessId, tuple[object, float]] = {}

    def note(self, beats: Mapping[ProcessId, object], now: float) -> None:
        """Take the newest heartbeats; `now` is the steady clock. Who is not among them left."""
        self._heard = {
            process_id: known
            if (known := self._heard.get(process_id)) is not None and known[0] == beat
            else (beat, now)
            for process_id, beat in beats.items()
        }

    def heard_at(self, process_id: ProcessId) -> float:
        """When its newest heartbeat was seen first, on the steady clock."""
        return self._heard[process_id][1]
