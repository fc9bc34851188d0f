"""One [[jobs]] block: every problem of it at once, or the job."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from nomaflow.catalogue import builtin, later
from nomaflow.catalogue.jobs.parameters import ParameterReader
from nomaflow.catalogue.jobs.steps_reader import StepReader
from nomaflow.catalogue.model import BrokenJob
from nomaflow.catalogue.toml import words
from nomaflow.catalogue.toml.place import Place
from nomaflow.catalogue.toml.source import TomlSource
from nomaflow.catalogue.values.schema import checked, keys_of
from nomaflow.catalogue.values.token_check import in_job_params, token_problems
from nomaflow.domain.job import Job, StepDefinition, is_timezone
from nomaflow.errors import Problem
from nomaflow.triggers.base import InvalidSchedule
from nomaflow.triggers.declared import trigger_of
from nomaflow.triggers.interval import EPOCH, IntervalTrigger
from nomaflow.triggers.window import within

_FIELDS = keys_of(Job) | {"step_defaults"}
_LISTS = {"after", "limits", "presets", "tags"}
TABLES = ("jobs", "step_defaults")
_ANY_STEP = StepDefinition(name="any", type="any")


@dataclass
class JobReader:
    """Reads the jobs of one file, one after the other.

    `shared_defaults` are merged under the steps of every job; `in_doubt` says that they have a
    problem, so that no job may run.
    """

    source: TomlSource
    steps: StepReader
    shared_defaults: Any
    in_doubt: bool
    _seen: set[str] = field(default_factory=set)

    def read(self, index: int, values: Any, strays: Iterable[str] = ()) -> Job | BrokenJob:
        """The job, or everything that is wrong with it.

        `strays` are unknown top-level keys that stand between its lines.
        """
        name = self._name(index, values)
        place = Place(self.source, ("jobs", index), job=name)
        if not isinstance(values, dict):
            return BrokenJob(name, (place.problem("expected a block that begins with [[jobs]]"),))
        steps, of_steps = self._steps(values.get("steps"), values.get("step_defaults"), place)
        declared = ParameterReader(self.steps, place, values)
        body = _body(values, steps) | declared.of_job
        job, problems = checked(Job, body, place)
        problems += [*self._problems(values, steps, place), *of_steps, *declared.problems(steps)]
        problems += [stray(Place(self.source, job=name), key) for key in strays]
        self._seen.add(name)
        return BrokenJob(name, tuple(problems)) if job is None or problems else job

    def _name(self, index: int, values: Any) -> str:
        name = values.get("id") if isinstance(values, dict) else None
        return name if isinstance(name, str) and name else f"#{self.source.number('jobs', index)}"

    def _problems(
        self, values: dict[str, Any], steps: list[StepDefinition], place: Place
    ) -> Iterator[Problem]:
        if place.job in self._seen:
            yield place.at("id").problem(f"job id '{place.job}' is used twice; expected a new one")
        if str(place.job).startswith(builtin.PREFIX):
            message = (
                f"ids that begin with '{builtin.PREFIX}' are the engine's own; expected another"
            )
            yield place.at("id").problem(message)
        if self.in_doubt:
            yield place.problem("cannot run before the problem of [step_defaults] is solved")
        yield from _key_problems(values, place)
        yield from _trigger_problems(values, place)
        yield from _window_problems(values, place)
        yield from self._name_problems(values, place)
        yield from _preset_problems(values, {step.name for step in steps}, place)
        yield from token_problems(values.get("params"), place.at("params"), in_job_params)
        yield from self.steps.defaults_problems(
            values.get("step_defaults", {}), place.at("step_defaults")
        )
        yield from _timeout_problems(values.get("timeout_seconds"), steps, place)

    def _name_problems(self, values: dict[str, Any], place: Place) -> Iterator[Problem]:
        """What it names in app.toml must be there."""
        calendar = values.get("calendar")
        if isinstance(calendar, str) and calendar not in self.steps.reach.calendars:
            known = self.steps.reach.calendars
            yield place.at("calendar").problem(words.unknown_name("calendar", calendar, known))
        limits = values.get("limits")
        for number, name in enumerate(limits if isinstance(limits, list) else ()):
            if isinstance(name, str) and name not in self.steps.reach.limits:
                message = words.unknown_name("limit", name, self.steps.reach.limits)
                yield place.at("limits", number).problem(message)

    def _steps(
        self, blocks: Any, defaults: Any, place: Place
    ) -> tuple[list[StepDefinition], list[Problem]]:
        if not isinstance(blocks, list) or not blocks:
            return [], [place.at("steps").problem("expected at least one [[jobs.steps]]")]
        layers = [layer for layer in (self.shared_defaults, defaults) if isinstance(layer, dict)]
        steps: list[StepDefinition] = []
        problems: list[Problem] = []
        earlier: list[str] = []
        for number, values in enumerate(blocks):
            here = _step_place(place, number, values)
            step, found = self._step(values, layers, earlier, here)
            steps += [step] if step else []
            problems += found
            earlier.append(str(here.step))
        return steps, problems

    def _step(
        self, values: Any, layers: list[dict[str, Any]], earlier: list[str], place: Place
    ) -> tuple[StepDefinition | None, list[Problem]]:
        if not isinstance(values, dict):
            return None, [place.problem("expected a block that begins with [[jobs.steps]]")]
        step, problems = self.steps.read(values, layers, earlier, place)
        if place.step in earlier:
            message = f"step name '{place.step}' is used twice; expected a name of its own"
            problems.append(place.at("name").problem(message))
        return step, problems


def stray(file: Place, key: str) -> Problem:
    """For a key at the top of jobs.toml that nobody reads."""
    return file.at(key).problem(words.unknown_key(key, TABLES))


def _step_place(job: Place, number: int, values: Any) -> Place:
    name = values.get("name") if isinstance(values, dict) else None
    return Place(
        job.source,
        (*job.root, "steps", number),
        job=job.job,
        step=name if isinstance(name, str) and name else f"#{number + 1}",
        fallbacks=((*job.root, "step_defaults"), ("step_defaults",)),
    )


def _body(values: dict[str, Any], steps: list[StepDefinition]) -> dict[str, Any]:
    """What the model judges; what `_problems` has better words for is left out."""
    body = {key: value for key, value in values.items() if key in keys_of(Job)}
    body["steps"] = tuple(steps) or (_ANY_STEP,)
    body |= {key: tuple(body[key]) for key in _LISTS & body.keys() if isinstance(body[key], list)}
    if isinstance(body.get("interval_anchor"), datetime):
        body["interval_anchor"] = body["interval_anchor"].isoformat()
    return body


def _key_problems(values: dict[str, Any], place: Place) -> Iterator[Problem]:
    for key in values.keys() - _FIELDS:
        message = later.not_available(key) if key in later.JOB_FIELDS else None
        yield place.at(key).problem(message or words.unknown_key(key, _FIELDS))


def _trigger_problems(values: dict[str, Any], place: Place) -> Iterator[Problem]:
    body = {key: values.get(key) for key in ("schedule", "interval")}
    if None not in body.values():
        yield place.at("interval").problem(
            "a job has a schedule or an interval; expected one of them"
        )
    anchor = values.get("interval_anchor", EPOCH)
    for key, text in body.items():
        if isinstance(text, str):
            yield from _trigger_mistake(key, text, anchor, values.get("timezone"), place)


def _trigger_mistake(
    key: str, text: str, anchor: Any, timezone: Any, place: Place
) -> Iterator[Problem]:
    anchor = anchor.isoformat() if isinstance(anchor, datetime) else anchor
    schedule, interval = (text, None) if key == "schedule" else (None, text)
    zone = timezone if is_timezone(timezone) else "UTC"
    try:
        trigger_of(schedule, interval, anchor if isinstance(anchor, str) else EPOCH, zone)
    except InvalidSchedule as error:
        yield place.at(error.field).problem(str(error))


def _preset_problems(values: dict[str, Any], steps: set[str], place: Place) -> Iterator[Problem]:
    presets = values.get("presets")
    named: list[Any] = []
    for number, preset in enumerate(presets if isinstance(presets, list) else ()):
        here = place.at("presets", number)
        if not isinstance(preset, dict):
            continue
        if preset.get("name") in named:
            yield here.at("name").problem("this name is used twice; expected one of its own")
        named.append(preset.get("name"))
        yield from _preset_schedule_problems(preset, values.get("timezone"), here)
        for field_name in ("op_kwargs", "step_enabled"):
            found = preset.get(field_name)
            for name in found.keys() - steps if isinstance(found, dict) else ():
                yield here.at(field_name, name).problem(words.unknown_name("step", name, steps))


def _preset_schedule_problems(
    preset: dict[str, Any], timezone: Any, place: Place
) -> Iterator[Problem]:
    schedule = preset.get("schedule")
    if isinstance(schedule, str):
        yield from _trigger_mistake("schedule", schedule, EPOCH, timezone, place)


def _window_problems(values: dict[str, Any], place: Place) -> Iterator[Problem]:
    start, end = values.get("start_at"), values.get("end_at")
    if not isinstance(start, datetime) or not isinstance(end, datetime):
        return
    try:
        within(IntervalTrigger.parse("1d"), start, end, ZoneInfo("UTC"))
    except InvalidSchedule as error:
        yield place.at(error.field).problem(str(error))


def _timeout_problems(limit: Any, steps: list[StepDefinition], place: Place) -> Iterator[Problem]:
    if isinstance(limit, bool) or not isinstance(limit, int | float):
        return
    for step in steps:
        if "timeout_seconds" in step.model_fields_set and step.timeout_seconds > limit:
            yield place.at("timeout_seconds").problem(
                f"{limit:g} s is less than step '{step.name}' may take;"
                f" expected at least its {step.timeout_seconds:g} s"
            )
