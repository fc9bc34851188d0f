"""What should happen: jobs, steps and their policies, as the catalogue holds them."""

import re
from collections.abc import Mapping
from datetime import datetime
from functools import cache, cached_property
from typing import Annotated, Any, Literal, NewType
from zoneinfo import available_timezones

from pydantic import AfterValidator, Field, PositiveFloat

from nomaflow.domain.definition import Documented
from nomaflow.domain.durations import duration
from nomaflow.domain.parameters import Parameter
from nomaflow.domain.states import RunState

JobId = NewType("JobId", str)
LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR"]
Misfire = Literal["skip", "last", "all"]
AfterEnd = Literal["success", "failure", "finish"]
OnExcluded = Literal["skip", "next_workday"]
Overlap = Literal["skip", "queue", "allow", "replace"]

_ENDS: Mapping[AfterEnd, frozenset[RunState]] = {
    "success": frozenset({RunState.SUCCEEDED}),
    "failure": frozenset({RunState.FAILED}),
    "finish": frozenset({RunState.SUCCEEDED, RunState.FAILED, RunState.CANCELED}),
}

DEFAULT_STEP_TIMEOUT_SECONDS = 3600.0
DEFAULT_RUN_TIMEOUT_SECONDS = 14400.0


def _job_id(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,100}", value):
        raise ValueError("expected 1 to 100 letters, digits, '-' or '_'")
    return value


def is_timezone(value: object) -> bool:
    """Whether this is the name of an IANA time zone."""
    return value in _known_timezones()


@cache
def _known_timezones() -> frozenset[str]:
    return frozenset(available_timezones())  # walks the disk: 25 ms a call


def _timezone(value: str) -> str:
    if not is_timezone(value):
        raise ValueError("expected an IANA time zone such as 'Europe/Paris'")
    return value


def _duration(value: str) -> str:
    duration(value)
    return value


class RetryPolicy(Documented):
    """How often a failed step is tried again, and after which wait."""

    attempts: Annotated[int, Field(ge=1, le=1000)] = 1
    """How many tries there are; it counts the first."""

    backoff: Literal["fixed", "exponential"] = "fixed"
    """The wait after try n: `base_seconds`, or base · 2^(n−1) when exponential."""

    base_seconds: Annotated[float, Field(ge=0)] = 60
    """The wait after the first try, in seconds."""

    max_seconds: Annotated[float, Field(ge=0)] = 3600
    """The longest wait."""

    jitter: Annotated[float, Field(ge=0, le=1)] = 0
    """At most this share of the wait is added to it, by chance."""

    retry_on: tuple[str, ...] | None = None
    """Error types after which another try follows, such as `Unreachable`, `HTTP 429`, `HTTP 5*`;
    absent: every failure but a cancel."""


class StepDefinition(Documented):
    """One unit of work: the fields that every step has, beside those of its type."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    """Unique in the job; shown in the history."""

    type: str
    """The step type; it says which further fields there are."""

    enabled: bool = True
    """`false`: the step is recorded CANCELED, `skipped: disabled`, and the rest still runs."""

    timeout_seconds: PositiveFloat = DEFAULT_STEP_TIMEOUT_SECONDS
    """A hard wall: the attempt is stopped there and FAILED, `timeout`."""

    continue_on_error: bool = False
    """Whether the rest runs after a failure; the run ends FAILED, `continued after: NAME`."""

    when: str | None = None
    """A condition in CEL over `params` and `steps["NAME"].output` of earlier steps; when it is
    false the step is recorded CANCELED, `skipped: condition`, and the rest still runs."""

    retry: RetryPolicy | None = None
    """Instead of the job's policy."""

    settings: Mapping[str, Any] = Field(default_factory=dict)
    """The fields of the step's type; their tokens resolve when an attempt starts."""


class After(Documented):
    """A job whose ended runs start another one."""

    job: str
    """The job that comes before."""

    on: AfterEnd = "success"
    """Which of its ends count; `finish` is SUCCEEDED, FAILED or CANCELED."""

    def counts(self, state: RunState) -> bool:
        """Whether a run that ended in that state starts the job."""
        return state in _ENDS[self.on]


