"""What a child process sees, inherits and shares, and that it does not outlive its parent."""

import asyncio
import os
import signal
import sys
from pathlib import Path

from tests.integration.hosts.stage import Stage, is_running, until

from nomaflow.connectors.base import ResolvedPool
from nomaflow.domain.secrets import Secret

ROOT = Path(__file__).parents[3]
PLUGIN = """
import os, sys

from liberty.jobs.types import StepContext

def about(ctx: StepContext, **_):
    return {
        "pid": os.getpid(), "path": sys.path[0], "environment": dict(os.environ),
        "command": open("/proc/self/cmdline").read(), "session": os.getsid(0),
        "modules": sorted(sys.modules),
    }

def reads(ctx, **_):
    return ctx.get_connector("sealed").scalar("SELECT 1")

async def writes(ctx, **_):
    db = ctx.get_connector("db")
    await db.execute("CREATE TABLE t (a INTEGER)")
    async with db.transaction() as transaction:
        for number in range(3):
            await transaction.execute("INSERT INTO t VALUES (:a)", {"a": number})
    try:
        async with db.transaction() as transaction:
            await transaction.execute("DELETE FROM t")
            raise RuntimeError
    except RuntimeError:
        pass
    result = await db.execute("SELECT a FROM t WHERE a > :low", {"low": 0})
    return {
        "name": db.name,
        "rowcount": result.rowcount,
        "rows": [row.a for row in result],
        "streamed": [row.a async for row in db.stream("SELECT a FROM t ORDER BY a")],
        "count": await db.scalar("SELECT count(*) FROM t"),
    }
"""


async def test_the_plugins_folder_comes_first_on_the_import_path(stage: Stage) -> None:
    stage.plugin(PLUGIN)
    assert (await stage.call("about"))["path"] == str(stage.plugins)


async def test_a_child_inherits_only_the_environment_that_it_is_given(stage: Stage) -> None:
    stage.plugin(PLUGIN)
    environment = (await stage.call("about"))["environment"]
    assert {name for name in environment if name != "LC_CTYPE"} == {"PATH", "STEP_PROCESS"}


async def test_a_child_leads_a_session_of_its_own(stage: Stage) -> None:
    stage.plugin(PLUGIN)
    about = await stage.call("about")
    assert about["session"] == about["pid"] != os.getpid()


async def test_a_python_step_imports_no_database_and_no_server_code(stage: Stage) -> None:
    stage.plugin(PLUGIN)
    modules = set((await stage.call("about"))["modules"])
    assert modules.isdisjoint({"sqlalchemy", "psycopg", "fastapi", "alembic", "rich"})


async def test_secrets_of_a_connector_are_in_no_argument_and_no_environment(stage: Stage) -> None:
    secret = Secret("hunter2-hunter2")
    stage.pools["sealed"] = ResolvedPool("sealed", f"sqlite:///{stage.folder}/sealed.db", secret)
    stage.plugin(PLUGIN)
    assert await stage.call("reads") == {"rows_affected": 1}
    about = await stage.call("about")
    assert "hunter2" not in about["command"] + str(about["environment"])


async def test_async_functions_await_the_same_connectors(stage: Stage) -> None:
    stage.plugin(PLUGIN)
    assert await stage.call("writes") == {
        "name": "db",
        "rowcount": 2,
        "rows": [1, 2],
        "streamed": [0, 1, 2],
        "count": 3,
    }


async def test_the_next_run_uses_edited_plugin_code(stage: Stage) -> None:
    stage.plugin("def answer(ctx, **_): return 1")
    assert await stage.call("answer") == {"rows_affected": 1}
    stage.plugin("def answer(ctx, **_): return 2000")
    assert await stage.call("answer") == {"rows_affected": 2000}


async def test_a_warm_child_is_used_again(stage: Stage) -> None:
    stage.plugin(PLUGIN)
    assert (await stage.call("about"))["pid"] == (await stage.call("about"))["pid"]


async def test_more_attempts_than_slots_wait_for_one(stage: Stage) -> None:
    stage.plugin(PLUGIN)
    pids = [
        about["pid"] for about in await asyncio.gather(*(stage.call("about") for _ in range(9)))
    ]
    assert len(pids) == 9
    assert len(set(pids)) <= 4


async def test_a_child_does_not_outlive_a_parent_that_was_killed(tmp_path: Path) -> None:
    parent = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.integration.hosts.parent", str(tmp_path)),
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
    )
    assert parent.stdout is not None
    child = int(await parent.stdout.readline())
    assert is_running(child)
    parent.send_signal(signal.SIGKILL)
    await parent.wait()
    await until(lambda: not is_running(child))
