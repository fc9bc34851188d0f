"""What a job declares of its parameters: type, bounds, choices. Pure."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from functools import cache
from math import isfinite
from typing import Annotated, Any, Final, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, StringConstraints, TypeAdapter, ValidationError
from pydantic_core import SchemaError

from nomaflow.domain.definition import Documented

ItemType = Literal["string", "integer", "number", "boolean", "date", "datetime"]
ParameterType = Literal[ItemType, "choice", "list", "object"]
Scalar = bool | int | float | str
Bound = int | float | datetime | date

_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d")
_SWITCH: Final = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
_MEASURED: Final = frozenset({"string", "list"})
_ORDERED: Final = frozenset({"integer", "number", "date", "datetime"})


class UnfitValue(ValueError):
    """The value does not fit; the message says what was expected, and not what was found."""


class Choice(Documented):
    """One of the values to choose from."""

    value: Scalar
    """What the run gets."""

    label: str | None = None
    """What people read; absent: the value."""


class ChoicesQuery(Documented):
    """Values to choose from that a database knows."""

    connector: str
    """The SQL connector to ask."""

    query: Annotated[str, Field(min_length=1)]
    """Its first column is the value, its second, if there is one, the label."""


class Parameter(Documented):
    """What a value for a parameter must be, and how a form asks for it."""

    type: ParameterType = "string"
    """`string`, `integer`, `number`, `boolean`, `date`, `datetime`, `choice`, `list` or
    `object`, a table."""

    label: str | None = None
    """What a form writes beside the field; absent: the parameter's name."""

    description: str | None = None
    """What it is for, in a sentence."""

    required: bool = False
    """Whether a run needs a value; one that needs none and gets none is null."""

    secret: bool = False
    """Whether nobody may read the value: sealed at rest, `***` wherever it would be shown."""

    choices: Annotated[tuple[Scalar | Choice, ...], Field(min_length=1)] | ChoicesQuery | None = (
        None
    )
    """The values to choose from, `{ value, label }` where they need words; or
    `{ connector, query }`, whose rows are offered and not enforced."""

    items: ItemType = "string"
    """The type of a list's items."""

    min: Bound | None = None
    """The smallest value; of a text or a list the smallest length."""

    max: Bound | None = None
    """The greatest value; of a text or a list the greatest length."""

    pattern: str | None = None
    """A regular expression that a text fits as a whole."""

    @property
    def literal_choices(self) -> tuple[Choice, ...] | None:
        """The declared choices; None when there are none, or a query gives them."""
        if self.choices is None or isinstance(self.choices, ChoicesQuery):
            return None
        return tuple(c if isinstance(c, Choice) else Choice(value=c) for c in self.choices)

    def read(self, value: Any, zone: ZoneInfo | None = None) -> Any:
        """The value in its declared type. Raises UnfitValue.

        A day or an instant may come as ISO text; an instant without offset is local in `zone`.
        """
        typed = self._typed(value)
        self._check_bounds(typed)
        self._check_pattern(typed)
        for item in typed if self.type == "list" else (typed,):
            self._check_choice(item)
        return typed if zone is None else _localized(typed, zone)

    def from_text(self, text: str) -> Any:
        """What a person means who types `text`; what cannot be meant so stays text."""
        if self.type == "list":
            return _list_from_text(text, self.items)
        if self.type == "choice":
            known = (choice.value for choice in self.literal_choices or ())
            return next((value for value in known if _as_text(value) == text), text)
        return _FROM_TEXT.get(self.type, str)(text)

    def mistakes(self) -> Iterator[tuple[tuple[str | int, ...], str]]:
        """What of the declaration does not go together: the field, and what was expected."""
        yield from self._misplaced()
        yield from self._bad_bounds()
        yield from self._bad_choices()
        if self.pattern is not None and self.type == "string":
            try:
                _matcher(self.pattern)
            except SchemaError:
                yield ("pattern",), "expected a regular expression (without look-around)"

    def _typed(self, value: Any) -> Any:
        if self.type == "list":
            if not isinstance(value, list | tuple):
                raise UnfitValue("expected a list")
            return [_READERS[self.items](item) for item in value]
        return _READERS[self.type](value)

    def _check_bounds(self, value: Any) -> None:
        if self.type in _MEASURED:
            unit = "characters" if self.type == "string" else "items"
            _check_between(len(value), self.min, self.max, f" {unit}")
        elif self.type in _ORDERED:
            _check_between(value, self.min, self.max)

    def _check_pattern(self, value: Any) -> None:
        if self.pattern is None or self.type != "string":
            return
        try:
            _matcher(self.pattern).validate_python(value)
        except ValidationError:
            raise UnfitValue(f"expected a text that fits the pattern {self.pattern}") from None

    def _check_choice(self, value: Any) -> None:
        choices = self.literal_choices
        if choices is None or any(_is_same(value, self._choice(c)) for c in choices):
            return
        raise UnfitValue(f"expected one of: {', '.join(_as_text(c.value) for c in choices)}")

    def _choice(self, choice: Choice) -> Any:
        return _READERS[self.items if self.type == "list" else self.type](choice.value)

    def _misplaced(self) -> Iterator[tuple[tuple[str | int, ...], str]]:
        if self.type == "choice" and self.choices is None:
            yield ("choices",), "a choice needs them: expected a list, or { connector, query }"
        if self.type in {"boolean", "object"} and self.choices is not None:
            yield ("choices",), f"type {self.type} has none: expected it to be absent"
        if self.pattern is not None and self.type != "string":
            yield ("pattern",), "only a text has one: expected type = 'string'"
        if self.secret and self.type != "string":
            yield ("secret",), "only a text can be secret: expected type = 'string'"
        if self.secret and self.choices is not None:
            yield ("choices",), "a secret is not chosen from a list: expected it to be absent"
        if "items" in self.model_fields_set and self.type != "list":
            yield ("items",), "only a list has items: expected type = 'list'"

    def _bad_bounds(self) -> Iterator[tuple[tuple[str | int, ...], str]]:
        bounds = {name: getattr(self, name) for name in ("min", "max")}
        given = {name: bound for name, bound in bounds.items() if bound is not None}
        wrong = [name for name, bound in given.items() if not self._is_bound(bound)]
        for name in wrong:
            yield (name,), self._bound_expected()
        if not wrong and len(given) == 2:
            try:
                _check_between(given["max"], given["min"], None)
            except UnfitValue as error:
                yield ("max",), str(error)

    def _is_bound(self, bound: Any) -> bool:
        if self.type in _MEASURED:
            return isinstance(bound, int) and bound >= 0
        return self.type in _ORDERED and _fits(_READERS[self.type], bound)

    def _bound_expected(self) -> str:
        if self.type in _MEASURED:
            return f"expected a length: a whole number, because the type is {self.type}"
        if self.type in _ORDERED:
            return f"expected a value of type {self.type}"
        return f"type {self.type} has no bounds: expected it to be absent"

    def _bad_choices(self) -> Iterator[tuple[tuple[str | int, ...], str]]:
        reader = _READERS[self.items if self.type == "list" else self.type]
        for number, choice in enumerate(self.literal_choices or ()):
            if not _fits(reader, choice.value):
                yield ("choices", number), f"expected a value of type {self.type}"


