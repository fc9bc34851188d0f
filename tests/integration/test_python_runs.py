"""Python steps as operators meet them: a documented function, and loops that never look up."""

import asyncio
import os
from pathlib import Path

from tests.commands import lives
from tests.homes import a_home, ended, has_begun, messages, once, running
from tests.waiting import once_true

from nomaflow.app import App
from nomaflow.domain.run import RunId, RunOptions
from nomaflow.domain.states import RunState, StepState

DOCUMENTED = Path(__file__).with_name("documented_step.txt")
REPORT = """
    [[jobs]]
    id = "report"
    params = { target_path = "/tmp/summary.pdf", region = "EU" }
    [[jobs.steps]]
    name = "report"
    type = "python"
    callable = "reports.summary:generate_pdf"
    op_kwargs = { period = "month" }
"""
LOOPS = 20
LOOP = """
    [[jobs]]
    id = "loop"
    overlap = "allow"
    [[jobs.steps]]
    name = "loop"
    type = "python"
    callable = "plugin:loop"
"""
PLUGIN = """
    import os, time

    def loop(ctx, start):
        ctx.log.info("pid %d", os.getpid())
        while not os.path.exists(start):
            time.sleep(0.05)
        while True:
            pass
"""


async def test_the_documented_function_runs_unchanged(tmp_path: Path) -> None:
    plugins = {"reports/summary.py": DOCUMENTED.read_text()}
    async with running(a_home(tmp_path / "home", REPORT, plugins=plugins)) as app:
        run, (step,) = await ended(app, "report")
    assert run.state is RunState.SUCCEEDED
    assert step.output == {"path": "/tmp/summary.pdf", "size_bytes": 12345}


async def test_twenty_runs_that_never_look_up_are_cancelled_and_leave_no_process(
    tmp_path: Path,
) -> None:
    home = a_home(tmp_path / "home", LOOP, plugins={"plugin.py": PLUGIN})
    with (home / "app.toml").open("a") as settings:
        settings.write(
            f"\n[runner]\nmax_concurrent_runs = {LOOPS}\nmax_processes = {LOOPS}\n"
            "grace_seconds = 0.2\n"
        )
    async with running(home) as app:
        start = tmp_path / "start"
        options = RunOptions(params={"start": str(start)})
        runs = [await app.runs.start("loop", options, by="user:ann") for _ in range(LOOPS)]
        pids = [await _pid(app, run_id) for run_id in runs]
        assert len({*pids, os.getpid()}) == LOOPS + 1
        start.touch()
        for run_id in runs:
            await app.runs.cancel(run_id, by="user:bob")
        found = await asyncio.gather(*(app.runs.wait(run_id, seconds=60) for run_id in runs))
        steps = [(await app.runs.get(run_id))[1][0] for run_id in runs]

    assert {run.state for run in found} == {RunState.CANCELED}
    assert {step.state for step in steps} == {StepState.CANCELED}
    assert [pid for pid in pids if lives(pid)] == []


async def _pid(app: App, run_id: RunId) -> int:
    """Of the process that the run's step is in, once it has said so."""
    await once(app, run_id, has_begun)

    async def told() -> list[str]:
        return [line for line in await messages(app, run_id) if line.startswith("pid ")]

    (line,) = await once_true(told, seconds=60)
    return int(line.removeprefix("pid "))
