"""What one client is told, in which order, and what waits for a slow one."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from nomaflow.domain.job import JobId
from nomaflow.domain.run import LogLine, Progress, Run, RunId, StepRun
from nomaflow.domain.states import RunState, StepState
from nomaflow.errors import NotFound
from nomaflow.live.subscriber import BYTES_PER_BATCH, LINES_PER_READ, Subscriber

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
RUN = Run(
    id=RunId(7), job_id=JobId("nightly"), state=RunState.RUNNING, reason=None,
    triggered_by="cron", trigger_id=None, scheduled_at=None, created_at=NOON, started_at=NOON,
    finished_at=None, not_before=None, attempt=1, owner=None, options=None, params={},
    revision_id=None, cancel_requested_at=None, cancel_requested_by=None,
)  # fmt: skip
ENDED = replace(RUN, state=RunState.SUCCEEDED, finished_at=NOON)
STEP = StepRun(RUN.id, 0, "copy", "sql_copy", StepState.RUNNING)


class Client:
    """Takes what is sent while its gate is open; `store` is the run's log."""

    def __init__(self) -> None:
        self.told: list[tuple[str, Any]] = []
        self.store: list[LogLine] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self._more = asyncio.Condition()

    async def send(self, event: str, told: Any) -> None:
        async with self._more:
            self.told.append((event, told))
            self._more.notify_all()
        await self.gate.wait()

    async def read(self, run_id: RunId, after: int, limit: int) -> list[LogLine]:
        if run_id != RUN.id:
            raise NotFound("gone")
        return self.store[after : after + limit]

    def log(self, *messages: str) -> None:
        first = len(self.store) + 1
        self.store += [
            LogLine(NOON, "INFO", message, seq=seq) for seq, message in enumerate(messages, first)
        ]

    async def was_told(self, event: str, times: int = 1) -> list[Any]:
        async with asyncio.timeout(10), self._more:
            await self._more.wait_for(lambda: len(self.of(event)) >= times)
        return self.of(event)

    def of(self, event: str) -> list[Any]:
        return [told for name, told in self.told if name == event]

    def lines(self) -> list[int]:
        return [line["seq"] for batch in self.of("run.log") for line in batch["lines"]]


@pytest.fixture
async def client() -> Client:
    return Client()


@pytest.fixture
async def subscriber(client: Client) -> AsyncIterator[Subscriber]:
    subscriber = Subscriber(client.send, client.read)
    yield subscriber
    await subscriber.stop()


async def test_a_step_that_ends_while_its_begin_is_told_is_told_before_the_run(
    client: Client, subscriber: Subscriber
) -> None:
    client.gate.clear()
    subscriber.follow_run(RUN, after=0)
    subscriber.step_changed(RUN.job_id, STEP)
    await client.was_told("run.changed")
    client.gate.set()
    client.gate.clear()
    await client.was_told("step.changed")
    subscriber.step_changed(RUN.job_id, replace(STEP, state=StepState.SUCCEEDED))
    subscriber.run_changed(ENDED)
    client.gate.set()

    await client.was_told("run.changed", times=2)
    assert [told["state"] for event, told in client.told[1:]] == [
        *("RUNNING", "SUCCEEDED", "SUCCEEDED")
    ]


async def test_the_end_of_a_run_is_told_after_its_last_line(
    client: Client, subscriber: Subscriber
) -> None:
    client.log(*map(str, range(2 * LINES_PER_READ + 10)))
    subscriber.follow_run(ENDED, after=0)
    await client.was_told("run.changed")

    assert client.lines() == list(range(1, 2 * LINES_PER_READ + 11))
    assert client.told[-1][0] == "run.changed"
    assert len(client.of("run.changed")) == 1


async def test_a_slow_client_is_told_the_latest_state_of_each_thing_and_every_line(
    client: Client, subscriber: Subscriber
) -> None:
    subscriber.follow_run(RUN, after=0)
    client.gate.clear()
    await client.was_told("run.changed")
    for done in range(1, 1001):
        client.log(f"row {done}")
        subscriber.lines_logged(RUN.id)
        subscriber.step_progressed(RUN.id, "copy", Progress(done, 1000))
    subscriber.step_changed(RUN.job_id, STEP)
    subscriber.step_changed(RUN.job_id, replace(STEP, state=StepState.SUCCEEDED))
    subscriber.run_changed(ENDED)
    client.gate.set()
    await client.was_told("run.changed", times=2)

    assert [told["done"] for told in client.of("step.progress")] == [1000]
    assert [told["state"] for told in client.of("step.changed")] == ["SUCCEEDED"]
    assert client.lines() == list(range(1, 1001))


async def test_a_client_that_asks_again_while_it_is_told_gets_what_it_asked_for(
    client: Client, subscriber: Subscriber
) -> None:
    client.log(*["x" * BYTES_PER_BATCH] * 4)
    client.gate.clear()
    subscriber.follow_run(RUN, after=0)
    subscriber.follow_run(ENDED, after=3)
    client.gate.set()
    await client.was_told("run.changed")

    assert client.lines() == [4]


async def test_long_lines_go_in_packets_of_their_own(
    client: Client, subscriber: Subscriber
) -> None:
    client.log("a", "b" * BYTES_PER_BATCH, "c", "d" * BYTES_PER_BATCH)
    subscriber.follow_run(ENDED, after=0)
    await client.was_told("run.changed")

    sizes = [[line["seq"] for line in batch["lines"]] for batch in client.of("run.log")]
    assert sizes == [[1], [2], [3], [4]]


async def test_only_what_was_asked_for_is_told(client: Client, subscriber: Subscriber) -> None:
    other = replace(RUN, id=RunId(8), job_id=JobId("hourly"))
    subscriber.follow_job(JobId("nightly"))
    for run in (other, RUN):
        subscriber.run_changed(run)
        subscriber.lines_logged(run.id)
        subscriber.step_progressed(run.id, "copy", Progress(1))
    subscriber.catalogue_changed()
    await client.was_told("run.changed")
    subscriber.leave_job(JobId("nightly"))
    subscriber.follow_catalogue()
    subscriber.run_changed(other)
    subscriber.catalogue_changed()
    await client.was_told("catalogue.changed")

    assert [told["run_id"] for told in client.of("run.changed")] == [7, 8]
    assert {name for name, _ in client.told} == {"run.changed", "catalogue.changed"}


async def test_a_run_that_was_deleted_is_not_followed_any_more(
    client: Client, subscriber: Subscriber
) -> None:
    gone = replace(RUN, id=RunId(9))
    subscriber.follow_run(gone, after=0)
    await client.was_told("run.changed")
    await asyncio.sleep(0)
    subscriber.step_progressed(gone.id, "copy", Progress(1))
    subscriber.follow_run(ENDED, after=0)
    await client.was_told("run.changed", times=2)

    assert client.of("step.progress") == []