def as_json(value: Any) -> Any:
    """A typed value as JSON holds it: days and instants in ISO 8601."""
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {key: as_json(item) for key, item in value.items()}
    return [as_json(item) for item in value] if isinstance(value, list | tuple) else value


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise UnfitValue("expected text")
    return value


def _integer(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise UnfitValue("expected a whole number")
    return value


def _number(value: Any) -> int | float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not isfinite(value):
        raise UnfitValue("expected a number")
    return value


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise UnfitValue("expected true or false")
    return value


def _date(value: Any) -> date:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if not isinstance(value, str) or not _DATE.fullmatch(value):
        raise UnfitValue("expected a date such as 2026-01-31")
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise UnfitValue("expected a date that exists") from None


def _datetime(value: Any) -> datetime:
    if isinstance(value, datetime):
        return value
    if isinstance(value, str) and _DATE.match(value) and len(value) > 10:
        try:
            return datetime.fromisoformat(value)
        except ValueError:
            pass
    raise UnfitValue("expected an instant such as 2026-01-31T02:00:00+01:00")


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise UnfitValue("expected a table")
    return dict(value)


def _scalar(value: Any) -> Scalar:
    if not isinstance(value, Scalar):
        raise UnfitValue("expected one value: a text, a number, true or false")
    return value


_READERS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "string": _string,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "date": _date,
    "datetime": _datetime,
    "choice": _scalar,
    "object": _object,
}


def _integer_from_text(text: str) -> Any:
    return int(text) if re.fullmatch(r"[+-]?[0-9]{1,4000}", text.strip()) else text


def _number_from_text(text: str) -> Any:
    try:
        return float(text) if re.search(r"[.eE]", text) else _integer_from_text(text)
    except ValueError:
        return text


def _switch_from_text(text: str) -> Any:
    return _SWITCH.get(text.strip().lower(), text)


def _json_from_text(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


_FROM_TEXT: Final[Mapping[str, Callable[[str], Any]]] = {
    "integer": _integer_from_text,
    "number": _number_from_text,
    "boolean": _switch_from_text,
    "object": _json_from_text,
}


def _list_from_text(text: str, items: ItemType) -> Any:
    """A JSON list, or its items between commas."""
    if text.lstrip().startswith("["):
        return _json_from_text(text)
    parts = (part.strip() for part in text.split(","))
    return [_FROM_TEXT.get(items, str)(part) for part in parts] if text.strip() else []


def _fits(reader: Callable[[Any], Any], value: Any) -> bool:
    try:
        reader(value)
    except UnfitValue:
        return False
    return True


def _check_between(value: Any, least: Any, most: Any, unit: str = "") -> None:
    try:
        if least is not None and value < least:
            raise UnfitValue(f"expected at least {_as_text(least)}{unit}")
        if most is not None and value > most:
            raise UnfitValue(f"expected at most {_as_text(most)}{unit}")
    except TypeError:
        raise UnfitValue("expected an offset from UTC like its bounds', or none as they") from None


def _localized(value: Any, zone: ZoneInfo) -> Any:
    if isinstance(value, list):
        return [_localized(item, zone) for item in value]
    if isinstance(value, datetime) and value.tzinfo is None:
        return value.replace(tzinfo=zone)
    return value


def _is_same(one: Any, other: Any) -> bool:
    """Equal, and neither a switch for a number: True is not 1."""
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


def _as_text(value: Any) -> str:
    plain = as_json(value)
    return plain if isinstance(plain, str) else json.dumps(plain)


@cache
def _matcher(pattern: str) -> TypeAdapter[str]:
    """By an engine whose time is linear in the text, whatever the pattern. Raises SchemaError."""
    return TypeAdapter(Annotated[str, StringConstraints(pattern=rf"\A(?:{pattern})\z")])
