"""How far the steps are that run in this process: remembered, not stored."""

from nomaflow.domain.events import StepProgressed
from nomaflow.domain.run import Progress, RunId
from nomaflow.events.bus import Bus

MOST_REMEMBERED = 1000


class ProgressBoard:
    """The latest progress of the steps that told one; the oldest are forgotten."""

    def __init__(self, bus: Bus) -> None:
        self._latest: dict[tuple[RunId, str], Progress] = {}
        bus.subscribe(StepProgressed, self._note)

    def of(self, run_id: RunId, step: str) -> Progress | None:
        return self._latest.get((run_id, step))

    def _note(self, event: StepProgressed) -> None:
        key = event.run_id, event.step
        self._latest.pop(key, None)
        self._latest[key] = event.progress
        if len(self._latest) > MOST_REMEMBERED:
            del self._latest[next(iter(self._latest))]
