"""Facts in the past tense, published after they were written. An event may be lost."""

from dataclasses import dataclass

from nomaflow.domain.run import LogLine, Progress, RunId


@dataclass(frozen=True)
class RunsQueued:
    """New runs wait for a claim."""


@dataclass(frozen=True)
class RunChanged:
    run_id: RunId


@dataclass(frozen=True)
class RunFinished:
    """This process wrote the end of a run."""

    run_id: RunId


@dataclass(frozen=True)
class StepChanged:
    run_id: RunId
    index: int


@dataclass(frozen=True)
class CancelRequested:
    run_id: RunId


@dataclass(frozen=True)
class ProcessLost:
    """This process was taken for dead: the runs that it executes are not its own any more."""


@dataclass(frozen=True)
class LinesLogged:
    run_id: RunId
    lines: tuple[LogLine, ...]


@dataclass(frozen=True)
class StepProgressed:
    run_id: RunId
    step: str
    progress: Progress


@dataclass(frozen=True)
class CatalogueChanged:
    """A new catalogue is in force."""


Event = (
    RunsQueued
    | RunChanged
    | RunFinished
    | StepChanged
    | CancelRequested
    | ProcessLost
    | LinesLogged
    | StepProgressed
    | CatalogueChanged
)
