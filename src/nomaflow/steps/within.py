"""A step type's work within another step: Python code that copies tables or calls services."""

import inspect
from collections.abc import Mapping
from functools import cache
from typing import Any

from pydantic import ValidationError

from nomaflow.errors import StepRefused
from nomaflow.steps.base import StepSpec, StepType
from nomaflow.steps.context import StepContext
from nomaflow.steps.registry import StepTypes


def run_within(step_type: str, fields: Mapping[str, Any], ctx: StepContext) -> object:
    """What the step type's work returns.

    Raises StepRefused for a type that is not installed or cannot run here, and for fields that
    do not fit.
    """
    step = _step_type(step_type)
    returned = step.run(_spec(step, fields), ctx)
    return ctx.complete(returned) if inspect.iscoroutine(returned) else returned


def _step_type(name: str) -> StepType[Any]:
    if name == "python":
        raise StepRefused("run_step('python', …): call the function itself, with this ctx.")
    types = _installed()
    if name not in types:
        known = (kind for kind, step in types.items() if step.host != "event_loop")
        others = ", ".join(sorted(set(known) - {"python"}))
        raise StepRefused(f"run_step('{name}', …): expected one of {others}.")
    return types[name]


@cache
def _installed() -> StepTypes:
    return StepTypes.discover()


def _spec(step: StepType[Any], fields: Mapping[str, Any]) -> StepSpec:
    try:
        spec: StepSpec = step.Spec.model_validate(fields)
    except ValidationError as error:
        wrong = "; ".join(
            f"field '{'.'.join(map(str, found['loc']))}': {found['msg']}"
            for found in error.errors(include_input=False, include_url=False)
        )
        raise StepRefused(f"run_step('{step.name}', …) does not fit: {wrong}.") from None
    return spec
