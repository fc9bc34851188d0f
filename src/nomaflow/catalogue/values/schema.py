"""Holds values against a model and says everything that does not fit."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from nomaflow.catalogue.toml import words
from nomaflow.catalogue.toml.place import Place
from nomaflow.catalogue.toml.positions import Key, KeyPath
from nomaflow.catalogue.values.tokens import has_tokens
from nomaflow.errors import Problem, StepRefused

ModelT = TypeVar("ModelT", bound=BaseModel)
Mistakes = list[tuple[KeyPath, str]]

_CONNECTOR_MARK = "x-connector"
_JOB_MARK = "x-job"
_QUERY_MARK = "x-query-of"
_WRONG_SCALAR = frozenset({"bool_type", "int_type", "float_type"})


def checked(
    model: type[ModelT], values: Mapping[str, Any], place: Place, *, tokens: bool = False
) -> tuple[ModelT | None, list[Problem]]:
    """The model made of `values`, or None; and what does not fit, at its place.

    Texts do not pass for numbers or truth values. With `tokens`, a value that holds one is not
    judged yet.
    """
    instance, found = _validated(model, values, tokens=tokens)
    return instance, [place.at(*path).problem(message) for path, message in found]


def settled(model: type[ModelT], values: Mapping[str, Any], what: str) -> ModelT:
    """The model made of values whose tokens are resolved.

    Raises StepRefused, which begins with `what` and names each field that does not fit.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        found = _mistakes(model, error, values)
    fields = "; ".join(f"field '{'.'.join(map(str, path))}': {message}" for path, message in found)
    raise StepRefused(f"{what} does not fit: {fields}.")


@cache
def keys_of(model: type[BaseModel]) -> frozenset[str]:
    """The keys that a table of this model may hold."""
    return frozenset(info.alias or name for name, info in model.model_fields.items())


@cache
def connector_fields(model: type[BaseModel]) -> tuple[tuple[tuple[str, ...], str], ...]:
    """The fields that name a connector, as paths, with the connector type that they want.

    A field says so by `json_schema_extra={"x-connector": TYPE}`.
    """
    return tuple(_marked_in(model, _CONNECTOR_MARK))


@cache
def query_fields(model: type[BaseModel]) -> tuple[tuple[tuple[str, ...], str], ...]:
    """The fields that name a query of a connector, as paths, with the field which names that one.

    A field says so by `json_schema_extra={"x-query-of": FIELD}`.
    """
    return tuple(_marked_in(model, _QUERY_MARK))


@cache
def job_fields(model: type[BaseModel]) -> tuple[tuple[str, ...], ...]:
    """The paths of the fields that name a job, as `json_schema_extra={"x-job": True}` says."""
    return tuple(path for path, _ in _marked_in(model, _JOB_MARK))


def _validated(
    model: type[ModelT], values: Mapping[str, Any], *, tokens: bool
) -> tuple[ModelT | None, Mistakes]:
    try:
        return model.model_validate(values, strict=True), []
    except ValidationError as error:
        scalars = [
            (path, message)
            for path, message, kind in _typed(model, error, values)
            if kind in _WRONG_SCALAR
        ]
    try:
        instance, found = model.model_validate(values), []
    except ValidationError as error:
        instance, found = None, _mistakes(model, error, values)
    known = {path for path, _ in found}
    found += [(path, message) for path, message in _merged(scalars) if path not in known]
    if tokens:
        found = [entry for entry in found if not _holds_token(values, entry[0])]
    return (None if found else instance), found


def _mistakes(model: type[BaseModel], error: ValidationError, values: Any) -> Mistakes:
    """Each field that does not fit and what was expected there, one entry per field."""
    return _merged([(path, message) for path, message, _ in _typed(model, error, values)])


def _typed(
    model: type[BaseModel], error: ValidationError, values: Any
) -> Iterator[tuple[KeyPath, str, str]]:
    for detail in error.errors(include_url=False):
        path = _path(detail, values)
        if detail["type"] == "extra_forbidden":
            message = words.unknown_key(str(path[-1]), _known_keys(model, path[:-1]))
        else:
            message = words.in_words(detail, _description(model, path))
        yield path, message, detail["type"]


def _path(detail: ErrorDetails, values: Any) -> KeyPath:
    """The error's location without the names that pydantic gives to the branches of a union."""
    path: list[Key] = []
    location, here = detail["loc"], values
    for number, key in enumerate(location, start=1):
        is_missing = detail["type"] == "missing" and number == len(location)
        if is_missing or _holds(here, key):
            path.append(key)
            here = None if is_missing else here[key]
    return tuple(path)


def _holds(container: Any, key: Key) -> bool:
    if isinstance(key, int):
        return isinstance(container, list | tuple) and key < len(container)
    return isinstance(container, Mapping) and key in container


def _merged(found: Sequence[tuple[KeyPath, str]]) -> Mistakes:
    """One entry per field: what a union's branches expected, joined."""
    merged: dict[KeyPath, list[str]] = {}
    for path, message in found:
        messages = merged.setdefault(path, [])
        if message not in messages:
            messages.append(message)
    return [(path, ", or ".join(messages)) for path, messages in merged.items()]


def _holds_token(values: Any, path: KeyPath) -> bool:
    for key in path:
        if not _holds(values, key):
            return False
        values = values[key]
    return isinstance(values, str) and has_tokens(values)


def _known_keys(model: type[BaseModel], path: KeyPath) -> list[str]:
    found = _model_at(model, path)
    return sorted(keys_of(found)) if found else []


def _description(model: type[BaseModel], path: KeyPath) -> str | None:
    """What the field at that path is, in its model's own words."""
    found = _model_at(model, path[:-1])
    field = _field(found, path[-1]) if found and path else None
    return field.description if field else None


def _model_at(model: type[BaseModel], path: KeyPath) -> type[BaseModel] | None:
    """The model of the table at that path; indices and free keys stay with what holds them."""
    found: type[BaseModel] | None = model
    for key in path:
        field = _field(found, key) if found else None
        found = _model_in(field.annotation) if field else found
    return found


def _field(model: type[BaseModel], key: Key) -> FieldInfo | None:
    fields = model.model_fields.items()
    return next((info for name, info in fields if key in (name, info.alias)), None)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The model that an annotation such as `Source | None` or `Mapping[str, Query]` speaks of."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    inside = (_model_in(argument) for argument in get_args(annotation))
    return next((model for model in inside if model), None)


def _marked_in(model: type[BaseModel], mark: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    """The fields that bear the mark, as paths, and what it says."""
    schema = model.model_json_schema()
    definitions = schema.get("$defs", {})

    def marked(part: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
        if mark in part:
            yield path, part[mark]
        if "$ref" in part:
            yield from marked(definitions[part["$ref"].rpartition("/")[2]], path)
        for branch in (*part.get("anyOf", ()), *part.get("allOf", ()), *part.get("oneOf", ())):
            yield from marked(branch, path)
        for name, member in part.get("properties", {}).items():
            yield from marked(member, (*path, name))

    return marked(schema, ())
