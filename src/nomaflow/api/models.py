"""What the routes answer, as the OpenAPI document shows it; the pages' types are made from this."""

from typing import Annotated, Any

from pydantic import BaseModel, Field

from nomaflow.domain.job import LogLevel
from nomaflow.domain.parameters import ItemType, ParameterType
from nomaflow.domain.states import RunState, StepState

Instant = Annotated[str, Field(json_schema_extra={"format": "date-time"})]


class RunSummary(BaseModel):
    """A row of the history."""

    run_id: int
    job_id: str
    state: RunState
    reason: str | None
    triggered_by: str
    scheduled_at: Instant | None
    started_at: Instant | None
    finished_at: Instant | None
    params: dict[str, Any]


class StepFailure(BaseModel):
    """Why an attempt ended badly; the traceback is for the author of the code."""

    type: str
    message: str
    traceback: str | None


class StepRunDetail(BaseModel):
    """One step in a run; `attempts` counts its tries so far."""

    name: str
    type: str
    state: StepState
    reason: str | None
    attempts: int
    started_at: Instant | None
    finished_at: Instant | None
    output: dict[str, Any] | None
    error: StepFailure | None


class RunDetail(RunSummary):
    """A run with its steps."""

    steps: list[StepRunDetail]


class AttemptDetail(BaseModel):
    """One try of a step, from 1."""

    step: str
    attempt: int
    state: StepState
    started_at: Instant
    finished_at: Instant | None
    output: dict[str, Any] | None
    error: StepFailure | None


class AttemptList(BaseModel):
    """The tries of all steps of a run, in the order of the steps."""

    attempts: list[AttemptDetail]


class RunList(BaseModel):
    """Runs, newest first; `next_cursor` fetches the page after this one."""

    runs: list[RunSummary]
    next_cursor: str | None


class Line(BaseModel):
    """A stored line of a run's log; `seq` counts from 1 within the run."""

    seq: int
    at: Instant
    level: LogLevel
    step: str | None
    attempt: int | None
    source: str
    message: str


class Lines(BaseModel):
    """Lines in the order of their sequence numbers.

    `count`, when asked for, is how many lines of the whole log fit level, step and text.
    """

    lines: list[Line]
    count: int | None = None


class StepName(BaseModel):
    """A step as its job declares it."""

    name: str
    type: str
    enabled: bool


class ConfigurationProblem(BaseModel):
    """What is wrong in a file, where, and what was expected."""

    file: str
    line: int | None
    job: str | None
    step: str | None
    field: str | None
    message: str


class RecentRun(BaseModel):
    """A run in a small drawing; `seconds` is null until it has ended, or if it never began."""

    run_id: int
    state: RunState
    seconds: float | None


class RunningStep(BaseModel):
    """The step that a run is at, `number` of `steps`; `done` of `total` when it told how far."""

    run_id: int
    step: str
    number: int
    steps: int
    done: int | None
    total: int | None


class JobRow(BaseModel):
    """A job with what ran last, what runs now and what comes next; the newest run comes last."""

    job_id: str
    description: str | None
    tags: list[str]
    owner: str | None
    enabled: bool
    schedule: str | None
    interval: str | None
    timezone: str | None
    steps: list[StepName]
    next_due_at: Instant | None
    last_run: RunSummary | None
    recent_runs: list[RecentRun]
    running: RunningStep | None
    alarm: str | None
    problems: list[ConfigurationProblem]


class Choice(BaseModel):
    """A value to choose, and what people read."""

    value: bool | int | float | str
    label: str


class Offer(BaseModel):
    """Values to choose from; `has_more`: the list was cut off."""

    choices: list[Choice]
    has_more: bool


class ParameterField(BaseModel):
    """A field of the run form; those that the job does not declare have the type of their value.

    `default` is the job's own value, null for a secret; `choices_from` names the connector that
    is asked for choices at `/api/v1/jobs/{job_id}/params/{name}/choices`. `min` and `max` of a
    text or a list are lengths.
    """

    name: str
    declared: bool
    type: ParameterType
    items: ItemType
    label: str | None
    description: str | None
    required: bool
    secret: bool
    default: Any
    has_default: bool
    choices: list[Choice] | None
    choices_from: str | None
    min: int | float | str | None
    max: int | float | str | None
    pattern: str | None


