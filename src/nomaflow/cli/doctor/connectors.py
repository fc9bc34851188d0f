"""The connectors: whether each opens, and how long that takes."""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sqlalchemy import make_url

from nomaflow.app import App
from nomaflow.cli.doctor.finding import Finding, away, warning, wrong
from nomaflow.errors import NomaflowError, Unreachable

AT_A_TIME = 8
SECONDS = 20.0
_FILES = frozenset({"sqlite", "duckdb"})


async def look_at_connectors(app: App) -> AsyncIterator[Finding]:
    """Every connector of connectors.toml is opened once; one that hangs is left behind."""
    names = list(app.catalogue.connectors)
    pool = ThreadPoolExecutor(AT_A_TIME, thread_name_prefix="doctor")
    loop = asyncio.get_running_loop()
    looks = {name: loop.run_in_executor(pool, _look, app, name) for name in names}
    done, _ = await asyncio.wait(looks.values(), timeout=SECONDS) if looks else (set(), set())
    for name, look in looks.items():
        yield look.result() if look in done else _hangs(name)
    pool.shutdown(wait=False, cancel_futures=True)


def _look(app: App, name: str) -> Finding:
    check = f"connector {name}"
    began = app.clock.steady()
    try:
        if missing := _missing_file(app, name):
            advice = "The first step that writes there makes it; is the path right?"
            return warning(check, f"{missing} is not there", advice)
        app.connectors.get(name).check()
    except Unreachable as error:
        what = app.redactor.redact(str(error))
        return away(check, what, "Is the system up, and does its pool in connectors.toml name it?")
    except NomaflowError as error:
        what = app.redactor.redact(str(error))
        return wrong(check, what, "Correct its block and its pool in connectors.toml.")
    except ImportError as error:
        what = f"{error.name} is not installed"
        return wrong(check, what, "Install the driver: pip install 'nomaflow[all]'.")
    took = app.clock.steady() - began
    return Finding(check, f"opens in {took * 1000:.0f} ms")


def _missing_file(app: App, name: str) -> Path | None:
    """The connector's database file, if it has one that is not there: a look makes none."""
    pool = app.connections.settings(name).pool
    url = None if pool is None else make_url(pool.url)
    if url is None or url.get_backend_name() not in _FILES:
        return None
    if url.database in {None, "", ":memory:"}:
        return None
    file = Path(str(url.database))
    return None if file.exists() else file


def _hangs(name: str) -> Finding:
    what = f"does not answer within {SECONDS:g} s"
    return away(f"connector {name}", what, "Look at the network between here and there.")
