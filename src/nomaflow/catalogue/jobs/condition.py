"""Conditions: the `when` of a step, in the Common Expression Language (CEL); never `eval`."""

import re
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from nomaflow.catalogue.toml.words import suggestion
from nomaflow.errors import StepRefused

if TYPE_CHECKING:
    from cel import Program

NAMES: Final = ("params", "steps")
_TYPES: Final = {"bool", "bytes", "double", "int", "list", "map", "string", "uint"}
_FUNCTIONS: Final = {
    *("bytes", "contains", "double", "duration", "dyn", "endsWith", "int", "matches", "size"),
    *("startsWith", "string", "timestamp", "type", "uint"),
    *("getDate", "getDayOfMonth", "getDayOfWeek", "getDayOfYear", "getFullYear", "getHours"),
    *("getMilliseconds", "getMinutes", "getMonth", "getSeconds"),
}
_BOUND: Final = re.compile(r"\.\s*(?:all|exists|exists_one|filter|map)\s*\(\s*(\w+)\s*,")
_STEP: Final = re.compile(r"""\bsteps\s*(?:\[\s*(?:"([^"]*)"|'([^']*)')\s*\]|\.\s*(\w+))""")
_SYNTAX: Final = re.compile(r"ERROR: <input>:(\d+):(\d+): (?:Syntax error: )?([^\n]*)")
_PLAIN: Final = (type(None), bool, int, float, str, bytes, datetime, timedelta)


def mistakes(text: str, earlier: Collection[str]) -> Iterator[str]:
    """What is wrong with a condition before anything runs; `earlier` names the steps before it."""
    try:
        names = _compiled(text).references()
    except ValueError as error:
        yield _syntax_mistake(str(error))
        return
    bound = set(_BOUND.findall(text))
    for name in names["variables"]:
        if name not in bound | _TYPES | set(NAMES):
            yield f"unknown name '{name}': a condition sees params and steps{_guess(name, NAMES)}"
    for name in names["functions"]:
        if name.isidentifier() and name not in _FUNCTIONS:
            yield f"unknown function '{name}'{_guess(name, _FUNCTIONS)}"
    for match in _STEP.finditer(text):
        name = next(group for group in match.groups() if group is not None)
        if name not in earlier:
            there = ", ".join(earlier) or "none, this is the first step"
            yield f"'{match[0]}' names no earlier step; earlier steps: {there}"


def holds(text: str, params: Mapping[str, Any], steps: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether the condition is true; `steps` gives `output` and `state` of each earlier step.

    Raises StepRefused when it has no answer, or one that is not true or false.
    """
    try:
        answer = _compiled(text).execute({"params": _plain(params), "steps": _plain(steps)})
    except LookupError as error:
        missing = str(error).strip("'\"")
        raise StepRefused(
            f"The condition `{text}` has no answer: there is no '{missing}'. Write has(…) to ask "
            "whether a field is there."
        ) from None
    except (ArithmeticError, RuntimeError, TypeError, ValueError) as error:
        raise StepRefused(f"The condition `{text}` has no answer: {error}") from None
    if not isinstance(answer, bool):
        kind = type(answer).__name__
        raise StepRefused(f"The condition `{text}` gave a value of type {kind}, not true or false.")
    return answer


@lru_cache(maxsize=512)
def _compiled(text: str) -> "Program":
    import cel

    return cel.compile(text)


def _syntax_mistake(message: str) -> str:
    found = _SYNTAX.search(message)
    if found is None:
        return 'this is no condition in CEL, such as steps["count"].output.rows_affected > 0'
    what = found[3].partition(" expecting ")[0].replace("'<EOF>'", "end of the text")
    where = f"character {found[2]}" if found[1] == "1" else f"line {found[1]}, character {found[2]}"
    return f"this is no condition in CEL: {what} at {where}"


def _guess(name: str, known: Collection[str]) -> str:
    return suggestion(name, sorted(known))


def _plain(value: Any) -> Any:
    """The value in the types that CEL knows; anything else as its text."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value if isinstance(value, _PLAIN) else str(value)
