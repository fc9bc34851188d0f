"""Runs that steps of this process called: they execute beside its slots."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager

from nomaflow.domain.job import JobId
from nomaflow.domain.run import RunId


class CalledRuns:
    """Who waits for which run. A caller keeps its slot meanwhile, so what it calls takes none."""

    def __init__(self) -> None:
        self._callers: dict[RunId, tuple[JobId, ...]] = {}

    def callers_of(self, run_id: RunId) -> tuple[JobId, ...]:
        """The jobs whose runs wait for this one, the nearest last; none for one not called."""
        return self._callers.get(run_id, ())

    @contextmanager
    def awaited(self, run_id: RunId, callers: tuple[JobId, ...]) -> Iterator[None]:
        """While the context is open, runs of `callers` wait for this run."""
        self._callers[run_id] = callers
        try:
            yield
        finally:
            del self._callers[run_id]

    def beside(self, running: Collection[RunId]) -> Mapping[RunId, tuple[JobId, ...]]:
        """The called runs that are not `running` yet, with their callers."""
        return {
            run_id: callers for run_id, callers in self._callers.items() if run_id not in running
        }

    def taking_slots(self, running: Collection[RunId]) -> int:
        """How many of the `running` take a slot."""
        return sum(run_id not in self._callers for run_id in running)
