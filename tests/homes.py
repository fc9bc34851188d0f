"""Home folders for tests: real ones, made by `init`, with the files that a test is about."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from textwrap import dedent
from typing import Any

from nomaflow.app import App
from nomaflow.catalogue.init import init
from nomaflow.domain.events import StepChanged
from nomaflow.domain.run import Run, RunId, RunOptions, StepRun
from nomaflow.domain.states import StepState
from nomaflow.lifecycle import executing

ERP_AND_REPORTING = """
[pools.erp]
url = "sqlite:///data/erp.db"
[pools.reporting]
url = "sqlite:///data/reporting.db"
[connectors.erp]
type = "sql"
pool = "erp"
[connectors.reporting]
type = "sql"
pool = "reporting"
"""
"""Two SQLite files of the home, data/erp.db and data/reporting.db, as connectors."""


def a_home(
    folder: Path,
    jobs: str = "",
    *,
    connectors: str = "",
    env: str = "",
    plugins: dict[str, str] | None = None,
) -> Path:
    """A home whose catalogue is `jobs`; `plugins` maps file names to Python source."""
    home = init(folder)
    home.jobs_toml.write_text(dedent(jobs))
    home.connectors_toml.write_text(dedent(connectors))
    home.env_file.write_text(dedent(env))
    for name, source in (plugins or {}).items():
        file = home.plugins / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(dedent(source))
    return folder


def a_token(home: Path) -> str:
    """A token for the API of that home's store."""

    async def create() -> str:
        app = App.build(home)
        async with app.store():
            return (await app.access.create_token("tests")).reveal()

    return asyncio.run(create())


def a_query_job(job_id: str, *queries: str, **fields: Any) -> str:
    """A job in TOML: one `sql_query` step on the store for each query, named step-1, step-2 …"""
    lines = ["[[jobs]]", f"id = {json.dumps(job_id)}"]
    lines += [f"{name} = {_toml(value)}" for name, value in fields.items()]
    for number, query in enumerate(queries, 1):
        lines += [
            "[[jobs.steps]]",
            f'name = "step-{number}"',
            'type = "sql_query"',
            'connector = "default"',
            f"query = {json.dumps(query)}",
        ]
    return "\n".join([*lines, ""])


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_toml(item)}" for key, item in value.items()) + " }"
    return json.dumps(value)


@asynccontextmanager
async def running(home: Path) -> AsyncIterator[App]:
    """An application that executes runs on that home's store."""
    app = App.build(home)
    async with app.store(), executing(app, "test"):
        yield app


async def ended(
    app: App, job_id: str, options: RunOptions | None = None, by: str = "user:ann"
) -> tuple[Run, list[StepRun]]:
    """Start the job and wait for its end."""
    run_id = await app.runs.start(job_id, options or RunOptions(), by=by)
    await app.runs.wait(run_id, seconds=60)
    return await app.runs.get(run_id)


async def messages(app: App, run_id: RunId) -> list[str]:
    return [line.message for line in await app.runs.lines(run_id)]


async def once(app: App, run_id: RunId, fact: Callable[[list[StepRun]], bool]) -> None:
    """Return when the fact holds of the run's steps: waits for it, not for seconds."""
    changed = asyncio.Event()
    forget = app.bus.subscribe(StepChanged, lambda _: changed.set())
    try:
        async with asyncio.timeout(30):
            while not fact((await app.runs.get(run_id))[1]):
                with suppress(TimeoutError):
                    async with asyncio.timeout(0.1):
                        await changed.wait()
                changed.clear()
    finally:
        forget()


def has_begun(steps: list[StepRun]) -> bool:
    return bool(steps) and steps[0].state is StepState.RUNNING


def waits_for_retry(steps: list[StepRun]) -> bool:
    return has_begun(steps) and steps[0].error is not None
