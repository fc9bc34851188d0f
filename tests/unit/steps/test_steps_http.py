"""Fields of the `http` step, and what a server may say about another try."""

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from nomaflow.steps.http import HttpSpec, retry_after_seconds

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "120"}, 120),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "Thu, 01 Jan 2026 00:00:30 GMT"}, 30),
        ({"retry-after": "Wed, 31 Dec 2025 00:00:00 GMT"}, 0),
        (
            {
                "retry-after": "Sat, 07 Mar 2026 10:00:45 GMT",
                "date": "Sat, 07 Mar 2026 10:00:00 GMT",
            },
            45,
        ),
    ],
)
def test_retry_after_is_seconds_or_a_date_on_the_server_s_clock(
    headers: dict[str, str], seconds: float | None
) -> None:
    assert retry_after_seconds(headers, NOW) == seconds


@pytest.mark.parametrize(
    "fields",
    [
        {"url": "crm.example.com"},
        {"url": "/orders"},
        {"url": "https://a", "method": "HEAD"},
        {"url": "https://a", "body": {"a": 1}},
        {"url": "https://a", "method": "POST", "body": 3},
        {"url": "https://a", "expect_status": [1000]},
        {"url": "https://a", "expect_status": "404"},
    ],
)
def test_fields_that_do_not_fit_are_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        HttpSpec.model_validate(fields)


def test_one_status_may_stand_without_a_list() -> None:
    assert HttpSpec.model_validate({"url": "https://a", "expect_status": 404}).expect_status == (
        404,
    )
