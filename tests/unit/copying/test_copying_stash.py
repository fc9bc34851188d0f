"""Every row that was read must be in the stash before anything of the target changes."""

from collections.abc import Sequence
from typing import Any, cast

import pytest

from nomaflow.connectors.copies import Moved, Target
from nomaflow.copying.stash import Stash
from nomaflow.errors import StepFailed


class Holding:
    """A server that lost rows without a word, which a real one cannot be made to do."""

    def __init__(self, rows: int) -> None:
        self.rows = rows
        self.questions = 0

    def row(self, _: str, __: Sequence[Any] = ()) -> tuple[int]:
        self.questions += 1
        return (self.rows,)


def stash(server: Holding, moved: Moved) -> Stash:
    return Stash("stash", cast("Target", server), moved.read)


@pytest.mark.parametrize(
    ("moved", "stored"),
    [
        (Moved(3, 2, 0), 3),
        (Moved(2, 3, 0), 3),
        (Moved(3, 3, 0), 2),
        (Moved(3, 2, 0, counted=True), 3),
        (Moved(2, 3, 0, counted=True), 3),
    ],
)
def test_a_lost_row_fails_the_copy(moved: Moved, stored: int) -> None:
    with pytest.raises(StepFailed, match="Rows were lost"):
        stash(Holding(stored), moved).verify(moved)


def test_what_the_server_counted_is_not_counted_once_more() -> None:
    server = Holding(3)
    for moved in (Moved(3, 3, 0), Moved(3, 3, 0, counted=True)):
        stash(server, moved).verify(moved)
    assert server.questions == 1
