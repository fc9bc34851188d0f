"""Tokens become values when they are used."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest

from nomaflow.catalogue.values.substitution import Scope, merge_params, resolve
from nomaflow.errors import StepRefused

VARIABLES = {"HOST": "db", "EMPTY": ""}
SCOPE = Scope(
    env=VARIABLES.get,
    params={"n": 5, "flag": True, "rows": [1, {"a": None}], "text": "x", "day": date(2026, 3, 29)},
    outputs={
        "copy-orders": {"target_rows": 7, "parts": [{"name": "p0"}]},
        "copy": {"orders": "short"},
        "v1.2": {"x": 1},
    },
    facts={"run_id": 12, "scheduled_at": None},
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("plain", "plain"),
        ("${env:HOST}", "db"),
        ("${env:NONE:-5432}", "5432"),
        ("${env:EMPTY:-x}", "x"),
        ("${env:EMPTY}", ""),
        ("${env:NONE:-}", ""),
        ("postgresql://${env:HOST}/erp", "postgresql://db/erp"),
        ("${kw:n}", 5),
        ("${kw:flag}", True),
        ("${kw:rows}", [1, {"a": None}]),
        ("n=${kw:n}, flag=${kw:flag}, ${kw:text}", "n=5, flag=true, x"),
        ("rows: ${kw:rows}", 'rows: [1, {"a": null}]'),
        ("on ${kw:day}", "on 2026-03-29"),
        ("${out:copy-orders.target_rows}", 7),
        ("${out:copy-orders.parts.0.name}", "p0"),
        ("${out:copy.orders}", "short"),
        ("${out:v1.2.x}", 1),
        ("${out:copy}", {"orders": "short"}),
        ("${ctx:run_id}", 12),
        ("$${kw:n}", "${kw:n}"),
        ("costs $5 and $${", "costs $5 and ${"),
        ("$$${kw:n}", "$${kw:n}"),
        ("{}$", "{}$"),
    ],
)
def test_a_text_resolves(text: str, value: Any) -> None:
    assert resolve(text, SCOPE) == value


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("${env:NONE}", r"\$\{env:NONE\} has no value"),
        ("${kw:nope}", r"\$\{kw:nope\} has no value: the parameters here are: day, flag"),
        ("${out:copy-orders.rows}", "the step's output has no 'rows'"),
        ("${out:copy-orders.parts.1.name}", "has no '1'"),
        ("${out:later.rows}", "no earlier step"),
        ("${ctx:scheduled_at}", r"\$\{ctx:scheduled_at\} has no value in this run"),
        ("a ${kw:rows.0}", "has no value"),
        ("${env:NOMAFLOW_MASTER_KEY}", "begin with NOMAFLOW_"),
        ("${region}", "unknown token"),
        ("${kw:n", "not closed"),
        ("${kw: n}", "without blanks"),
    ],
)
def test_a_token_without_a_value_fails_with_its_name(text: str, message: str) -> None:
    with pytest.raises(StepRefused, match=message):
        resolve({"field": [text]}, SCOPE)


def test_null_has_no_place_inside_a_longer_text() -> None:
    scope = Scope(params={"x": None})
    assert resolve("${kw:x}", scope) is None
    with pytest.raises(StepRefused, match="null"):
        resolve("a${kw:x}", scope)


def test_nested_values_resolve_and_keys_stay() -> None:
    value = {"${kw:n}": ["${kw:n}", {"a": "${env:HOST}"}, 3, None]}
    assert resolve(value, SCOPE) == {"${kw:n}": [5, {"a": "db"}, 3, None]}


def test_literal_fields_stay_as_they_are() -> None:
    value = {"query": "${kw:n}", "source": {"query": "${x", "table": "${kw:text}"}}
    resolved = resolve(value, SCOPE, {"query", "source.query"})
    assert resolved == {"query": "${kw:n}", "source": {"query": "${x", "table": "x"}}


def test_what_a_token_brings_in_is_not_looked_into_again() -> None:
    scope = Scope(params={"a": "${env:HOST}"}, env=VARIABLES.get)
    assert resolve("${kw:a}", scope) == "${env:HOST}"


def test_the_value_handed_in_is_not_changed() -> None:
    value = {"a": ["${kw:n}"]}
    resolve(value, SCOPE)
    assert value == {"a": ["${kw:n}"]}


def test_later_layers_win_and_see_only_those_below() -> None:
    layers: list[Mapping[str, Any]] = [
        {"region": "EU", "limit": 10},
        {"path": "/${kw:region}", "limit": "${kw:limit}"},
        {"region": "US", "note": "was ${kw:region}"},
    ]
    assert merge_params(layers, Scope()) == {
        "region": "US",
        "limit": 10,
        "path": "/EU",
        "note": "was EU",
    }


def test_a_layer_does_not_see_itself() -> None:
    with pytest.raises(StepRefused, match=r"\$\{kw:a\}"):
        merge_params([{"b": 1}, {"a": 2, "c": "${kw:a}"}], Scope())
