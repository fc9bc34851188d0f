"""The tokens that a string may hold: ${env:…}, ${kw:…}, ${out:…}, ${ctx:…}."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from nomaflow.catalogue.toml.positions import Key, KeyPath
from nomaflow.catalogue.toml.words import suggestion

FACTS = (
    "run_id",
    "job_id",
    "scheduled_at",
    "started_at",
    "attempt",
    "session_user",
    "previous_success_at",
    "today",
    "yesterday",
    "month_first",
    "month_last",
)

_PIECE = re.compile(r"\$\$\{|\$\{([^}]*)\}|\$\{")
_KINDS = ("env", "kw", "out", "ctx")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LONE_VARIABLE = re.compile(rf"\$\{{env:{_VARIABLE.pattern}\}}")
_OUR_PREFIX = "NOMAFLOW_"


class MalformedToken(ValueError):
    """A string holds `${` without being a token; the message says what was expected."""


@dataclass(frozen=True)
class Token:
    """One reference: `kind` env, kw, out or ctx, the `name` behind the colon, and the default."""

    kind: str
    name: str
    default: str | None = None

    def __str__(self) -> str:
        default = "" if self.default is None else f":-{self.default}"
        return f"${{{self.kind}:{self.name}{default}}}"


def has_tokens(text: str) -> bool:
    """Whether a text needs to be looked into at all."""
    return "${" in text


def is_lone_variable(text: str) -> bool:
    """Whether the whole text is one ${env:VAR} token, without a default."""
    return _LONE_VARIABLE.fullmatch(text) is not None


def pieces(text: str) -> list[str | Token]:
    """The text cut into literal parts and tokens, `$${` unescaped. Raises MalformedToken."""
    parts: list[str | Token] = []
    at = 0
    for match in _PIECE.finditer(text):
        parts.append(text[at : match.start()])
        parts.append("${" if match[0] == "$${" else _token(match[1]))
        at = match.end()
    parts.append(text[at:])
    return [part for part in parts if part != ""]


def escaped(text: str) -> str:
    """How a text is written that is to come out as it is."""
    return text.replace("${", "$${")


def unescaped(text: str) -> str:
    """The text as it comes out, except that its tokens stay."""
    return text.replace("$${", "${")


def tokens_in(text: str) -> Iterator[Token]:
    """The tokens of a text, from left to right. Raises MalformedToken."""
    return (piece for piece in pieces(text) if isinstance(piece, Token))


def strings_in(values: Any, wanted: Callable[[str], bool]) -> Iterator[tuple[KeyPath, str]]:
    """Every wanted string inside nested tables and lists, with its path."""
    for key, value in entries_of(values):
        if isinstance(value, str):
            if wanted(value):
                yield (key,), value
        elif isinstance(value, dict | list):
            for rest, text in strings_in(value, wanted):
                yield (key, *rest), text


def entries_of(values: Any) -> Iterable[tuple[Key, Any]]:
    """The keys and values of a table, the indices and items of a list; else nothing."""
    if isinstance(values, dict):
        return values.items()
    return enumerate(values) if isinstance(values, list) else ()


def _token(inside: str | None) -> Token:
    if inside is None:
        raise MalformedToken("a token is not closed: expected '}' (write '$${' for a plain '${')")
    kind, colon, rest = inside.partition(":")
    if not colon or kind not in _KINDS:
        raise MalformedToken(
            f"unknown token '${{{inside}}}': expected ${{env:VAR}}, ${{kw:key}}, ${{out:step.path}}"
            " or ${ctx:fact} (write '$${' for a plain '${')"
        )
    if not rest.strip() or rest != rest.strip():
        raise MalformedToken(f"token '${{{inside}}}' needs a name without blanks around it")
    return _READERS[kind](rest)


def _env(rest: str) -> Token:
    name, separator, default = rest.partition(":-")
    if not _VARIABLE.fullmatch(name):
        raise MalformedToken(
            f"'${{env:{name}}}': expected a variable's name, as in ${{env:VAR}} or"
            " ${env:VAR:-default}"
        )
    if name.startswith(_OUR_PREFIX):
        raise MalformedToken(
            f"'${{env:{name}}}' is refused: variables that begin with {_OUR_PREFIX} hold Nomaflow's"
            " own secrets; give the value a name of its own in the env file"
        )
    return Token("env", name, default if separator else None)


def _ctx(rest: str) -> Token:
    if rest not in FACTS:
        guess = suggestion(rest, FACTS) or f"; there are: {', '.join(FACTS)}"
        raise MalformedToken(f"unknown fact in '${{ctx:{rest}}}'{guess}")
    return Token("ctx", rest)


_READERS: Mapping[str, Callable[[str], Token]] = {
    "env": _env,
    "ctx": _ctx,
    "kw": partial(Token, "kw"),
    "out": partial(Token, "out"),
}
