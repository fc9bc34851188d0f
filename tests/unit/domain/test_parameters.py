"""Declared parameters: which values fit, and what people mean who type them."""

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from nomaflow.domain.parameters import Parameter, UnfitValue

PARIS = ZoneInfo("Europe/Paris")
CHOICE: dict[str, Any] = {"type": "choice", "choices": ("EU", 7, {"value": 8, "label": "eight"})}

TYPED = [
    ({}, "007", "007"),
    ({"type": "integer"}, "+12", 12),
    ({"type": "integer", "min": 1, "max": 12}, "12", 12),
    ({"type": "number"}, "1e3", 1000.0),
    ({"type": "number"}, "5", 5),
    ({"type": "boolean"}, "Yes", True),
    ({"type": "boolean"}, "off", False),
    ({"type": "date"}, "2024-02-29", date(2024, 2, 29)),
    ({"type": "datetime"}, "2026-01-31T02:00", datetime(2026, 1, 31, 2, tzinfo=PARIS)),
    ({"type": "datetime"}, "2026-01-31 02:00Z", datetime(2026, 1, 31, 2, tzinfo=UTC)),
    (CHOICE, "EU", "EU"),
    (CHOICE, "7", 7),
    (CHOICE, "8", 8),
    ({"type": "list"}, "a, b", ["a", "b"]),
    ({"type": "list"}, "", []),
    ({"type": "list", "items": "integer"}, "[1, 2]", [1, 2]),
    ({"type": "list", "items": "date"}, "2026-01-01", [date(2026, 1, 1)]),
    ({"type": "list", "choices": ("a", "b")}, "b,a", ["b", "a"]),
    ({"type": "object"}, '{"a": 1}', {"a": 1}),
    ({"pattern": "[A-Z]{2}"}, "EU", "EU"),
]
UNFIT = [
    ({}, 7, "expected text"),
    ({"type": "integer"}, "7", "expected a whole number"),
    ({"type": "integer"}, True, "expected a whole number"),
    ({"type": "integer"}, 7.0, "expected a whole number"),
    ({"type": "number"}, float("nan"), "expected a number"),
    ({"type": "boolean"}, 1, "expected true or false"),
    ({"type": "date"}, "20260131", "expected a date such as"),
    ({"type": "date"}, datetime(2026, 1, 1, tzinfo=UTC), "expected a date such as"),
    ({"type": "datetime"}, "2026-01-31", "expected an instant"),
    ({"type": "datetime"}, "2026-01-31T99:00", "expected an instant"),
    (CHOICE, True, "expected one of: EU, 7, 8"),
    ({"type": "choice", "choices": (1, 2)}, True, "expected one of: 1, 2"),
    ({"type": "list"}, "a", "expected a list"),
    ({"type": "list", "items": "integer"}, [1, "2"], "expected a whole number"),
    ({"type": "list", "choices": ("a", "b")}, ["a", "c"], "expected one of: a, b"),
    ({"type": "object"}, [], "expected a table"),
    ({"pattern": "[A-Z]{2}"}, "EU\n", "fits the pattern"),
    ({"pattern": "a|b"}, "ab", "fits the pattern"),
]


@pytest.mark.parametrize(("declaration", "text", "value"), TYPED)
def test_a_typed_text_means_a_value_of_the_declared_type(
    declaration: dict[str, Any], text: str, value: Any
) -> None:
    declared = Parameter(**declaration)
    found = declared.read(declared.from_text(text), PARIS)
    assert (type(found), found) == (type(value), value)
    assert list(declared.mistakes()) == []


@pytest.mark.parametrize(("declaration", "value", "message"), UNFIT)
def test_a_value_that_does_not_fit_is_refused_and_never_shown(
    declaration: dict[str, Any], value: Any, message: str
) -> None:
    with pytest.raises(UnfitValue, match=message):
        Parameter(**declaration).read(value)


def test_a_text_that_means_nothing_in_the_type_is_judged_as_text() -> None:
    for kind in ("integer", "number", "boolean", "object"):
        declared = Parameter(type=kind)
        with pytest.raises(UnfitValue):
            declared.read(declared.from_text("maybe"))


def test_a_pattern_that_would_take_ages_elsewhere_takes_no_time() -> None:
    with pytest.raises(UnfitValue):
        Parameter(pattern="(a+)+b").read("a" * 50_000)
