"""A prune may remove so much and no more."""

import pytest

from nomaflow.errors import StepFailed
from nomaflow.mirroring.guard import Guard


@pytest.mark.parametrize(
    ("pruned", "seen", "before"),
    [
        (0, 0, 0),
        (0, 100, 0),
        (20, 80, 100),
        (20, 80, None),
        (2, 98, 10_000),
    ],
)
def test_a_prune_within_its_limits_passes(pruned: int, seen: int, before: int | None) -> None:
    Guard().check(pruned, seen, before)


@pytest.mark.parametrize(
    ("pruned", "seen", "before", "said"),
    [
        (21, 79, 100, r"21 of 100 rows \(21\.0 %\)"),
        (30, 70, None, r"30 of 100 rows \(30\.0 %\)"),
        (30, 170, 100, r"30 of 100 rows \(30\.0 %\)"),
        (30, 70, 10_000, r"30 of 100 rows \(30\.0 %\)"),
        (5, 0, 5, r"5 of 5 rows \(100\.0 %\)"),
    ],
)
def test_neither_new_rows_nor_rows_of_others_make_the_limit_wider(
    pruned: int, seen: int, before: int | None, said: str
) -> None:
    with pytest.raises(StepFailed, match=said):
        Guard().check(pruned, seen, before)


def test_the_limit_in_rows_counts_as_well() -> None:
    Guard(most_rows=3).check(3, 97, 100)
    with pytest.raises(StepFailed, match="more than prune_max_rows = 3 allows"):
        Guard(most_rows=3).check(4, 96, 100)
    with pytest.raises(StepFailed, match="more than prune_max_rows = 0 allows"):
        Guard(most_rows=0).check(1, 99, 100)
