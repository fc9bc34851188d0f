"""What should happen: jobs, steps and their policies, as the catalogue holds them."""

import re
from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, Literal, NewType
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PositiveFloat

JobId = NewType("JobId", str)
LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR"]

DEFAULT_STEP_TIMEOUT_SECONDS = 3600.0
DEFAULT_RUN_TIMEOUT_SECONDS = 14400.0


class Definition(BaseModel):
    """A closed, frozen block of configuration: unknown keys are refused."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, arbitrary_types_allowed=True
    )


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


class RetryPolicy(Definition):
    """How often a failed step is tried again, and after which wait.

    `attempts` counts the first try. The wait before try n + 1 is `base_seconds`, or
    base · 2^(n−1) when `backoff` is exponential, capped at `max_seconds`, plus up to
    `jitter` × the wait. `retry_on` lists error types; absent means every failure but a cancel.
    """

    attempts: Annotated[int, Field(ge=1, le=1000)] = 1
    backoff: Literal["fixed", "exponential"] = "fixed"
    base_seconds: Annotated[float, Field(ge=0)] = 60
    max_seconds: Annotated[float, Field(ge=0)] = 3600
    jitter: Annotated[float, Field(ge=0, le=1)] = 0
    retry_on: tuple[str, ...] | None = None


class StepDefinition(Definition):
    """One unit of work: the fields that every step has, and its type's own `settings`.

    `settings` may still hold tokens; they resolve when the attempt starts.
    """

    name: Annotated[str, Field(min_length=1, max_length=200)]
    type: str
    enabled: bool = True
    timeout_seconds: PositiveFloat = DEFAULT_STEP_TIMEOUT_SECONDS
    continue_on_error: bool = False
    retry: RetryPolicy | None = None
    settings: Mapping[str, Any] = Field(default_factory=dict)


class Job(Definition):
    """A definition: named steps and when they run. Durations are seconds, zones IANA names."""

    id: Annotated[JobId, AfterValidator(_job_id)]
    description: str | None = None
    tags: tuple[str, ...] = ()
    owner: str | None = None
    runbook: str | None = None
    enabled: bool = True
    schedule: str | None = None
    interval: str | None = None
    interval_anchor: str = "1970-01-01T00:00:00Z"
    timezone: Annotated[str, AfterValidator(_timezone)] | None = None
    overlap: Literal["skip", "allow"] = "skip"
    params: Mapping[str, Any] = Field(default_factory=dict)
    retry: RetryPolicy = RetryPolicy()
    timeout_seconds: PositiveFloat | None = None
    log_level: Literal["DEBUG", "INFO", "WARNING"] = "INFO"
    steps: Annotated[tuple[StepDefinition, ...], Field(min_length=1)]

    @property
    def run_timeout_seconds(self) -> float:
        """The whole run's wall: as declared, or 4 h, or the largest step's if that is greater."""
        longest = max(step.timeout_seconds for step in self.steps)
        return self.timeout_seconds or max(DEFAULT_RUN_TIMEOUT_SECONDS, longest)

    def retry_of(self, step: StepDefinition) -> RetryPolicy:
        """The step's own policy wins over the job's."""
        return step.retry or self.retry
