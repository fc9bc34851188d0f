"""Values of a captured first row, as JSON holds them."""

import json
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from nomaflow.steps.sql_query import json_safe

A_UUID = UUID(int=1)


@pytest.mark.parametrize(
    ("value", "safe"),
    [
        (None, None),
        (True, True),
        (2**70, 2**70),
        (0.1, 0.1),
        (float("inf"), "inf"),
        (Decimal("1.10"), "1.10"),
        (b"\x00\xff", "00ff"),
        (memoryview(b"\x01"), "01"),
        (datetime(2026, 1, 2, 3, tzinfo=UTC), "2026-01-02T03:00:00+00:00"),
        (date(2026, 1, 2), "2026-01-02"),
        (time(3, 4), "03:04:00"),
        (A_UUID, str(A_UUID)),
        ({"a": [1, A_UUID]}, {"a": [1, str(A_UUID)]}),
        ("x" * 5000, "x" * 4096),
        (b"x" * 5000, "78" * 2048),
    ],
)
def test_a_value_is_kept_without_loss_or_cut(value: Any, safe: Any) -> None:
    assert json_safe(value) == safe
    assert json.dumps(safe)
