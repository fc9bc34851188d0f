"""The condition of a step: what is refused at load, and what it answers at run time."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from nomaflow.catalogue.jobs.condition import holds, mistakes
from nomaflow.errors import StepRefused

PARAMS = {"limit": 1000, "share": 0.5, "region": "EU", "since": datetime(2026, 1, 1, tzinfo=UTC)}
STEPS: dict[str, dict[str, Any]] = {
    "count-old": {"output": {"first_row": {"n": 1200}}, "state": "SUCCEEDED"},
    "probe": {"output": {}, "state": "CANCELED"},
}


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ('steps["count-old"].output.first_row.n > params.limit', True),
        ('steps["count-old"].output.first_row.n > 1200', False),
        ("params.limit > 999.5 && params.share < 1", True),
        ('params.region in ["EU", "US"]', True),
        ("has(steps.probe.output.status) && steps.probe.output.status == 200", False),
        ('steps.probe.state == "CANCELED"', True),
        ("[1, 2, 3].exists(n, n > 2)", True),
        ('params.since < timestamp("2026-06-01T00:00:00Z")', True),
        ('has(params.day) ? params.day == "" : true', True),
    ],
)
def test_a_condition_answers_from_parameters_and_outputs(text: str, answer: bool) -> None:
    assert list(mistakes(text, STEPS)) == []
    assert holds(text, PARAMS, STEPS) is answer


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no condition in CEL"),
        ("params.limit >", "end of the text at character 15"),
        ("params.limit >\n > 3", "at line 2, character 2"),
        ("(" * 5000 + "1" + ")" * 5000, "no condition in CEL"),
        ("limit > 3", "unknown name 'limit': a condition sees params and steps"),
        ("__import__('os')", "unknown function '__import__'"),
        ('steps["count"].output.n > 3', "names no earlier step; earlier steps: count-old, probe"),
        ("steps.later.output.n > 3", "'steps.later' names no earlier step"),
        ("params.region.startWith('E')", "did you mean 'startsWith'?"),
        ("${kw:limit} > 3", "no condition in CEL"),
    ],
)
def test_what_cannot_be_a_condition_is_refused_before_anything_runs(
    text: str, message: str
) -> None:
    assert message in "\n".join(mistakes(text, STEPS))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("params.limit", "gave a value of type int, not true or false"),
        ("params.nothing == 1", "there is no 'nothing'. Write has(…)"),
        ("steps.probe.output.status == 200", "there is no 'status'"),
        ("params.limit > 'a'", "has no answer"),
        ("1 / 0 == 1", "division by zero"),
    ],
)
def test_a_condition_without_an_answer_says_why(text: str, message: str) -> None:
    with pytest.raises(StepRefused, match="condition") as refused:
        holds(text, PARAMS, STEPS)
    assert message in str(refused.value)


def test_values_that_the_language_does_not_know_are_texts() -> None:
    assert holds('params.day == "2026-01-02"', {"day": date(2026, 1, 2)}, {})
