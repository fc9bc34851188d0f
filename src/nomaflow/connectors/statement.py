"""SQL text with bind names: finds `:name` where it is one, and nothing else.

Literals, quoted identifiers, comments, dollar quotes and `::casts` are left alone.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from nomaflow.errors import StepRefused

_TOKEN = re.compile(
    r"""
      (?P<escaped> \b[eE]'(?:[^'\\]|\\.|'')*' )            # E'…\'…'
    | (?P<quoted>  '(?:[^']|'')*' | "(?:[^"]|"")*" | `(?:[^`]|``)*` )
    | (?P<dollar>  (?<![\w$]) \$(?P<tag>(?:[^\W\d]\w*)?)\$ .*? \$(?P=tag)\$ )
    | (?P<line>    --[^\n]* )
    | (?P<block>   /\* )
    | (?P<bind>    (?<![:\w]) :(?P<name>[^\W\d]\w*) )
    | (?P<place>   (?<![\w$]) \$(?P<number>\d+) )
    | (?P<end>     ; )
    """,
    re.VERBOSE | re.DOTALL,
)
_COMMENT_EDGE = re.compile(r"/\*|\*/")
_SPACE = re.compile(r"\s+")
_HAS_BODY = re.compile(
    r"\s*(?:CREATE\b.*?\b(?:TRIGGER|PROCEDURE|FUNCTION|EVENT|PACKAGE)\b|BEGIN\b|DECLARE\b)",
    re.IGNORECASE | re.DOTALL,
)


@dataclass(frozen=True)
class Statement:
    """One SQL statement: its text without a trailing `;`, and the bind names in it."""

    text: str
    names: frozenset[str]
    _binds: tuple[tuple[int, int], ...]

    def bound(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Those of `params` that the statement names.

        Raises StepRefused listing the names without a value.
        """
        missing = sorted(self.names - params.keys())
        if missing:
            known = ", ".join(f"'{name}'" for name in sorted(params)) or "none"
            unbound = ", ".join(f":{name}" for name in missing)
            raise StepRefused(
                f"The statement names {unbound} without a value. Known parameters: {known}. "
                "Add it to the params, or quote the text if it is not a parameter."
            )
        return {name: params[name] for name in self.names}

    def rendered(
        self, place: Callable[[int], str], escape: Callable[[str], str] = str
    ) -> tuple[tuple[str, ...], str]:
        """The names in order of appearance, and the text with `place(n)`, from 1, for each.

        `escape` treats the text between them, for drivers that give a character a meaning.
        """
        names, parts, position = [], [], 0
        for number, (start, end) in enumerate(self._binds, 1):
            parts += [escape(self.text[position:start]), place(number)]
            names.append(self.text[start + 1 : end])
            position = end
        return tuple(names), "".join((*parts, escape(self.text[position:])))


@lru_cache(maxsize=256)
def parse(sql: str) -> Statement:
    """Read one statement. Raises StepRefused when there is none, or more than one."""
    binds: list[tuple[int, int]] = []
    names: set[str] = set()
    end = len(sql)
    for token in _tokens(sql):
        if token["bind"]:
            binds.append(token.span("bind"))
            names.add(token["name"])
        elif token["end"] and not _HAS_BODY.match(sql):
            end = token.start()
            _refuse_a_second(sql, token.end())
            break
    text = sql[:end].rstrip()
    if not _without_comments(text):
        raise StepRefused("There is no SQL statement: the query is empty.")
    return Statement(text, frozenset(names), tuple(binds))


def inlined(sql: str, values: Sequence[str]) -> str:
    """The text with `values`, which are SQL themselves, for `$1`, `$2` and so on."""
    parts, position = [], 0
    for token in _tokens(sql):
        if token["place"]:
            parts += [sql[position : token.start()], values[int(token["number"]) - 1]]
            position = token.end()
    return "".join((*parts, sql[position:]))


def _tokens(sql: str) -> Iterator[re.Match[str]]:
    position = 0
    while token := _TOKEN.search(sql, position):
        position = _comment_end(sql, token.end()) if token["block"] else token.end()
        yield token


def _comment_end(sql: str, position: int) -> int:
    """Where the block comment ends whose body begins at `position`; they nest."""
    depth = 1
    for edge in _COMMENT_EDGE.finditer(sql, position):
        depth += 1 if edge[0] == "/*" else -1
        if depth == 0:
            return edge.end()
    return len(sql)


def _refuse_a_second(sql: str, position: int) -> None:
    if _without_comments(sql[position:]).strip(";"):
        raise StepRefused(
            "More than one SQL statement: text follows a ';'. Give each statement a step of its "
            "own, or run them in one transaction from a python step."
        )


def _without_comments(sql: str) -> str:
    """The text that the database would act on, without any white space."""
    position, kept = 0, []
    for token in _tokens(sql):
        if token["line"] or token["block"]:
            kept.append(sql[position : token.start()])
            position = _comment_end(sql, token.end()) if token["block"] else token.end()
    return _SPACE.sub("", "".join((*kept, sql[position:])))
