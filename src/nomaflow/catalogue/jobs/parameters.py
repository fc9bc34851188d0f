"""[jobs.params_schema]: what it declares, and whether the job's own values keep to it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from nomaflow.catalogue.jobs.steps_reader import StepReader
from nomaflow.catalogue.toml.place import Place
from nomaflow.catalogue.values.schema import checked
from nomaflow.catalogue.values.secret_values import REFUSED
from nomaflow.catalogue.values.tokens import has_tokens, is_lone_variable, strings_in
from nomaflow.domain.job import StepDefinition
from nomaflow.domain.parameters import ChoicesQuery, Parameter, UnfitValue
from nomaflow.errors import Problem
from nomaflow.security.vault import is_sealed

FIELD = "params_schema"


class ParameterReader:
    """Reads the declarations of one job, `values` its block, and holds its values against them."""

    def __init__(self, steps: StepReader, place: Place, values: Mapping[str, Any]) -> None:
        self._steps = steps
        self._place = place
        self._values = values
        self._sound: dict[str, Parameter] = {}
        self._found: list[Problem] = []
        declared = values.get(FIELD)
        for name, block in declared.items() if isinstance(declared, dict) else ():
            self._read(name, block, place.at(FIELD, name))

    @property
    def of_job(self) -> dict[str, Any]:
        """The field of the job: the sound declarations, or what is no table at all."""
        if FIELD not in self._values:
            return {}
        declared = self._values[FIELD]
        return {FIELD: self._sound if isinstance(declared, dict) else declared}

    def problems(self, steps: Sequence[StepDefinition]) -> Iterator[Problem]:
        """All that is wrong with the declarations, and with the values that are given for them."""
        yield from self._found
        if self._sound:
            yield from self._value_problems(self._values.get("params"), self._place.at("params"))
            yield from self._step_problems(steps)
            yield from self._preset_problems()
            yield from self._missing()

    def _read(self, name: str, block: Any, place: Place) -> None:
        if not isinstance(block, dict):
            self._found.append(place.problem("expected a table, such as { type = 'integer' }"))
            return
        parameter, problems = checked(Parameter, block, place)
        if parameter is not None:
            problems += [place.at(*field).problem(text) for field, text in parameter.mistakes()]
            problems += self._query_problems(parameter, place.at("choices", "connector"))
        self._found += problems
        if parameter is not None and not problems:
            self._sound[name] = parameter

    def _query_problems(self, parameter: Parameter, place: Place) -> list[Problem]:
        if not isinstance(parameter.choices, ChoicesQuery):
            return []
        message = self._steps.connector_mistake(parameter.choices.connector, "sql")
        return [place.problem(message)] if message else []

    def _value_problems(self, values: Any, place: Place) -> Iterator[Problem]:
        if not isinstance(values, Mapping):
            return
        for name, parameter in self._sound.items():
            message = _mistake(parameter, values[name]) if name in values else None
            if message:
                yield place.at(name).problem(message)

    def _step_problems(self, steps: Sequence[StepDefinition]) -> Iterator[Problem]:
        blocks = self._values["steps"] if steps else ()
        names = [block.get("name") if isinstance(block, dict) else None for block in blocks]
        for step in steps:
            kind = self._steps.types[step.type]
            here = Place(
                self._place.source,
                (*self._place.root, "steps", names.index(step.name)),
                job=self._place.job,
                step=step.name,
            )
            if kind.params_field:
                own = step.settings.get(kind.params_field)
                yield from self._value_problems(own, here.at(kind.params_field))

    def _preset_problems(self) -> Iterator[Problem]:
        for number, preset in enumerate(self._presets()):
            here = self._place.at("presets", number)
            yield from self._value_problems(preset.get("params"), here.at("params"))
            for_steps = preset.get("op_kwargs")
            for step, values in for_steps.items() if isinstance(for_steps, dict) else ():
                yield from self._value_problems(values, here.at("op_kwargs", step))

    def _missing(self) -> Iterator[Problem]:
        """A schedule asks nobody: what is required must be there."""
        own = self._values.get("params")
        params = own if isinstance(own, dict) else {}
        required = {name for name, declared in self._sound.items() if declared.required}
        if any(self._values.get(key) for key in ("schedule", "interval", "after")):
            for name in sorted(required - params.keys()):
                message = "a scheduled run has no value for it: expected one in the job's params"
                yield self._place.at(FIELD, name, "required").problem(message)
        for number, preset in enumerate(self._presets()):
            given = preset.get("params")
            here = params.keys() | (given.keys() if isinstance(given, dict) else ())
            for name in sorted(required - here) if preset.get("schedule") else ():
                message = f"its schedule needs a value for '{name}': expected one here"
                yield self._place.at("presets", number, "params").problem(message)

    def _presets(self) -> list[dict[str, Any]]:
        presets = self._values.get("presets")
        return (
            [p if isinstance(p, dict) else {} for p in presets] if isinstance(presets, list) else []
        )


def waits_for_tokens(value: Any) -> bool:
    """Whether the value holds a token, and so is known only when the run starts."""
    return any(True for _ in strings_in([value], has_tokens))


def _mistake(parameter: Parameter, value: Any) -> str | None:
    """Why the value may not stand in the files, or None."""
    if parameter.secret and isinstance(value, str):
        return None if is_sealed(value) or is_lone_variable(value) else REFUSED
    if waits_for_tokens(value):
        return None
    try:
        parameter.read(value)
    except UnfitValue as error:
        return str(error)
    return None
