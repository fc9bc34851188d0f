"""Jobs that call jobs: their runs, their outcomes, and what they may not get stuck on."""

import asyncio
from contextlib import suppress
from pathlib import Path

from tests.homes import a_home, a_query_job, ended, has_begun, messages, once, running
from tests.waiting import once_true

from nomaflow.app import App
from nomaflow.catalogue.home import Home
from nomaflow.catalogue.load import load
from nomaflow.domain.calls import CalledRun, JobCall
from nomaflow.domain.job import JobId
from nomaflow.domain.run import Run, RunId, RunOptions
from nomaflow.domain.states import RunState, StepState

ENDLESS = (
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000000) "
    "SELECT max(i) FROM n"
)


def a_calling_job(job_id: str, *called: str, fields: str = "", step_fields: str = "") -> str:
    """A job with one `call_job` step for each called job, named call-1, call-2 …"""
    steps = "".join(
        f'[[jobs.steps]]\nname = "call-{number}"\ntype = "call_job"\njob = "{name}"\n'
        f"{step_fields}\n"
        for number, name in enumerate(called, 1)
    )
    return f'[[jobs]]\nid = "{job_id}"\n{fields}\n{steps}'


async def the_newest_run(app: App, job_id: str) -> Run:
    """The newest run of that job, as soon as there is one."""
    runs = await once_true(lambda: app.stored.runs.last_runs([JobId(job_id)]))
    return runs[JobId(job_id)]


async def test_a_called_job_has_a_run_of_its_own_with_parameters_of_the_caller(
    tmp_path: Path,
) -> None:
    call = a_calling_job(
        "outer",
        "inner",
        fields='params = { region = "EU" }',
        step_fields='params = { area = "${kw:region}", size = 2 }',
    )
    inner = a_query_job("inner", "SELECT :area, :session_user", params={"area": "none"})
    async with running(a_home(tmp_path / "home", call + inner)) as app:
        run, (step,) = await ended(app, "outer", RunOptions(params={"size": 3}))
        called = await the_newest_run(app, "inner")
        lines = await messages(app, run.id)

    assert run.state is RunState.SUCCEEDED
    assert step.output == {"run_id": called.id, "state": "SUCCEEDED"}
    assert (called.triggered_by, called.session_user) == ("job:outer", "ann")
    assert called.params == {"area": "EU", "size": 3}
    assert f"run {called.id} of job 'inner' called" in lines


async def test_the_step_fails_as_the_called_run_does(tmp_path: Path) -> None:
    jobs = a_calling_job("outer", "inner", "inner") + a_query_job("inner", "SELECT * FROM nowhere")
    async with running(a_home(tmp_path / "home", jobs)) as app:
        run, (first, second) = await ended(app, "outer")
        called = await the_newest_run(app, "inner")

    assert run.state is RunState.FAILED
    assert first.output == {"run_id": called.id, "state": "FAILED"}
    assert first.error is not None
    assert first.error.type == "CalledRunFailed"
    assert f"Run {called.id} of job 'inner' failed: step 'step-1' failed:" in first.error.message
    assert second.reason == "skipped: earlier step failed"


async def test_with_one_slot_for_runs_jobs_call_each_other_all_the_same(tmp_path: Path) -> None:
    jobs = (
        a_calling_job("outer", "middle", "inner")
        + a_calling_job("middle", "inner")
        + a_query_job("inner", "SELECT 1")
        + a_query_job("other", "SELECT 1")
    )
    home = a_home(tmp_path / "home", jobs)
    with (home / "app.toml").open("a") as settings:
        settings.write("\n[runner]\nmax_concurrent_runs = 1\n")
    async with running(home) as app:
        outer = [await app.runs.start("outer", RunOptions(), by="user:ann")]
        outer += [await app.runs.start("other", RunOptions(), by="user:ann")]
        runs = [await app.runs.wait(run_id, seconds=30) for run_id in outer]

    assert [run.state for run in runs] == [RunState.SUCCEEDED] * 2


async def test_a_called_job_needs_no_slot_of_a_limit_that_its_caller_has(tmp_path: Path) -> None:
    limit = 'limits = ["erp"]'
    jobs = a_calling_job("outer", "inner", fields=limit) + a_query_job(
        "inner", "SELECT 1", limits=["erp"]
    )
    home = a_home(tmp_path / "home", jobs)
    with (home / "app.toml").open("a") as settings:
        settings.write("\n[limits]\nerp = 1\n")
    async with running(home) as app:
        run, _ = await ended(app, "outer")

    assert run.state is RunState.SUCCEEDED


async def test_cancelling_the_caller_cancels_what_it_called(tmp_path: Path) -> None:
    jobs = (
        a_calling_job("outer", "middle")
        + a_calling_job("middle", "inner")
        + a_query_job("inner", ENDLESS)
    )
    async with running(a_home(tmp_path / "home", jobs)) as app:
        outer = await app.runs.start("outer", RunOptions(), by="user:ann")
        inner = await the_newest_run(app, "inner")
        await once(app, inner.id, has_begun)
        await app.runs.cancel(outer, by="user:bob")
        run = await app.runs.wait(outer, seconds=10)
        middle = await the_newest_run(app, "middle")
        inner = await the_newest_run(app, "inner")

    assert (run.state, run.reason) == (RunState.CANCELED, "cancelled by user:bob")
    assert middle.reason == f"cancelled by run {outer}, which called it"
    assert inner.reason == f"cancelled by run {middle.id}, which called it"


