"""Use cases on parameters: whether values fit what a job declares, and what typed texts mean."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from nomaflow.catalogue.jobs.parameters import waits_for_tokens
from nomaflow.catalogue.toml import words
from nomaflow.domain.job import Job, StepDefinition
from nomaflow.domain.nesting import MOST_LEVELS, is_too_deep
from nomaflow.domain.parameters import Parameter, UnfitValue, as_json
from nomaflow.domain.run import RunOptions
from nomaflow.domain.secrets import MASK
from nomaflow.errors import InvalidParameters, NotFound
from nomaflow.steps.base import StepType

Values = Mapping[str, Any]
MOST_CHARACTERS = 256 * 1024
REQUIRED = "a value is required"
MASKED = f"{MASK} only stands for the secret: expected the secret itself, or nothing"


class Parameters:
    """Holds what a run is given against what its job declares; `job` finds one by its id."""

    def __init__(self, job: Callable[[str], Job], types: Mapping[str, StepType[Any]]) -> None:
        self._job = job
        self._types = types

    def fitted(self, job: Job, options: RunOptions) -> RunOptions:
        """The options with their values as JSON, once they are known to fit.

        Raises NotFound for a step that the job does not have; InvalidParameters naming every
        field that does not fit. A value with a token is judged when the run starts.
        """
        _check_steps(job, options)
        _check_size(job, options)
        if not job.params_schema:
            return options
        if found := {**_missing(job, options), **dict(self._mistakes(job, options))}:
            raise InvalidParameters(job.id, found)
        return replace(
            options, params=as_json(options.params), op_kwargs=as_json(options.op_kwargs)
        )

    def meant(self, job_id: str, texts: Mapping[str, str]) -> dict[str, Any]:
        """What a person means who types these texts, as far as the job declares them.

        Raises NotFound, InvalidConfiguration for a broken job.
        """
        schema = self._job(job_id).params_schema
        return {name: schema[name].from_text(texts[name]) for name in texts if name in schema}

    def _mistakes(self, job: Job, options: RunOptions) -> Iterator[tuple[str, str]]:
        """Each field that does not fit, and why."""
        schema, known = job.params_schema, self._known(job)
        for name, value in options.params.items():
            if name not in known:
                yield f"params.{name}", words.unknown_name("parameter", name, known)
            elif text := _mistake(schema.get(name), value):
                yield f"params.{name}", text
        for step, values in options.op_kwargs.items():
            for name, value in values.items():
                if text := _mistake(schema.get(name), value):
                    yield f"op_kwargs.{step}.{name}", text

    def _known(self, job: Job) -> set[str]:
        """The names that the job speaks of; any other is a slip of the pen."""
        own = (self._own(step) for step in job.steps)
        presets = (preset.params for preset in job.presets)
        return {*job.params_schema, *job.params}.union(*own, *presets)

    def _own(self, step: StepDefinition) -> Values:
        field = self._types[step.type].params_field
        values = step.settings.get(field) if field else None
        return values if isinstance(values, Mapping) else {}


def without_secrets(job: Job, options: RunOptions) -> RunOptions:
    """The options with a mask in the place of each secret: two secrets look the same."""
    secret = {name for name, declared in job.params_schema.items() if declared.secret}

    def masked(values: Values) -> Values:
        return {name: MASK if name in secret else value for name, value in values.items()}

    kwargs = {step: masked(values) for step, values in options.op_kwargs.items()}
    return replace(options, params=masked(options.params), op_kwargs=kwargs)


def _mistake(declared: Parameter | None, value: Any) -> str | None:
    if declared is None or waits_for_tokens(value):
        return None
    if value is None:
        return REQUIRED if declared.required else None
    if declared.secret and value == MASK:
        return MASKED
    try:
        declared.read(value)
    except UnfitValue as error:
        return str(error)
    return None


def _missing(job: Job, options: RunOptions) -> dict[str, str]:
    given = {**job.params, **options.preset_params, **options.params}
    return {
        f"params.{name}": REQUIRED
        for name, declared in job.params_schema.items()
        if declared.required and given.get(name) is None
    }


def _check_size(job: Job, options: RunOptions) -> None:
    """Raise InvalidParameters for values that a history of many runs could not carry."""
    values = [options.params, options.op_kwargs]
    if is_too_deep(values):
        expected = f"expected values that are nested at most {MOST_LEVELS} levels deep"
        raise InvalidParameters(job.id, {"params": expected})
    text = json.dumps(values, default=str)
    if len(text) > MOST_CHARACTERS:
        expected = f"expected at most {MOST_CHARACTERS:,} characters as JSON, got {len(text):,}"
        raise InvalidParameters(job.id, {"params": expected})


def _check_steps(job: Job, options: RunOptions) -> None:
    """Raise NotFound when the options name a step that the job does not have."""
    known = {step.name for step in job.steps}
    unknown = sorted((set(options.step_enabled) | set(options.op_kwargs)) - known)
    if unknown:
        raise NotFound(
            f"Job '{job.id}' has no step {', '.join(map(repr, unknown))}. "
            f"Its steps: {', '.join(sorted(known))}."
        )
