"""Changed files are taken over while the service runs; what works goes on working."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.commands import nomaflow, serving
from tests.homes import a_home, a_query_job, has_begun, messages, once
from tests.waiting import eventually

from nomaflow import lifecycle
from nomaflow.app import App
from nomaflow.catalogue.home import Home
from nomaflow.domain.events import CatalogueChanged
from nomaflow.domain.job import JobId
from nomaflow.domain.run import RunOptions
from nomaflow.domain.states import RunState

NIGHTLY = a_query_job("nightly", "SELECT 1", schedule="0 2 * * *")
BROKEN = NIGHTLY.replace("0 2 * * *", "61 2 * * *")
SLOW = """
[[jobs]]
id = "slow"
[[jobs.steps]]
name = "wait"
type = "python"
callable = "gate:wait"
[[jobs.steps]]
name = "say"
type = "python"
callable = "gate:say"
op_kwargs = { words = "as it was" }
"""
GATE = """
import time
from pathlib import Path

def wait(ctx):
    while not Path(__file__).with_name("open").exists():
        time.sleep(0.02)

def say(ctx, words):
    ctx.log.info(words)
"""


@asynccontextmanager
async def served(home: Path) -> AsyncIterator[App]:
    app = App.build(home)
    async with lifecycle.serving(app):
        yield app


def write_jobs(app: App, text: str) -> None:
    app.home.jobs_toml.write_text(text)


async def test_a_changed_file_is_taken_over_by_itself_and_told(tmp_path: Path) -> None:
    async with served(a_home(tmp_path / "home", NIGHTLY)) as app:
        told = asyncio.Event()
        app.bus.subscribe(CatalogueChanged, lambda _: told.set())
        write_jobs(app, a_query_job("fresh", "SELECT 1", interval="1s"))
        async with asyncio.timeout(20):
            await told.wait()
        assert set(app.catalogue.jobs) == {"fresh", "_internal-prune-runs"}
        assert app.scheduler.next_due(JobId("fresh")) is not None
        assert app.scheduler.next_due(JobId("nightly")) is None


async def test_files_that_did_not_change_are_no_change(tmp_path: Path) -> None:
    async with served(a_home(tmp_path / "home", NIGHTLY)) as app:
        told: list[object] = []
        app.bus.subscribe(CatalogueChanged, told.append)
        before = app.catalogue
        await app.catalogue_keeper.reload()
        assert app.catalogue is before
        assert told == []


async def test_a_broken_file_leaves_the_schedule_armed_and_lists_why(tmp_path: Path) -> None:
    async with served(a_home(tmp_path / "home", NIGHTLY)) as app:
        due = app.scheduler.next_due(JobId("nightly"))
        write_jobs(app, BROKEN)
        state = await app.catalogue_keeper.reload()
        assert state.held == ("nightly",)
        assert [problem.field for problem in state.problems] == ["schedule"]
        assert app.scheduler.next_due(JobId("nightly")) == due
        [row] = [row for row in await app.jobs.rows() if row["job_id"] == "nightly"]
        assert row["problems"][0]["field"] == "schedule"
        assert row["next_due_at"] is not None


async def test_a_run_in_flight_finishes_with_the_definition_that_it_began_with(
    tmp_path: Path,
) -> None:
    home = a_home(tmp_path / "home", SLOW, plugins={"gate.py": GATE})
    async with served(home) as app:
        run_id = await app.runs.start("slow", RunOptions(), by="user:ann")
        await once(app, run_id, has_begun)
        write_jobs(app, SLOW.replace("as it was", "as it is now"))
        await app.catalogue_keeper.reload()
        (app.home.plugins / "open").touch()
        run = await app.runs.wait(run_id, seconds=30)
        assert run.state is RunState.SUCCEEDED
        assert "as it was" in await messages(app, run_id)
        later = await app.runs.start("slow", RunOptions(), by="user:ann")
        await app.runs.wait(later, seconds=30)
        assert "as it is now" in await messages(app, later)


async def test_a_run_that_goes_on_later_goes_on_with_its_own_definition(tmp_path: Path) -> None:
    home = a_home(tmp_path / "home", NIGHTLY)
    app = App.build(home)
    async with app.store():
        run_id = await app.runs.start("nightly", RunOptions(), by="user:ann")
    write_jobs(app, NIGHTLY.replace("step-1", "renamed"))
    async with served(home) as app:
        await app.runs.wait(run_id, seconds=30)
        _, steps = await app.runs.get(run_id)
        assert [step.name for step in steps] == ["step-1"]


async def test_a_run_whose_job_was_removed_meanwhile_still_ends_well(tmp_path: Path) -> None:
    home = a_home(tmp_path / "home", NIGHTLY)
    app = App.build(home)
    async with app.store():
        run_id = await app.runs.start("nightly", RunOptions(), by="user:ann")
    write_jobs(app, "# none\n")
    async with served(home) as app:
        run = await app.runs.wait(run_id, seconds=30)
        assert run.state is RunState.SUCCEEDED


async def test_a_run_stores_the_text_that_its_definition_stands_in(tmp_path: Path) -> None:
    async with served(a_home(tmp_path / "home", NIGHTLY)) as app:
        write_jobs(app, f"{BROKEN}\n{a_query_job('fresh', 'SELECT 1')}")
        await app.catalogue_keeper.reload()
        texts = {}
        for job in ("nightly", "fresh"):
            run_id = await app.runs.start(job, RunOptions(), by="user:ann")
            run = await app.runs.wait(run_id, seconds=30)
            assert run.revision_id is not None
            texts[job] = (await app.revisions.of_run(run.revision_id)).text
        assert texts["nightly"] == NIGHTLY
        assert texts["fresh"].startswith(BROKEN)


async def test_a_setting_that_is_read_at_the_start_is_said_to_need_a_restart(
    tmp_path: Path,
) -> None:
    async with served(a_home(tmp_path / "home", NIGHTLY)) as app:
        text = app.home.app_toml.read_text()
        app.home.app_toml.write_text(
            f"{text}\n[runner]\nmax_concurrent_runs = 3\n[retention]\ndays = 7\n"
        )
        state = await app.catalogue_keeper.reload()
        assert state.restart_needed == ("runner.max_concurrent_runs",)
        [prune] = app.catalogue.jobs[JobId("_internal-prune-runs")].steps
        assert prune.settings["days"] == 7


async def test_a_home_that_vanished_keeps_everything_in_force(tmp_path: Path) -> None:
    async with served(a_home(tmp_path / "home", NIGHTLY)) as app:
        for path in app.home.declarations:
            path.unlink()
        state = await app.catalogue_keeper.reload()
        assert "nightly" in app.catalogue.jobs
        assert "no home" in str(state.problems[0])


def test_a_server_takes_a_change_over_reports_it_and_is_told_to_hurry(tmp_path: Path) -> None:
    home = a_home(tmp_path / "home", NIGHTLY)
    token = nomaflow("tokens", "create", "test", "--home", home).out.strip()
    with serving(home, token) as server:
        Home(home).jobs_toml.write_text(BROKEN)
        facts = eventually(lambda: _held(server.get("/api/v1/catalogue")))
        assert (facts["held"], facts["broken"]) == (["nightly"], [])
        assert "61" in facts["problems"][0]["message"] or facts["problems"][0]["line"] == 3
        server.command.said("The files were read again")
        listed = nomaflow("jobs", "--home", home)
        assert "BROKEN" in listed.out

        told = nomaflow("reload", "--home", home)
        assert (told.code, "read the files again" in told.out) == (3, True)
        Home(home).jobs_toml.write_text(NIGHTLY)
        server.command.signal(signal.SIGHUP)
        eventually(lambda: not server.get("/api/v1/catalogue")["problems"])
        answer = server.http.post("/api/v1/reload")
        assert answer.json() == {
            "jobs": 2,
            "held": [],
            "broken": [],
            "restart_needed": [],
            "problems": [],
        }


def test_without_a_server_there_is_nobody_to_reload(tmp_path: Path) -> None:
    told = nomaflow("reload", "--home", a_home(tmp_path / "home", NIGHTLY))
    assert told.code == 4
    assert "No server of this home is running" in told.err


def _held(facts: dict[str, object]) -> dict[str, object] | None:
    return facts if facts["held"] else None
