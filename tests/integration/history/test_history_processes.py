"""Who lives, who died, and what becomes of the runs of the dead."""

import os
from dataclasses import replace

import pytest
from tests.integration.history.history_builders import Desk, a_plan, by_hand

from nomaflow.domain.run import AttemptRun, ProcessId, Run
from nomaflow.domain.states import RunState, StepState
from nomaflow.history.changes import AttemptBegun, StepsPlanned
from nomaflow.history.logs import LogHistory
from nomaflow.history.processes import Place, ProcessRegistry

HERE = Place("db1", "boot 1", 10)


def registry(
    desk: Desk, place: Place = HERE, *, gone: frozenset[int] = frozenset()
) -> ProcessRegistry:
    return ProcessRegistry(
        desk.database, desk.clock, place=place, is_alive=lambda pid: pid not in gone
    )


async def dead(here: ProcessRegistry, *, in_touch_since: float = 0) -> list[ProcessId]:
    return await here.dead(silent_seconds=30, in_touch_since=in_touch_since)


async def test_a_process_is_dead_when_it_was_silent_too_long(desk: Desk) -> None:
    here = registry(desk)
    silent = await here.register("serve")
    beating = await here.register("serve")
    assert await dead(here) == []
    desk.clock.suspend(20)
    assert await here.heartbeat(beating)
    assert await dead(here) == []
    desk.clock.suspend(20)
    assert await dead(here) == [silent]
    assert await here.living("serve", silent_seconds=30) == [beating]


async def last_words(desk: Desk, run: Run) -> list[str]:
    lines = await LogHistory(desk.database).read(run.id, after=0, limit=10)
    return [line.message for line in lines]


@pytest.mark.parametrize("hours", [-1, 1])
async def test_a_clock_that_is_set_or_wrong_makes_nobody_dead(desk: Desk, hours: int) -> None:
    here = registry(desk)
    other = await here.register("serve")
    assert await dead(here) == []
    desk.clock.step(hours * 3600)
    assert await dead(here) == []
    for _ in range(6):
        desk.clock.suspend(10)
        assert await here.heartbeat(other)
        assert await dead(here) == []


async def test_silence_before_this_process_was_in_touch_does_not_count(desk: Desk) -> None:
    here = registry(desk)
    silent = await here.register("serve")
    assert await dead(here) == []
    desk.clock.suspend(100)
    assert await dead(here, in_touch_since=80) == []
    desk.clock.suspend(10)
    assert await dead(here, in_touch_since=80) == [silent]


async def test_a_process_is_dead_at_once_when_its_pid_is_gone_from_this_machine(
    desk: Desk,
) -> None:
    killed = await registry(desk, replace(HERE, pid=11)).register("serve")
    for elsewhere in (replace(HERE, host="db2", pid=11), replace(HERE, boot_id="boot 0", pid=11)):
        await registry(desk, elsewhere).register("serve")
    here = registry(desk, gone=frozenset({11}))
    await here.register("serve")
    assert await dead(here) == [killed]
    assert len(await here.living("serve", silent_seconds=30)) == 3


async def test_a_process_that_left_is_neither_dead_nor_living(desk: Desk) -> None:
    here = registry(desk)
    left = await here.register("run")
    await here.remove(left)
    assert await dead(here) == []
    assert await here.living("run", silent_seconds=30) == []
    assert not await here.heartbeat(left)


async def test_who_holds_a_run_without_being_registered_is_dead(desk: Desk) -> None:
    await desk.claimed(owner="ghost")
    await desk.queued(by_hand(reserved_for=ProcessId("another ghost")))
    await desk.queued()
    assert sorted(await dead(registry(desk))) == ["another ghost", "ghost"]


async def test_this_process_finds_itself_alive(desk: Desk) -> None:
    here = ProcessRegistry(desk.database, desk.clock)
    process_id = await here.register("serve")
    assert f"-{os.getpid()}-" in process_id
    assert await dead(here) == []


async def _lost(desk: Desk) -> tuple[Run, list[Run]]:
    run, _, _ = await desk.begun()
    desk.clock.step(60)
    return run, await registry(desk).rescue([ProcessId("one")])


