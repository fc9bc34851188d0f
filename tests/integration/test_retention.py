"""The built-in job that deletes old runs: a run like any other, in the list and in the history."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.homes import a_home, a_query_job, ended, messages, running

from nomaflow.app import App
from nomaflow.catalogue.home import Home
from nomaflow.catalogue.load import load
from nomaflow.domain.job import JobId
from nomaflow.domain.run import NewRun, RunOptions
from nomaflow.domain.states import RunState
from nomaflow.errors import JobBusy
from nomaflow.history.pages import RunFilter
from nomaflow.history.runs import RunHistory

PRUNE = "_internal-prune-runs"


class PastClock:
    """Writes history as it was written long ago."""

    def __init__(self, days: int) -> None:
        self._ago = timedelta(days=days)

    def now(self) -> datetime:
        return datetime.now(UTC) - self._ago

    def steady(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        raise NotImplementedError


def a_home_with_retention(folder: Path, words: str) -> Path:
    home = a_home(folder, a_query_job("nightly", "SELECT 1"))
    app_toml = Home(home).app_toml
    app_toml.write_text(f"{app_toml.read_text()}\n[retention]\n{words}\n")
    return home


async def with_old_runs(app: App, count: int, *, days: int = 100) -> None:
    states = [RunState.SUCCEEDED, *[RunState.FAILED] * (count - 1)]
    old = [NewRun(JobId("nightly"), "cli:ann", state=state) for state in states]
    await RunHistory(app.database, PastClock(days)).insert(old)


async def test_the_job_deletes_old_runs_and_leaves_its_counts_in_the_history(
    tmp_path: Path,
) -> None:
    async with running(a_home_with_retention(tmp_path / "home", "keep_last_per_job = 2")) as app:
        await with_old_runs(app, 10)
        run, [step] = await ended(app, PRUNE)
        assert (run.state, run.reason) == (RunState.SUCCEEDED, None)
        assert step.output is not None
        counts = {key: step.output[key] for key in step.output if key != "ended_before"}
        assert counts == {"pruned_runs": 7, "kept_last_successes": 1, "kept_newest": 2}
        left = (await app.runs.page(RunFilter(job_id=JobId("nightly")))).runs
        assert [each.state.value for each in left] == ["FAILED", "FAILED", "SUCCEEDED"]
        assert any("7 runs that ended before" in line for line in await messages(app, run.id))


async def test_days_say_how_long_the_history_is_kept(tmp_path: Path) -> None:
    words = "days = 101\nkeep_last_per_job = 1"
    async with running(a_home_with_retention(tmp_path / "home", words)) as app:
        await with_old_runs(app, 10)
        _, [step] = await ended(app, PRUNE)
        assert step.output is not None
        assert step.output["pruned_runs"] == 0


async def test_it_is_listed_with_its_next_due_time_at_three(tmp_path: Path) -> None:
    async with running(a_home(tmp_path / "home")) as app:
        [row] = await app.jobs.rows()
        assert (row["job_id"], row["schedule"], row["problems"]) == (PRUNE, "0 3 * * *", [])
        assert row["next_due_at"] is not None


async def test_it_never_runs_twice_at_a_time(tmp_path: Path) -> None:
    app = App.build(a_home(tmp_path / "home"))
    async with app.store():
        await app.runs.start(PRUNE, RunOptions(), by="user:ann")
        with pytest.raises(JobBusy):
            await app.runs.start(PRUNE, RunOptions(), by="user:bob")


@pytest.mark.parametrize(
    "block",
    [
        a_query_job(PRUNE, "SELECT 1"),
        a_query_job("_internal-mine", "SELECT 1"),
    ],
)
def test_no_job_of_a_user_takes_an_id_of_the_engine(tmp_path: Path, block: str) -> None:
    [problem] = load(Home(a_home(tmp_path / "home", block))).problems
    assert (problem.line, problem.field) == (2, "id")
    assert "the engine's own" in problem.message


def test_no_job_of_a_user_may_prune(tmp_path: Path) -> None:
    block = '[[jobs]]\nid = "mine"\n[[jobs.steps]]\nname = "prune"\ntype = "prune_runs"\ndays = 1\n'
    [broken] = load(Home(a_home(tmp_path / "home", block))).broken
    assert any("prune_runs" in problem.message for problem in broken.problems)


def test_a_wrong_retention_is_a_problem_with_its_line(tmp_path: Path) -> None:
    home = a_home_with_retention(tmp_path / "home", "days = 0")
    [problem] = load(Home(home)).problems
    assert (problem.file, problem.field) == ("app.toml", "retention.days")
    assert problem.message == "expected at least 1"


TALKER = """
import base64, os

def talk(ctx):
    for number in range(8000):
        ctx.log.info("line %d %s", number, base64.b64encode(os.urandom(300)).decode())
"""


async def test_a_run_that_talks_too_much_keeps_head_and_tail_of_its_log(tmp_path: Path) -> None:
    job = '[[jobs]]\nid = "talk"\n[[jobs.steps]]\nname = "t"\ntype = "python"\n'
    home = a_home(tmp_path / "home", f'{job}callable = "m:talk"', plugins={"m.py": TALKER})
    with Home(home).app_toml.open("a") as app_toml:
        app_toml.write("\n[log]\nmax_run_bytes = 1048576\n")
    async with running(home) as app:
        run, _ = await ended(app, "talk")
        lines = await app.runs.lines(run.id, limit=10_000)
        said = [line.message for line in lines]
        assert run.state is RunState.SUCCEEDED
        assert len(said) < 6000
        assert any(message.startswith("line 0 ") for message in said)
        assert any(message.startswith("line 7999 ") for message in said)
        assert said[-1].startswith("run succeeded")
        assert sum("lines were dropped here" in message for message in said) == 1
