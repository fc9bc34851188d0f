"""Hears one attempt: its lines go to the run's log, its progress to whoever watches."""

from datetime import datetime
from typing import Final

from nomaflow.domain.events import StepProgressed
from nomaflow.domain.job import LogLevel
from nomaflow.domain.run import LogLine, Progress, RunId
from nomaflow.events.bus import Bus
from nomaflow.runner.record import RunRecord

RANK: Final[dict[LogLevel, int]] = {"DEBUG": 10, "INFO": 20, "WARNING": 30, "ERROR": 40}


class StepListener:
    """Drops lines below the run's level; called on the event loop."""

    def __init__(
        self,
        record: RunRecord,
        bus: Bus,
        *,
        run_id: RunId,
        step: str,
        attempt: int,
        level: LogLevel,
    ) -> None:
        self._record = record
        self._bus = bus
        self._run_id = run_id
        self._step = step
        self._attempt = attempt
        self._level = RANK[level]

    def log(self, level: LogLevel, message: str, source: str, at: datetime) -> None:
        if RANK[level] >= self._level:
            line = LogLine(at, level, message, self._step, self._attempt, source)
            self._record.add(line)

    def progress(self, done: int, total: int | None) -> None:
        self._bus.publish(StepProgressed(self._run_id, self._step, Progress(done, total)))
