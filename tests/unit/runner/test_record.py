"""The pen of a claim: lines go with whatever is written first."""

import asyncio
from datetime import UTC, datetime
from typing import Any

from nomaflow.domain.run import Fence, LogLine, RunId
from nomaflow.domain.states import RunState
from nomaflow.events.bus import Bus
from nomaflow.history.changes import Change, LinesAdded, RunEnded
from nomaflow.runner.record import RunWriter

AT = datetime(2026, 1, 1, tzinfo=UTC)


class EndingHistory:
    """Refuses whatever comes after the run's end; each write takes some turns of the loop."""

    def __init__(self) -> None:
        self.stored: list[LogLine] = []
        self.has_ended = False

    async def write(self, fence: Fence, *changes: Change) -> bool:
        if self.has_ended:
            return False
        self.has_ended = any(isinstance(change, RunEnded) for change in changes)
        for _ in range(10):
            await asyncio.sleep(0)
        for change in changes:
            if isinstance(change, LinesAdded):
                self.stored += change.lines
        return True


async def test_a_line_that_goes_with_the_end_of_the_run_is_not_missed_by_the_flush() -> None:
    history: Any = EndingHistory()
    lost: list[bool] = []
    writer = RunWriter(history, Bus(), str, most_log_bytes=10**6)
    record = writer.record(Fence(RunId(1), 1), lambda: lost.append(True))
    record.add(LogLine(AT, "INFO", "done"))

    ended, _ = await asyncio.gather(
        record.write(RunEnded(RunState.SUCCEEDED, None, AT)), writer.flush()
    )

    assert ended
    assert [line.message for line in history.stored] == ["done"]
    assert not lost


async def test_characters_that_no_store_takes_are_replaced() -> None:
    history: Any = EndingHistory()
    writer = RunWriter(history, Bus(), str, most_log_bytes=10**6)
    writer.record(Fence(RunId(1), 1), lambda: None).add(LogLine(AT, "INFO", "a\0b\ud800c"))

    await writer.flush()

    assert [line.message for line in history.stored] == ["a?b?c"]
