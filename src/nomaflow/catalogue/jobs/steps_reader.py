"""One step of a job: its common fields, and its own ones by its type."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from nomaflow.catalogue.connectors_toml import Reach
from nomaflow.catalogue.jobs import condition
from nomaflow.catalogue.jobs.defaults import merged_under
from nomaflow.catalogue.toml import words
from nomaflow.catalogue.toml.place import Place
from nomaflow.catalogue.toml.positions import KeyPath
from nomaflow.catalogue.values.schema import (
    checked,
    connector_fields,
    job_fields,
    keys_of,
    query_fields,
)
from nomaflow.catalogue.values.secret_values import plain_secrets
from nomaflow.catalogue.values.token_check import after_steps, token_problems
from nomaflow.catalogue.values.tokens import has_tokens
from nomaflow.domain.job import Job, JobId, StepDefinition
from nomaflow.errors import Problem
from nomaflow.steps.base import StepSpec, StepType

COMMON_FIELDS = frozenset(StepDefinition.model_fields) - {"settings"}
_NEVER_DEFAULTED = frozenset({"name", "type"})


@dataclass(frozen=True)
class StepReader:
    """Reads steps against what is installed and what can be reached."""

    types: Mapping[str, StepType[Any]]
    reach: Reach

    @cached_property
    def fields_with_defaults(self) -> frozenset[str]:
        """What `step_defaults` may hold: any field of any installed type."""
        own = map(_own_fields, self.types.values())
        return COMMON_FIELDS.union(*own) - _NEVER_DEFAULTED

    def read(
        self,
        values: Mapping[str, Any],
        defaults: Collection[Mapping[str, Any]],
        earlier: Collection[str],
        place: Place,
    ) -> tuple[StepDefinition | None, list[Problem]]:
        """The step, or None, and everything that is wrong with it.

        `defaults` are merged under it; `earlier` names the steps before it.
        """
        kind = self._kind(values.get("type"))
        known = COMMON_FIELDS | _own_fields(kind)
        merged = merged_under(values, defaults, known - _NEVER_DEFAULTED)
        common = {key: value for key, value in merged.items() if key in COMMON_FIELDS}
        own = {key: value for key, value in merged.items() if key not in COMMON_FIELDS}
        step, problems = checked(StepDefinition, common | {"settings": own}, place)
        problems += self._problems(values.get("type"), own, earlier, place)
        problems += _condition_problems(common.get("when"), earlier, place)
        return (None if problems else step), problems

    def defaults_problems(self, defaults: Any, place: Place) -> Iterator[Problem]:
        """What is wrong with a table of `step_defaults` by itself."""
        if not isinstance(defaults, dict):
            yield place.problem("expected a table of step fields")
            return
        for key in sorted(defaults.keys() - self.fields_with_defaults):
            yield place.at(key).problem(words.unknown_key(key, self.fields_with_defaults))

    def called_jobs(self, job: Job) -> list[tuple[KeyPath, JobId]]:
        """The jobs that its steps call, and where in its block that is said."""
        return [
            (("steps", number, *path), JobId(_value_at(step.settings, path)))
            for number, step in enumerate(job.steps)
            for path in _job_fields(self._kind(step.type))
        ]

    def _kind(self, name: object) -> StepType[Any] | None:
        return self.types.get(name) if isinstance(name, str) else None

    def _problems(
        self, name: object, settings: dict[str, Any], earlier: Collection[str], place: Place
    ) -> Iterator[Problem]:
        kind = self._kind(name)
        yield from plain_secrets(settings, place)
        if kind is not None:
            yield from self._settings_problems(kind, settings, place)
        elif isinstance(name, str):
            message = words.unknown_name("step type", name, self.types)
            yield place.at("type").problem(message)
        literal = kind.literal_fields if kind else ()
        yield from token_problems(settings, place, after_steps(earlier), literal)

    def _settings_problems(
        self, kind: StepType[Any], settings: dict[str, Any], place: Place
    ) -> Iterator[Problem]:
        spec: type[StepSpec] = kind.Spec
        fields = COMMON_FIELDS | keys_of(spec)
        for key in settings.keys() - fields:
            yield place.at(key).problem(words.unknown_key(key, fields))
        own = {key: value for key, value in settings.items() if key in fields}
        yield from checked(spec, own, place, tokens=True)[1]
        for path, wanted in connector_fields(spec):
            message = self.connector_mistake(_value_at(own, path), wanted)
            if message:
                yield place.at(*path).problem(message)
        for path, of in query_fields(spec):
            message = self._query_mistake(_value_at(own, path), own.get(of))
            if message:
                yield place.at(*path).problem(message)

    def _query_mistake(self, name: Any, of: Any) -> str | None:
        connector = self.reach.connectors.get(of) if isinstance(of, str) else None
        if connector is None or not isinstance(name, str) or has_tokens(name):
            return None
        queries = connector.values.get("queries", {})
        return None if name in queries else words.unknown_name("query", name, queries)

    def connector_mistake(self, name: Any, wanted: str) -> str | None:
        if not isinstance(name, str) or has_tokens(name):
            return None
        if name in self.reach.broken_connectors:
            return f"connector '{name}' cannot be used: see its problems in connectors.toml"
        connector = self.reach.connectors.get(name)
        if connector is None:
            return words.unknown_name("connector", name, self.reach.connectors)
        if connector.type != wanted:
            return f"connector '{name}' is of type {connector.type}; expected one of type {wanted}"
        return None


def _condition_problems(when: object, earlier: Collection[str], place: Place) -> Iterator[Problem]:
    if isinstance(when, str):
        yield from map(place.at("when").problem, condition.mistakes(when, earlier))


def _own_fields(kind: StepType[Any] | None) -> frozenset[str]:
    if kind is None:
        return frozenset()
    spec: type[StepSpec] = kind.Spec
    return keys_of(spec)


def _job_fields(kind: StepType[Any] | None) -> tuple[tuple[str, ...], ...]:
    if kind is None:
        return ()
    spec: type[StepSpec] = kind.Spec
    return job_fields(spec)


def _value_at(values: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        values = values.get(key) if isinstance(values, dict) else None
    return values