async def test_the_runs_of_the_dead_end_as_lost(desk: Desk) -> None:
    run, rescued = await _lost(desk)
    assert [each.id for each in rescued] == [run.id]
    lost = await desk.history.get(run.id)
    assert rescued == [lost]
    assert (lost.state, lost.reason) == (RunState.FAILED, "lost in restart")
    assert lost.finished_at == desk.clock.now()
    told = [(step.state, step.reason) for step in await desk.history.steps(run.id)]
    assert told == [
        (StepState.FAILED, "lost in restart"),
        (StepState.CANCELED, "skipped: earlier step failed"),
    ]
    [attempt] = await desk.history.attempts(run.id)
    assert (attempt.state, attempt.finished_at) == (StepState.FAILED, lost.finished_at)


async def test_a_process_that_wakes_up_after_its_rescue_can_write_no_more(desk: Desk) -> None:
    run, _ = await _lost(desk)
    assert not await desk.history.write(run.fence, StepsPlanned(a_plan(run.id, ["late"])))
    assert not await desk.finish(run.fence, RunState.SUCCEEDED, None)
    assert (await desk.history.get(run.id)).state is RunState.FAILED


async def test_only_the_runs_of_the_dead_are_rescued(desk: Desk) -> None:
    await desk.claimed(owner="dead")
    alive = await desk.claimed(owner="alive")
    queued = await desk.queued()
    rescued = await registry(desk).rescue([ProcessId("dead")])
    assert [run.owner for run in rescued] == ["dead"]
    assert (await desk.history.get(alive.id)).state is RunState.RUNNING
    assert (await desk.history.get(queued)).state is RunState.QUEUED
    assert await registry(desk).rescue([ProcessId("dead")]) == []


async def test_a_run_that_waits_for_a_dead_process_alone_is_closed(desk: Desk) -> None:
    run_id = await desk.queued(by_hand(reserved_for=ProcessId("dead")))
    [rescued] = await registry(desk).rescue([ProcessId("dead")])
    assert (rescued.id, rescued.state) == (run_id, RunState.FAILED)


async def test_rescuing_nobody_changes_nothing(desk: Desk) -> None:
    run = await desk.claimed()
    assert await registry(desk).rescue([]) == []
    assert (await desk.history.get(run.id)).state is RunState.RUNNING


async def test_a_run_whose_job_resumes_goes_on_with_the_interrupted_step(desk: Desk) -> None:
    run, _, attempt = await desk.begun()
    [rescued] = await registry(desk).rescue([ProcessId("one")], lambda _: True)
    waiting = await desk.history.get(run.id)
    [again] = await desk.queue.claim(ProcessId("two"), 1)
    [lost] = await desk.history.attempts(run.id)

    assert rescued.id == run.id
    assert (waiting.state, waiting.owner) == (RunState.QUEUED, None)
    assert (again.id, again.attempt) == (run.id, run.attempt + 1)
    assert (lost.attempt, lost.state) == (attempt.attempt, StepState.FAILED)
    assert lost.error is not None
    assert lost.error.type == "ProcessLost"
    assert not await desk.finish(run.fence, RunState.SUCCEEDED)


async def test_a_run_that_takes_every_process_down_is_resumed_three_times(desk: Desk) -> None:
    run, _ = await desk.planned()
    for number in range(1, 5):
        begun = AttemptRun(run.id, 0, number, StepState.RUNNING, desk.clock.now())
        assert await desk.history.write(run.fence, AttemptBegun(begun))
        assert run.owner is not None
        await registry(desk).rescue([run.owner], lambda _: True)
        claimed = await desk.queue.claim(ProcessId(f"claim {number}"), 1)
        run = claimed[0] if claimed else run
    assert (await desk.history.get(run.id)).state is RunState.FAILED
    assert (await desk.history.steps(run.id))[0].attempts == 4


@pytest.mark.parametrize("resumes", [True, False])
async def test_a_run_whose_cancel_was_accepted_ends_canceled_though_its_process_died(
    desk: Desk, resumes: bool
) -> None:
    run, _, _ = await desk.begun()
    await desk.queue.request_cancel(run.id, "user:anna")
    [rescued] = await registry(desk).rescue([ProcessId("one")], lambda _: resumes)
    steps, attempts = await desk.history.steps(run.id), await desk.history.attempts(run.id)
    lines = await last_words(desk, run)

    assert (rescued.state, rescued.reason) == (RunState.CANCELED, "cancelled by user:anna")
    assert {step.state for step in steps} == {StepState.CANCELED}
    assert [attempt.state for attempt in attempts] == [StepState.CANCELED]
    assert lines[-1] == "run cancelled by user:anna"


async def test_the_log_of_a_lost_run_ends_with_what_became_of_it(desk: Desk) -> None:
    run, _ = await _lost(desk)
    lines = await last_words(desk, run)
    assert lines[-1] == "run failed: lost in restart"
