"""Problems in plain language: never a value that could be secret."""

import re
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

from pydantic_core import ErrorDetails

SECRET_WORDS = ("password", "secret", "token", "credential", "authorization", "api_key", "apikey")

_EXPECTED = {
    "missing": "this field is required",
    "string_type": "expected text in quotes",
    "int_type": "expected a whole number",
    "int_parsing": "expected a whole number",
    "int_from_float": "expected a whole number",
    "float_type": "expected a number",
    "float_parsing": "expected a number",
    "finite_number": "expected a number that is not inf or nan",
    "bool_type": "expected true or false",
    "bool_parsing": "expected true or false",
    "tuple_type": "expected a list […]",
    "list_type": "expected a list […]",
    "set_type": "expected a list […]",
    "frozen_set_type": "expected a list […]",
    "dict_type": "expected a table {{…}}",
    "mapping_type": "expected a table {{…}}",
    "model_type": "expected a table {{…}}",
    "model_attributes_type": "expected a table {{…}}",
    "none_required": "expected this field to be absent",
    "greater_than": "expected more than {gt}",
    "greater_than_equal": "expected at least {ge}",
    "less_than": "expected less than {lt}",
    "less_than_equal": "expected at most {le}",
    "string_too_short": "expected at least {min_length} character(s)",
    "string_too_long": "expected at most {max_length} characters",
    "too_short": "expected at least {min_length} item(s)",
    "too_long": "expected at most {max_length} items",
}

_DESCRIBED = {
    "missing": "this field is required: expected",
    "string_pattern_mismatch": "expected",
}

_KINDS = (
    (bool, "true or false"),
    (str, "text"),
    (int | float, "a number"),
    (list | tuple, "a list"),
    (dict, "a table"),
)


def in_words(error: ErrorDetails, description: str | None = None) -> str:
    """What was expected instead of what pydantic refused; `description` is the field's own."""
    kind, context = error["type"], error.get("ctx", {})
    field = str(error["loc"][-1]) if error["loc"] else ""
    if description and kind in _DESCRIBED:
        return f"{_DESCRIBED[kind]} {_inside_a_sentence(description)}"
    if kind in _EXPECTED:
        return _EXPECTED[kind].format(**context) + _found(kind, error["input"])
    if kind == "literal_error":
        found = "" if is_secret(field) else suggestion(error["input"], _choices(context))
        return f"expected {context['expected']}{found}"
    if is_secret(field):
        return "this value does not fit here"
    if kind == "value_error":
        return str(context["error"])
    return error["msg"][:1].lower() + error["msg"][1:]


def unknown_key(key: str, known: Iterable[str]) -> str:
    """For a key that nobody reads."""
    names = sorted(known)
    guess = suggestion(key, names)
    return f"unknown key '{key}'{guess or '; expected one of: ' + ', '.join(names)}"


def unknown_name(what: str, name: str, known: Iterable[str]) -> str:
    """For a name that refers to nothing: the ones that exist are listed."""
    names = sorted(known)
    there = f"there are: {', '.join(names)}" if names else "there is none"
    return f"unknown {what} '{name}' ({there}){suggestion(name, names)}"


def suggestion(name: object, known: Iterable[str]) -> str:
    """`; did you mean '…'?` when one of the known names is close, else nothing."""
    close = get_close_matches(name, list(known), n=1) if isinstance(name, str) else []
    return f"; did you mean '{close[0]}'?" if close else ""


def sentence(words: str) -> str:
    """The same as a whole sentence, for an error that stands alone."""
    return f"{words[:1].upper()}{words[1:]}."


def is_secret(field: str) -> bool:
    """Whether a field of that name may hold something that nobody should read."""
    return any(word in field.lower() for word in SECRET_WORDS)


def kind_of(value: Any) -> str:
    """What a TOML value is, for people."""
    return next((word for kind, word in _KINDS if isinstance(value, kind)), "a date or time")


def _inside_a_sentence(text: str) -> str:
    first = text[:1] if text[1:2].isupper() else text[:1].lower()
    return f"{first}{text[1:].rstrip('.')}"


def _found(kind: str, value: object) -> str:
    return f", found {kind_of(value)}" if kind.endswith(("_type", "_parsing", "_float")) else ""


def _choices(context: dict[str, Any]) -> list[str]:
    return re.findall(r"'([^']*)'", str(context["expected"]))