class JobDetail(JobRow):
    """A job with its definition, as it is declared: tokens unresolved, secrets masked.

    `parameters` are the fields of the form to run it.
    """

    definition: dict[str, Any]
    parameters: list[ParameterField]


class BrokenJob(BaseModel):
    """A job that does not validate: it is listed and never executed."""

    job_id: str
    problems: list[ConfigurationProblem]


class JobList(BaseModel):
    """Every job of the catalogue; the broken ones come last."""

    jobs: list[JobRow | BrokenJob]


class RevisionRow(BaseModel):
    """A text that a file of the home folder had, and who saved it."""

    revision_id: int
    file: str
    who: str
    note: str | None
    saved_at: Instant


class RevisionDetail(RevisionRow):
    """A revision with its text, as it was written: tokens unresolved, secrets sealed."""

    text: str


class RevisionList(BaseModel):
    """Revisions, newest first."""

    revisions: list[RevisionRow]


class RevisionDiff(BaseModel):
    """A unified diff; empty when nothing changed."""

    diff: str


class CatalogueFacts(BaseModel):
    """What is in force, and what is wrong with the files.

    `held` jobs go on as they were before a mistake in their text, `broken` ones do not run;
    `restart_needed` names settings that wait for a restart.
    """

    jobs: int
    held: list[str]
    broken: list[str]
    restart_needed: list[str]
    problems: list[ConfigurationProblem]


class DueTime(BaseModel):
    """When a job will be due."""

    job_id: str
    due_at: Instant


class ScheduleWindow(BaseModel):
    """The newest runs first, the next due times first; `has_more_…`: they were cut off."""

    since: Instant
    until: Instant
    runs: list[RunSummary]
    has_more_runs: bool
    due: list[DueTime]
    has_more_due: bool


class SchedulePreview(BaseModel):
    """Due times in the schedule's zone, with offset; `words` by language."""

    fires: list[Instant]
    remarks: list[str]
    words: dict[str, str]


class Started(BaseModel):
    """The run that was queued."""

    run_id: int


class PauseDetail(BaseModel):
    """While it holds, due times are SKIPPED with its reason; jobs in `exceptions` go on."""

    began_at: Instant
    until: Instant | None
    ended_at: Instant | None
    reason: str
    exceptions: list[str]
    begun_by: str
    ended_by: str | None


class PauseInForce(BaseModel):
    """Whether schedules are held back now."""

    pause: PauseDetail | None


class ScheduleNear(BaseModel):
    """What one schedule names near an instant.

    `held_back` says why its next due time will start nothing.
    """

    trigger_id: str
    words: dict[str, str]
    previous_due_at: Instant | None
    next_due_at: Instant | None
    held_back: str | None


class WhyDetail(BaseModel):
    """Why a job did not run, or when it will: a sentence, and what it rests on."""

    job_id: str
    at: Instant
    answer: str
    pause: PauseDetail | None
    schedules: list[ScheduleNear]
    runs: list[RunSummary]


class PreflightStep(BaseModel):
    """What one step would do, or why it cannot."""

    step: str
    type: str
    plan: dict[str, Any] | None
    """Rows, types, the way into the target; None when there is a problem."""

    problem: str | None
    """What the step would fail with before it changes anything."""


class PreflightDetail(BaseModel):
    """What the steps of a job would do."""

    steps: list[PreflightStep]


class Retry(BaseModel):
    """What became of one run that was to be retried."""

    run_id: int
    """The run that failed."""

    new_run_id: int | None
    """The run that was started for it."""

    refused: str | None
    """Why none was started."""


class Undone(BaseModel):
    """A table that holds its previous version again."""

    connector: str
    table: str
    rows: int


class RetryList(BaseModel):
    """Each run of the filter, newest first."""

    runs: list[Retry]
