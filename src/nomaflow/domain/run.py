"""What did happen: runs, step runs, and the lines they logged."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, NewType

from nomaflow.domain.job import Job, JobId, LogLevel
from nomaflow.domain.states import RunState, StepState
from nomaflow.errors import NotFound

RunId = NewType("RunId", int)
TriggerId = NewType("TriggerId", str)
ProcessId = NewType("ProcessId", str)

SCHEDULE = TriggerId("schedule")
INTERVAL = TriggerId("interval")
RESUME = "resume:"
"""How `triggered_by` begins of a run that keeps the finished steps of another one."""


def preset_trigger(name: str) -> TriggerId:
    """The trigger of a preset's own schedule."""
    return TriggerId(f"preset:{name}")


@dataclass(frozen=True)
class RunOptions:
    """What one fire changes for itself: the run form's values, for this run alone.

    `preset` names the job's preset whose values lie below: `with_preset` fills them in.
    `trace_parent` is the W3C traceparent of whoever fires it, if that is traced.
    """

    params: Mapping[str, Any] = field(default_factory=dict)
    op_kwargs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    step_enabled: Mapping[str, bool] = field(default_factory=dict)
    log_level: LogLevel | None = None
    preset: str | None = None
    preset_params: Mapping[str, Any] = field(default_factory=dict)
    preset_op_kwargs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    trace_parent: str | None = None


def with_preset(options: RunOptions, job: Job) -> RunOptions:
    """The options over the values of the preset that they name. Raises NotFound."""
    if options.preset is None:
        return options
    preset = next((each for each in job.presets if each.name == options.preset), None)
    if preset is None:
        names = ", ".join(each.name for each in job.presets) or "none"
        raise NotFound(f"Job '{job.id}' has no preset '{options.preset}'. Its presets: {names}.")
    return replace(
        options,
        preset_params=preset.params,
        preset_op_kwargs=preset.op_kwargs,
        step_enabled={**preset.step_enabled, **options.step_enabled},
        log_level=options.log_level or preset.log_level,
    )


@dataclass(frozen=True)
class NewRun:
    """A run to be: inserted as QUEUED, or born final when `state` says so.

    `options` is the serialized `RunOptions` (opaque to the store, sealed when it holds secrets).
    `reserved_for` names the only process that may claim it; None: any. One that `waits_turn` is
    not claimed before the job's earlier runs have ended. `on_behalf_of` is the session user
    that it inherits; None: who triggered it.
    """

    job_id: JobId
    triggered_by: str
    trigger_id: TriggerId | None = None
    scheduled_at: datetime | None = None
    state: RunState = RunState.QUEUED
    reason: str | None = None
    options: str | None = None
    revision_id: int | None = None
    reserved_for: ProcessId | None = None
    waits_turn: bool = False
    on_behalf_of: str | None = None


@dataclass(frozen=True)
class Run:
    """One execution of a job. `attempt` is the fencing token: each claim raises it by one."""

    id: RunId
    job_id: JobId
    state: RunState
    reason: str | None
    triggered_by: str
    trigger_id: TriggerId | None
    scheduled_at: datetime | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    not_before: datetime | None
    attempt: int
    owner: ProcessId | None
    options: str | None
    params: Mapping[str, Any]
    revision_id: int | None
    cancel_requested_at: datetime | None
    cancel_requested_by: str | None
    on_behalf_of: str | None = None

    @property
    def session_user(self) -> str:
        """The user, token or CLI name for whom it runs; a schedule or a webhook as it is."""
        if self.on_behalf_of is not None:
            return self.on_behalf_of
        kind, _, name = self.triggered_by.partition(":")
        return name if kind in {"user", "api", "cli"} else self.triggered_by

    @property
    def fence(self) -> "Fence":
        return Fence(self.id, self.attempt)


@dataclass(frozen=True)
class Fence:
    """A claim on a run: a write under an older attempt changes nothing."""

    run_id: RunId
    attempt: int


@dataclass(frozen=True)
class StepError:
    """Why an attempt of a step ended badly; already masked."""

    type: str
    message: str
    traceback: str | None = None


@dataclass(frozen=True)
class StepRun:
    """One execution of a step in a run; `attempts` counts its tries so far."""

    run_id: RunId
    index: int
    name: str
    type: str
    state: StepState
    reason: str | None = None
    attempts: int = 0
    started_at: datetime | None = None
    finished_at: datetime | None = None
    output: Mapping[str, Any] | None = None
    error: StepError | None = None


@dataclass(frozen=True)
class AttemptRun:
    """One try of a step, from 1; its output and error are kept beside those of the others."""

    run_id: RunId
    index: int
    attempt: int
    state: StepState
    started_at: datetime
    finished_at: datetime | None = None
    output: Mapping[str, Any] | None = None
    error: StepError | None = None


@dataclass(frozen=True)
class LogLine:
    """A line of a run's log; `seq` counts from 1 within the run and is given when stored.

    `source` is 'stdout' for captured prints, else empty. `step` is None for the run's own lines.
    """

    at: datetime
    level: LogLevel
    message: str
    step: str | None = None
    attempt: int | None = None
    source: str = ""
    seq: int = 0

    def numbered(self, seq: int) -> "LogLine":
        """The same line with its number. Every line takes this way: `replace` is thrice as slow."""
        return LogLine(self.at, self.level, self.message, self.step, self.attempt, self.source, seq)


@dataclass(frozen=True)
class Progress:
    """How far a step is: `done` of `total` rows (or other units); total None when unknown."""

    done: int
    total: int | None = None