class Preset(Documented):
    """Named values for a run of the job, on a schedule of their own if they have one."""

    name: Annotated[str, AfterValidator(_job_id)]
    """Letters, digits, `-` and `_`; unique in the job."""

    enabled: bool = True
    """`false`: the preset's schedule is ignored; choosing it by hand still works."""

    schedule: str | None = None
    """Cron, in the job's zone; its trigger is `preset:NAME`."""

    params: Mapping[str, Any] = Field(default_factory=dict)
    """Parameters above those of the job and its steps, below those of the run form."""

    op_kwargs: Mapping[str, Mapping[str, Any]] = Field(default_factory=dict)
    """Values for single steps, by step name."""

    step_enabled: Mapping[str, bool] = Field(default_factory=dict)
    """Steps that are switched on or off, by name."""

    log_level: Literal["DEBUG", "INFO", "WARNING"] | None = None
    """Instead of the job's."""


class Job(Documented):
    """A definition: named steps and when they run."""

    id: Annotated[JobId, AfterValidator(_job_id)]
    """Letters, digits, `-` and `_`; unique, and never changed."""

    description: str | None = None
    """What the job is for, in a line."""

    tags: tuple[str, ...] = ()
    """Words to group jobs by."""

    owner: str | None = None
    """Whom to ask."""

    runbook: str | None = None
    """Markdown for whoever finds the job failed."""

    enabled: bool = True
    """`false`: the schedule is ignored; running by hand still works."""

    schedule: str | None = None
    """Cron: five fields as in Debian's cron, a sixth, last, for seconds; or `@daily` and such."""

    interval: str | None = None
    """Elapsed time such as `90s`, `15m`, `4h`, `1d`; instead of a schedule."""

    interval_anchor: str = "1970-01-01T00:00:00Z"
    """The instant from which the intervals are counted."""

    timezone: Annotated[str, AfterValidator(_timezone)] | None = None
    """The schedule's IANA zone; absent: the instance's."""

    start_at: datetime | None = None
    """The schedule is valid from then on; without an offset it is local in the job's zone."""

    end_at: datetime | None = None
    """The schedule is valid until then."""

    after: tuple[After, ...] = ()
    """Jobs whose ended runs start this one, each entry once per run: `[{ job, on }]`."""

    calendar: str | None = None
    """A calendar of app.toml: on its days and in its windows the schedule starts nothing."""

    on_excluded: OnExcluded = "skip"
    """A due time that the calendar excludes: `skip` leaves it out, `next_workday` starts it at the
    same time of the next workday."""

    overlap: Overlap = "skip"
    """A due time while a run is in flight: `skip` records it SKIPPED, `queue` lets one wait,
    `allow` runs both, `replace` cancels the run in flight and starts the new one after it."""

    limits: tuple[str, ...] = ()
    """Limits of app.toml: a run waits QUEUED until each of them has a free slot."""

    misfire: Misfire = "skip"
    """Due times that passed while the service was down: `skip` records them MISSED, `last` starts
    the last of them, `all` starts each, one after the other and the last 100 at most."""

    misfire_grace: Annotated[str, AfterValidator(_duration)] = "60s"
    """How late a due time still counts as on time: `90s`, `15m`, `4h`, `1d`."""

    params: Mapping[str, Any] = Field(default_factory=dict)
    """Parameters shared by the steps: `:name` in SQL, `${kw:name}` in any other text."""

    params_schema: Mapping[str, Parameter] = Field(default_factory=dict)
    """What values for the parameters must be: `[jobs.params_schema.NAME]`."""

    retry: RetryPolicy = RetryPolicy()
    """For each step that has no policy of its own."""

    timeout_seconds: PositiveFloat | None = None
    """A hard wall for the whole run; absent: 4 hours, or the longest step's if that is greater."""

    on_crash: Literal["fail", "resume"] = "fail"
    """A run whose process died: `fail` ends it, `lost in restart`; `resume` goes on with the
    interrupted step, which runs again from its beginning."""

    log_level: Literal["DEBUG", "INFO", "WARNING"] = "INFO"
    """The lowest level that the runs' logs keep."""

    presets: tuple[Preset, ...] = ()
    """Named values: `[[jobs.presets]]`."""

    steps: Annotated[tuple[StepDefinition, ...], Field(min_length=1)]
    """What is done, one after the other."""

    @cached_property
    def names_previous_success(self) -> bool:
        """Whether a token asks for `previous_success_at`, which only the store knows."""
        return "previous_success_at" in self.model_dump_json()

    @property
    def run_timeout_seconds(self) -> float:
        """The whole run's wall: as declared, or 4 h, or the largest step's if that is greater."""
        longest = max(step.timeout_seconds for step in self.steps)
        return self.timeout_seconds or max(DEFAULT_RUN_TIMEOUT_SECONDS, longest)

    def retry_of(self, step: StepDefinition) -> RetryPolicy:
        """The step's own policy wins over the job's."""
        return step.retry or self.retry
