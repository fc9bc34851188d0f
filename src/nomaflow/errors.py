"""What can go wrong, as one tree.

NomaflowError                 says what happened and what to do
├── InvalidConfiguration      the home folder has problems; all of them are listed
├── NotFound                  no such job, run, connector, step type
├── Refused                   not now, or not like that; nothing was changed
│   └── JobBusy               a run of the job is in flight
├── InvalidParameters         values for a run do not fit what its job declares
├── NotPermitted              the caller may not
├── Unreachable               a system outside, or the server, did not answer
├── SecretsError              a key or a sealed value does not fit
└── StepFailed                an attempt of a step ended badly
    ├── StepRefused           … before anything was moved: the definition or the data do not fit
    ├── StepTimedOut          … at its hard wall
    └── StepCanceled          … because someone asked
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any


class NomaflowError(Exception):
    """The root: `str(error)` is one or two sentences for the person who reads it."""


@dataclass(frozen=True)
class Problem:
    """One mistake in the home folder; what does not apply is None."""

    file: str
    line: int | None
    job: str | None
    step: str | None
    field: str | None
    message: str

    def as_dict(self) -> dict[str, object]:
        return asdict(self)

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        names = [("job", self.job), ("step", self.step), ("field", self.field)]
        where = ", ".join(f"{word} '{name}'" for word, name in names if name)
        return f"{place}: {where}: {self.message}" if where else f"{place}: {self.message}"


class InvalidConfiguration(NomaflowError):
    """The home folder cannot be used; `problems` holds every mistake that was found."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


class NotFound(NomaflowError):
    """A named thing does not exist."""


class Refused(NomaflowError):
    """The request does not fit the present state; nothing was changed."""


class JobBusy(Refused):
    """A run by hand was asked for while `run_id` is in flight and the job's overlap is `skip`."""

    def __init__(self, job_id: str, run_id: int) -> None:
        super().__init__(
            f"Job '{job_id}' is already running (run {run_id}). Wait for it or cancel it first."
        )
        self.run_id = run_id


class InvalidParameters(NomaflowError):
    """Values for a run do not fit; `problems` maps each field to what was expected there."""

    def __init__(self, job_id: str, problems: Mapping[str, str]) -> None:
        fields = "; ".join(f"{field}: {message}" for field, message in problems.items())
        super().__init__(f"Job '{job_id}' was not started. {fields}.")
        self.problems = dict(problems)


class NotPermitted(NomaflowError):
    """The caller is unknown or may not do this."""


class Unreachable(NomaflowError):
    """Something outside did not answer; trying again may help."""


class SecretsError(NomaflowError):
    """A master key is missing or wrong, or a sealed value is damaged."""


class StepFailed(NomaflowError):
    """An attempt of a step failed; the retry policy decides what follows.

    `type` is the name of the cause: a user's or a driver's exception, or this error's own.
    `output` is what is known of the work all the same; `retry_after` is how many seconds the
    other side asked to wait.
    """

    def __init__(
        self,
        message: str,
        *,
        cause: str | None = None,
        traceback: str | None = None,
        output: Mapping[str, Any] | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.type = cause or type(self).__name__
        self.traceback = traceback
        self.output = output
        self.retry_after = retry_after


class StepRefused(StepFailed):
    """The step was refused before it changed anything: its definition does not fit the facts."""


class StepTimedOut(StepFailed):
    """The attempt hit its hard wall and was stopped."""


class StepCanceled(StepFailed):
    """The attempt was stopped because a person or a program asked for it."""
