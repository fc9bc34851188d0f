"""Checks the tokens of a file before anything runs."""

from collections.abc import Callable, Collection, Iterator
from typing import Any

from nomaflow.catalogue.toml.place import Place
from nomaflow.catalogue.values.secret_values import SECRET_FIELDS
from nomaflow.catalogue.values.substitution import named_step
from nomaflow.catalogue.values.tokens import (
    MalformedToken,
    Token,
    has_tokens,
    is_lone_variable,
    strings_in,
    tokens_in,
)
from nomaflow.errors import Problem

Rule = Callable[[Token], str | None]


def token_problems(
    values: Any, place: Place, rule: Rule, literal: Collection[str] = ()
) -> Iterator[Problem]:
    """What is wrong with the tokens in these values; `rule` says why one may not stand here.

    `literal` names the dotted paths that take no tokens. A password is looked into only when it
    is one token, so that no part of it is shown.
    """
    for path, text in strings_in(values, has_tokens):
        is_shown = path[-1] not in SECRET_FIELDS or is_lone_variable(text)
        if is_shown and ".".join(map(str, path)) not in literal:
            yield from (place.at(*path).problem(message) for message in _complaints(text, rule))


def in_connectors(token: Token) -> str | None:
    """What belongs to no run knows nothing but variables."""
    if token.kind == "env":
        return None
    return f"{token} has no meaning here: expected ${{env:VAR}}"


def in_job_params(token: Token) -> str | None:
    """Job parameters are the lowest layer, and are there before any step has run."""
    if token.kind in {"env", "ctx"}:
        return None
    return f"{token} has no value yet in the job's params: expected a plain value or ${{env:VAR}}"


def after_steps(earlier: Collection[str]) -> Rule:
    """In a step, ${out:…} names one of the steps before it."""

    def rule(token: Token) -> str | None:
        if token.kind != "out" or named_step(token.name, earlier) is not None:
            return None
        there = ", ".join(earlier) or "none, this is the first step"
        return f"{token} names no earlier step; earlier steps: {there}"

    return rule


def _complaints(text: str, rule: Rule) -> Iterator[str]:
    try:
        tokens = list(tokens_in(text))
    except MalformedToken as error:
        yield str(error)
    else:
        yield from filter(None, map(rule, tokens))
