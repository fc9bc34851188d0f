"""Puts values in the place of tokens, when an attempt starts or a connector opens."""

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time
from typing import Any

from nomaflow.catalogue.values.tokens import (
    MalformedToken,
    Token,
    escaped,
    has_tokens,
    pieces,
    unescaped,
)
from nomaflow.errors import StepRefused


def _no_variables(_name: str) -> str | None:
    return None


@dataclass(frozen=True)
class Scope:
    """What tokens may refer to.

    `env` gives a variable's value or None; `params` are the merged parameters, `outputs` the
    outputs of the earlier steps by step name, `facts` the values of ${ctx:…}. With `to_be_kept`
    texts come out as they are written in the files: ${env:…} stays, and `${` is `$${`.
    """

    env: Callable[[str], str | None] = _no_variables
    params: Mapping[str, Any] = field(default_factory=dict)
    outputs: Mapping[str, Any] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    to_be_kept: bool = False


def resolve(value: Any, scope: Scope, literal: Collection[str] = ()) -> Any:
    """A copy of `value` with every token in its strings replaced.

    A string that is one token becomes the token's value, of whatever type. `literal` names dotted
    paths that stay as they are. Raises StepRefused with the token that has no value.
    """
    return _resolved(value, scope, frozenset(literal), "")


def merge_params(
    layers: Iterable[Mapping[str, Any]],
    scope: Scope,
    typed: Callable[[dict[str, Any]], dict[str, Any]] = dict,
) -> dict[str, Any]:
    """The layers of parameters merged, later ones win, tokens replaced.

    `${kw:key}` inside a layer sees only the layers below it. `typed` gives the values of a layer
    their types. Raises StepRefused.
    """
    merged: dict[str, Any] = {}
    for layer in filter(None, layers):
        merged |= typed(resolve(dict(layer), replace(scope, params=dict(merged))))
    return merged


def as_read(kept: Any) -> Any:
    """What was resolved `to_be_kept`, for people: ${env:…} stays, and `$${` is `${`."""
    if isinstance(kept, Mapping):
        return {key: as_read(item) for key, item in kept.items()}
    if isinstance(kept, list | tuple):
        return [as_read(item) for item in kept]
    return unescaped(kept) if isinstance(kept, str) else kept


def _resolved(value: Any, scope: Scope, literal: frozenset[str], path: str) -> Any:
    if path in literal:
        return value
    if isinstance(value, str):
        return _text(value, scope) if has_tokens(value) else value
    if isinstance(value, Mapping):
        prefix = f"{path}." if path else ""
        return {
            key: _resolved(item, scope, literal, f"{prefix}{key}") for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [_resolved(item, scope, literal, path) for item in value]
    return value


def _text(text: str, scope: Scope) -> Any:
    try:
        parts = pieces(text)
    except MalformedToken as error:
        raise StepRefused(str(error)) from None
    if len(parts) == 1:
        return _value(parts[0], scope)
    return "".join(_as_text(part, _value(part, scope)) for part in parts)


def _value(part: str | Token, scope: Scope) -> Any:
    if isinstance(part, str):
        return _written(part, scope)
    return _LOOKUPS[part.kind](part, scope)


def _written(value: Any, scope: Scope) -> Any:
    """The value, or how it is written so that it stays as it is."""
    return escaped(value) if scope.to_be_kept and isinstance(value, str) else value


def _as_text(part: str | Token, value: Any) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        raise StepRefused(f"{part} is null and cannot stand inside a longer text.")
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    return json.dumps(value, default=str, ensure_ascii=False)


def _env(token: Token, scope: Scope) -> str:
    if scope.to_be_kept:
        return str(token)
    value = scope.env(token.name)
    if not value and token.default is not None:
        return token.default
    if value is None:
        raise StepRefused(
            f"{token} has no value: set {token.name} in the env file or in the environment of the"
            " service."
        )
    return value


def _kw(token: Token, scope: Scope) -> Any:
    if token.name not in scope.params:
        there = ", ".join(sorted(scope.params)) or "none"
        raise StepRefused(f"{token} has no value: the parameters here are: {there}.")
    return scope.params[token.name]


def _ctx(token: Token, scope: Scope) -> Any:
    value = scope.facts.get(token.name)
    if value is None:
        raise StepRefused(f"{token} has no value in this run.")
    return _written(value, scope)


def _out(token: Token, scope: Scope) -> Any:
    step = named_step(token.name, scope.outputs)
    if step is None:
        raise StepRefused(f"{token} has no value: no earlier step of that name has an output.")
    value, path = scope.outputs[step], token.name[len(step) + 1 :]
    for key in path.split(".") if path else ():
        value = _member(value, key, token)
    return value


def named_step(reference: str, steps: Iterable[str]) -> str | None:
    """The step that `step.path` refers to: the longest name that fits, for names with dots."""
    fitting = [step for step in steps if reference == step or reference.startswith(f"{step}.")]
    return max(fitting, key=len, default=None)


def _member(value: Any, key: str, token: Token) -> Any:
    if isinstance(value, Mapping) and key in value:
        return value[key]
    if isinstance(value, list | tuple) and key.isdecimal() and int(key) < len(value):
        return value[int(key)]
    raise StepRefused(f"{token} has no value: the step's output has no '{key}' there.")


_LOOKUPS: Mapping[str, Callable[[Token, Scope], Any]] = {
    "env": _env,
    "kw": _kw,
    "ctx": _ctx,
    "out": _out,
}
