"""Jobs after jobs: once per ended run, whatever ends it."""

import asyncio
from pathlib import Path

import pytest
from tests.homes import a_home, a_query_job, ended, running

from nomaflow.app import App
from nomaflow.catalogue.home import Home
from nomaflow.catalogue.load import load
from nomaflow.domain.job import JobId
from nomaflow.domain.run import ProcessId, Run, RunOptions
from nomaflow.domain.states import RunState
from nomaflow.history.pages import RunFilter


def after(*entries: tuple[str, str]) -> str:
    shown = ", ".join(f'{{ job = "{job}", on = "{on}" }}' for job, on in entries)
    return f"after = [{shown}]"


def a_job(job_id: str, query: str = "SELECT 1", after: str = "", **fields: str) -> str:
    header, rest = a_query_job(job_id, query, **fields).split("\n", 1)
    return f"{header}\n{after}\n{rest}"


async def runs_of(app: App, job: str) -> list[Run]:
    """Once all of them have ended."""
    while True:
        page = await app.stored.runs.page(RunFilter(job_id=JobId(job)))
        if all(run.state.is_final for run in page.runs):
            return list(reversed(page.runs))
        for run in page.runs:
            await app.runs.wait(run.id, seconds=30)


async def test_each_entry_starts_the_job_once_when_the_named_job_ends_like_that(
    tmp_path: Path,
) -> None:
    jobs = [
        a_job("good"),
        a_job("sad", "SELECT * FROM nowhere"),
        a_job("cheer", after=after(("good", "success"), ("sad", "success"))),
        a_job("mourn", after=after(("good", "failure"), ("sad", "failure"))),
        a_job("always", after=after(("good", "finish"), ("sad", "finish")), overlap="allow"),
        a_job("off", after=f"{after(('good', 'finish'))}\nenabled = false"),
    ]
    async with running(a_home(tmp_path / "home", "\n".join(jobs))) as app:
        good, _ = await ended(app, "good")
        sad, _ = await ended(app, "sad")
        told = {job: await runs_of(app, job) for job in ("cheer", "mourn", "always", "off")}

    assert [run.triggered_by for run in told["cheer"]] == ["job:good"]
    assert [run.triggered_by for run in told["mourn"]] == ["job:sad"]
    assert [run.triggered_by for run in told["always"]] == ["job:good", "job:sad"]
    assert told["off"] == []
    [cheer] = told["cheer"]
    assert (cheer.trigger_id, cheer.scheduled_at) == (
        f"after:success:{good.id}",
        good.finished_at,
    )
    assert {run.state for run in [*told["cheer"], *told["always"]]} == {RunState.SUCCEEDED}
    assert sad.state is RunState.FAILED
    assert good.revision_id is not None
    assert {run.revision_id for run in [*told["cheer"], *told["always"]]} == {good.revision_id}


async def test_a_chain_runs_for_whoever_started_it(tmp_path: Path) -> None:
    jobs = [
        a_job("first"),
        a_job("second", after=after(("first", "success"))),
        a_job("third", after=after(("second", "success"))),
    ]
    async with running(a_home(tmp_path / "home", "\n".join(jobs))) as app:
        await ended(app, "first", by="user:ann")
        await runs_of(app, "second")
        [third] = await runs_of(app, "third")
    assert (third.triggered_by, third.session_user) == ("job:second", "ann")


async def test_a_run_that_is_canceled_before_it_began_has_finished_too(tmp_path: Path) -> None:
    jobs = a_job("first") + a_job("next", after=after(("first", "finish")))
    app = App.build(a_home(tmp_path / "home", jobs))
    async with app.store():
        run_id = await app.runs.start("first", RunOptions(), by="user:ann")
        await app.runs.cancel(run_id, by="user:bob")
        [following] = (await app.stored.runs.page(RunFilter(job_id=JobId("next")))).runs
    assert following.trigger_id == f"after:finish:{run_id}"


async def test_a_run_that_was_lost_with_its_process_has_failed(tmp_path: Path) -> None:
    jobs = a_job("first") + a_job("next", after=after(("first", "failure")))
    app = App.build(a_home(tmp_path / "home", jobs))
    async with app.store():
        run_id = await app.runs.start("first", RunOptions(), by="user:ann")
        await app.queue.claim(ProcessId("dead"), 1)
        await asyncio.gather(*(app.stored.processes.rescue(["dead"]) for _ in range(3)))
        [following] = (await app.stored.runs.page(RunFilter(job_id=JobId("next")))).runs
    assert following.trigger_id == f"after:failure:{run_id}"


async def test_while_everything_is_paused_what_follows_is_skipped(tmp_path: Path) -> None:
    jobs = a_job("first") + a_job("next", after=after(("first", "success")))
    async with running(a_home(tmp_path / "home", jobs)) as app:
        await app.pauses.begin("new disks", until=None, exceptions=[], by="user:ann")
        await ended(app, "first")
        [following] = await runs_of(app, "next")
    assert (following.state, following.reason) == (RunState.SKIPPED, "paused: new disks")


@pytest.mark.parametrize("length", [2, 3])
def test_a_circle_breaks_its_jobs_and_no_others(tmp_path: Path, length: int) -> None:
    names = [f"job-{number}" for number in range(length)]
    circle = [a_job(name, after=after((names[i - 1], "finish"))) for i, name in enumerate(names)]
    outside = a_job("outside", after=after(("job-0", "success")))
    home = a_home(tmp_path / "home", "\n".join([*circle, outside]))
    catalogue = load(Home(home))
    assert list(catalogue.jobs) == ["outside"]
    assert sorted(broken.id for broken in catalogue.broken) == names
    assert all(problem.line and problem.field == "after.0.job" for problem in catalogue.problems)
    assert "'job-0' → " in catalogue.problems[0].message
