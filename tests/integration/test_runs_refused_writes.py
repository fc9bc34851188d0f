"""A store that refuses for good what a run writes: the run ends all the same, as FAILED."""

from pathlib import Path

import pytest
from tests.homes import a_home, a_query_job, ended, running
from tests.integration.hosts.stage import until

from nomaflow.app import App
from nomaflow.domain.run import RunOptions
from nomaflow.domain.states import RunState, StepState
from nomaflow.runner.runner import INTERNAL

REFUSED_LINES = """
CREATE TRIGGER refused BEFORE INSERT ON ly2_job_logs
BEGIN SELECT RAISE(ABORT, 'no lines'); END
"""
REFUSED_ENDS = """
CREATE TRIGGER refused BEFORE UPDATE ON ly2_job_runs
WHEN NEW.state IN ('SUCCEEDED', 'FAILED') BEGIN SELECT RAISE(ABORT, 'no end'); END
"""


async def execute(app: App, statement: str) -> None:
    await app.database.write(lambda connection: connection.exec_driver_sql(statement))


async def test_a_run_whose_lines_are_refused_ends_failed(tmp_path: Path) -> None:
    home = a_home(tmp_path / "home", a_query_job("ask", "SELECT 1", overlap="allow"))
    async with running(home) as app:
        await execute(app, REFUSED_LINES)
        run, steps = await ended(app, "ask")
        await execute(app, "DROP TRIGGER refused")
        after, _ = await ended(app, "ask")

    assert (run.state, run.reason) == (RunState.FAILED, INTERNAL)
    assert all(step.state is not StepState.RUNNING for step in steps)
    assert after.state is RunState.SUCCEEDED


@pytest.mark.parametrize("is_canceled", [False, True])
async def test_a_run_whose_end_is_refused_ends_once_the_store_takes_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], is_canceled: bool
) -> None:
    home = a_home(tmp_path / "home", a_query_job("ask", "SELECT 1"))
    async with running(home) as app:
        await execute(app, REFUSED_ENDS)
        run_id = await app.runs.start("ask", RunOptions(), by="user:ann")
        await until(lambda: f"The end of run {run_id} " in capsys.readouterr().err)
        before = await app.runs.wait(run_id, seconds=0)
        if is_canceled:
            await app.runs.cancel(run_id, by="user:ann")
        else:
            await execute(app, "DROP TRIGGER refused")
        run = await app.runs.wait(run_id, seconds=30)

    assert before.state is RunState.RUNNING
    assert run.state is (RunState.CANCELED if is_canceled else RunState.FAILED)
    assert run.reason == ("cancelled by user:ann" if is_canceled else INTERNAL)
