"""Runs, steps, jobs and lines as the API and the CLI show them: plain JSON, instants in UTC."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import date, datetime
from typing import Any, cast, get_args

from nomaflow.catalogue.values.substitution import as_read
from nomaflow.domain.job import Job
from nomaflow.domain.parameters import (
    Choice,
    ChoicesQuery,
    ItemType,
    Parameter,
    ParameterType,
    as_json,
)
from nomaflow.domain.pause import Pause
from nomaflow.domain.run import AttemptRun, LogLine, Progress, Run, StepRun
from nomaflow.errors import Problem
from nomaflow.history.recent import RecentRun, RunningStep
from nomaflow.history.revisions import Revision
from nomaflow.services.catalogue import CatalogueState
from nomaflow.services.schedule import Window
from nomaflow.triggers.preview import Preview

View = dict[str, Any]

_TYPE_OF: Mapping[type, ParameterType] = {
    bool: "boolean",
    int: "integer",
    float: "number",
    datetime: "datetime",
    date: "date",
    list: "list",
    dict: "object",
}


def run_summary(run: Run) -> View:
    """A row of the history."""
    return {
        "run_id": run.id,
        "job_id": run.job_id,
        "state": run.state.value,
        "reason": run.reason,
        "triggered_by": run.triggered_by,
        "scheduled_at": instant(run.scheduled_at),
        "started_at": instant(run.started_at),
        "finished_at": instant(run.finished_at),
        "params": as_read(run.params),
    }


def run_detail(run: Run, steps: Iterable[StepRun]) -> View:
    """A run with its steps: the one shape of `run --json` and of GET /api/v1/runs/{run_id}."""
    return {**run_summary(run), "steps": [step_run(step) for step in steps]}


def step_run(step: StepRun) -> View:
    return {
        "name": step.name,
        "type": step.type,
        "state": step.state.value,
        "reason": step.reason,
        "attempts": step.attempts,
        "started_at": instant(step.started_at),
        "finished_at": instant(step.finished_at),
        "output": None if step.output is None else dict(step.output),
        "error": None if step.error is None else asdict(step.error),
    }


def attempt_run(step_name: str, tried: AttemptRun) -> View:
    """One try of a step."""
    return {
        "step": step_name,
        "attempt": tried.attempt,
        "state": tried.state.value,
        "started_at": instant(tried.started_at),
        "finished_at": instant(tried.finished_at),
        "output": None if tried.output is None else dict(tried.output),
        "error": None if tried.error is None else asdict(tried.error),
    }


def log_line(line: LogLine) -> View:
    return {
        "seq": line.seq,
        "at": instant(line.at),
        "level": line.level,
        "step": line.step,
        "attempt": line.attempt,
        "source": line.source,
        "message": line.message,
    }


def line_text(line: LogLine) -> str:
    """`2026-11-22T02:00:00.000Z INFO    [copy #1] 500 rows`, with its line end."""
    place = f"[{line.step} #{line.attempt}] " if line.step is not None else ""
    return f"{instant(line.at)} {line.level:<7} {place}{line.message}\n"


def job_row(
    job: Job, *, last_run: Run | None, next_due: datetime | None, problems: Iterable[Problem] = ()
) -> View:
    """A row of the job list; `problems` say why its text is not in force, but an older one."""
    return {
        "job_id": job.id,
        "description": job.description,
        "tags": list(job.tags),
        "owner": job.owner,
        "enabled": job.enabled,
        "schedule": job.schedule,
        "interval": job.interval,
        "timezone": job.timezone,
        "steps": [{"name": s.name, "type": s.type, "enabled": s.enabled} for s in job.steps],
        "next_due_at": instant(next_due),
        "last_run": None if last_run is None else run_summary(last_run),
        "problems": [problem.as_dict() for problem in problems],
    }


def parameters_view(job: Job) -> list[View]:
    """What a form asks for: the declared parameters, then those that only have a value."""
    undeclared = {
        name: _like(job.params[name]) for name in job.params if name not in job.params_schema
    }
    return [
        *(_parameter(name, each, job) for name, each in job.params_schema.items()),
        *(_parameter(name, each, job) | {"declared": False} for name, each in undeclared.items()),
    ]


def _parameter(name: str, declared: Parameter, job: Job) -> View:
    asked, choices = declared.choices, declared.literal_choices
    return {
        "name": name,
        **as_json(declared.model_dump(exclude={"choices"})),
        "declared": True,
        "default": None if declared.secret else as_json(job.params.get(name)),
        "has_default": job.params.get(name) is not None,
        "choices": None if choices is None else [choice_view(choice) for choice in choices],
        "choices_from": asked.connector if isinstance(asked, ChoicesQuery) else None,
    }


def choice_view(choice: Choice) -> View:
    """`label` is what people read."""
    return {"value": choice.value, "label": choice.label or str(choice.value)}


def _like(value: Any) -> Parameter:
    """The declaration that is nearest to an undeclared value."""
    kind = _TYPE_OF.get(type(value), "string")
    if not isinstance(value, list) or not value:
        return Parameter(type=kind)
    items = {_like(item).type for item in value}
    if len(items) > 1 or not items <= set(get_args(ItemType)):
        return Parameter(type="object")
    return Parameter(type="list", items=cast("ItemType", items.pop()))


def pause_view(pause: Pause) -> View:
    return {
        "began_at": instant(pause.began_at),
        "until": instant(pause.until),
        "ended_at": instant(pause.ended_at),
        "reason": pause.reason,
        "exceptions": list(pause.exceptions),
        "begun_by": pause.begun_by,
        "ended_by": pause.ended_by,
    }


def recent_run(run: RecentRun) -> View:
    """A bar of a small drawing; `seconds` is null until the run has ended, or if it never began."""
    seconds = None
    if run.started_at is not None and run.finished_at is not None:
        seconds = (run.finished_at - run.started_at).total_seconds()
    return {"run_id": run.run_id, "state": run.state.value, "seconds": seconds}


def running_step(step: RunningStep, *, steps: int, progress: Progress | None) -> View:
    """`number` of `steps` counts from 1; `done` of `total` is null when the step told nothing."""
    return {
        "run_id": step.run_id,
        "step": step.name,
        "number": step.index + 1,
        "steps": steps,
        "done": progress.done if progress else None,
        "total": progress.total if progress else None,
    }


def broken_job_row(job_id: str, problems: Iterable[Problem]) -> View:
    """A job that does not validate: listed with its problems, never executed."""
    return {"job_id": job_id, "problems": [problem.as_dict() for problem in problems]}


def revision_row(revision: Revision) -> View:
    """A row of the list of revisions."""
    return {
        "revision_id": revision.id,
        "file": revision.file,
        "who": revision.who,
        "note": revision.note,
        "saved_at": instant(revision.saved_at),
    }


def revision_detail(revision: Revision) -> View:
    """A revision with its text, as it was written: tokens unresolved, secrets sealed."""
    return {**revision_row(revision), "text": revision.text}


def catalogue_state(state: CatalogueState) -> View:
    """What is in force, and what is wrong with the files."""
    return {
        "jobs": state.jobs,
        "held": list(state.held),
        "broken": list(state.broken),
        "restart_needed": list(state.restart_needed),
        "problems": [problem.as_dict() for problem in state.problems],
    }


def schedule_window(window: Window) -> View:
    """What ran and what comes."""
    return {
        "since": instant(window.since),
        "until": instant(window.until),
        "runs": [run_summary(run) for run in window.runs],
        "has_more_runs": window.has_more_runs,
        "due": [{"job_id": job_id, "due_at": instant(at)} for at, job_id in window.due],
        "has_more_due": window.has_more_due,
    }


def schedule_preview(shown: Preview) -> View:
    """The one shape of `schedule preview --json` and of GET /api/v1/schedule/preview."""
    fires = [fire.isoformat() for fire in shown.fires]
    return {"fires": fires, "remarks": shown.remarks, "words": shown.words}


def instant(at: datetime | None) -> str | None:
    """ISO 8601 in UTC, milliseconds."""
    return None if at is None else at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