async def test_the_wall_of_the_step_cancels_what_it_called(tmp_path: Path) -> None:
    call = a_calling_job("outer", "inner", step_fields="timeout_seconds = 0.5")
    jobs = call + a_query_job("inner", ENDLESS)
    async with running(a_home(tmp_path / "home", jobs)) as app:
        _, (step,) = await ended(app, "outer")
        inner = await the_newest_run(app, "inner")

    assert (step.state, step.reason) == (StepState.FAILED, "timeout")
    assert inner.state is RunState.CANCELED


async def test_a_called_run_that_somebody_cancels_fails_the_step_for_good(tmp_path: Path) -> None:
    retry = "retry = { attempts = 3, base_seconds = 0 }"
    jobs = a_calling_job("outer", "inner", fields=retry) + a_query_job("inner", ENDLESS)
    async with running(a_home(tmp_path / "home", jobs)) as app:
        outer = await app.runs.start("outer", RunOptions(), by="user:ann")
        inner = await the_newest_run(app, "inner")
        await app.runs.cancel(inner.id, by="user:bob")
        run = await app.runs.wait(outer, seconds=10)
        _, (step,) = await app.runs.get(outer)

    assert run.state is RunState.FAILED
    assert step.attempts == 1
    assert step.error is not None
    assert (step.error.type, step.error.message) == (
        "StepCanceled",
        f"Run {inner.id} of job 'inner' was cancelled by user:bob.",
    )


async def test_the_called_job_s_overlap_is_honoured(tmp_path: Path) -> None:
    jobs = (
        a_calling_job("refused", "busy")
        + a_calling_job("patient", "queued")
        + a_query_job("busy", ENDLESS)
        + a_query_job("queued", ENDLESS, overlap="queue")
    )
    async with running(a_home(tmp_path / "home", jobs)) as app:
        in_flight = [
            await app.runs.start(job, RunOptions(), by="user:ann") for job in ("busy", "queued")
        ]
        refused, (step,) = await ended(app, "refused")
        patient = await app.runs.start("patient", RunOptions(), by="user:ann")
        await once(app, patient, has_begun)
        waiting = await app.runs.wait(patient, seconds=0.2)
        for run_id in in_flight:
            await app.runs.cancel(run_id, by="user:ann")
        called = await _running_after(app, "queued", in_flight[1])
        await app.runs.cancel(patient, by="user:ann")
        await app.runs.wait(patient, seconds=10)

    assert refused.state is RunState.FAILED
    assert step.error is not None
    assert step.error.type == "JobBusy"
    assert waiting.state is RunState.RUNNING
    assert called.triggered_by == "job:patient"


async def _running_after(app: App, job_id: str, earlier: RunId) -> Run:
    async def begun() -> Run | None:
        run = await the_newest_run(app, job_id)
        return run if run.id > earlier and run.state is RunState.RUNNING else None

    run = await once_true(begun)
    assert run is not None
    return run


async def test_an_interrupted_step_takes_over_the_run_that_it_had_called(tmp_path: Path) -> None:
    jobs = (
        a_calling_job("outer", "good")
        + a_query_job("good", "SELECT 1")
        + a_query_job("bad", "SELECT * FROM nowhere")
    )

    async def called(app: App, job_id: str, attempt: int) -> CalledRun:
        caller = JobId("outer")
        call = JobCall(JobId(job_id), {}, caller, RunId(7), 0, attempt, session_user="ann")
        return await app.calls.call(call, lambda _: None)

    async with running(a_home(tmp_path / "home", jobs)) as app:
        good = [await called(app, "good", attempt) for attempt in (1, 2)]
        bad = [await called(app, "bad", attempt) for attempt in (1, 2)]

    assert good[0] == good[1]
    assert bad[0].run_id != bad[1].run_id


async def test_a_cancel_right_at_the_beginning_leaves_no_run_behind(tmp_path: Path) -> None:
    jobs = a_calling_job("outer", "inner") + a_query_job("inner", ENDLESS)
    async with running(a_home(tmp_path / "home", jobs)) as app:
        call = JobCall(JobId("inner"), {}, JobId("outer"), RunId(7), 0, 1, session_user="ann")
        calling = asyncio.create_task(app.calls.call(call, lambda _: None))
        await asyncio.sleep(0)
        calling.cancel()
        with suppress(asyncio.CancelledError):
            await calling
        runs = await app.stored.runs.last_runs([JobId("inner")])

    assert all(run.state is RunState.CANCELED for run in runs.values())


def test_jobs_that_lead_back_to_themselves_are_refused_with_the_way(tmp_path: Path) -> None:
    jobs = (
        a_calling_job("one", "two")
        + a_calling_job("two", "three")
        + a_calling_job("three", "one")
        + a_calling_job("four", "five")
        + a_query_job("five", "SELECT 1")
        + a_calling_job("six", "seven", fields='after = [{ job = "seven" }]')
        + a_query_job("seven", "SELECT 1")
        + a_calling_job("self", "self")
        + a_calling_job("lost", "nobody")
    )
    catalogue = load(Home(a_home(tmp_path / "home", jobs)))
    problems = {
        problem.job: (problem.step, problem.field, problem.message)
        for problem in catalogue.problems
    }

    assert sorted(catalogue.jobs) == ["five", "four", "seven"]
    assert problems["one"] == (
        "call-1",
        "job",
        "the job would start itself ('one' → 'two' → 'three' → 'one'); expected no circle",
    )
    assert "('self' → 'self')" in problems["self"][2]
    assert "('six' → 'seven' → 'six')" in problems["six"][2]
    assert "unknown job 'nobody'" in problems["lost"][2]
