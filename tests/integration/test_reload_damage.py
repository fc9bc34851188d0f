"""Two hundred damaged files in a row: the last good catalogue stays, says why, and fires on."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from tests.homes import a_home, a_query_job

from nomaflow.app import App
from nomaflow.catalogue.home import Home
from nomaflow.catalogue.load import load
from nomaflow.catalogue.model import Catalogue
from nomaflow.domain.events import RunChanged
from nomaflow.domain.job import JobId
from nomaflow.domain.states import IN_FLIGHT, RunState
from nomaflow.history.pages import RunFilter
from nomaflow.lifecycle import serving

BAD_RELOADS = 200
SECOND = timedelta(seconds=1)
NAMES = ("alpha", "beta", "gamma", "delta")
ON = dict(zip(NAMES, ("default", "erp", "crm", "erp"), strict=True))
JOBS = "\n".join(
    a_query_job(name, "SELECT 1", "SELECT 2", interval="1s", params={"n": 1}).replace(
        '"default"', f'"{connector}"'
    )
    for name, connector in ON.items()
)
CONNECTORS = "\n".join(
    f'[pools.{name}]\nurl = "sqlite:///data/{name}.db"\n\n'
    f'[connectors.{name}]\ntype = "sql"\npool = "{name}"\n'
    for name in ("erp", "crm")
)
JUNK = ["\x00", "[", "]]", "=", '"', "'''", "é", "\n[[jobs]]\n", "id = 7\n", "[pools]\n", "{", "#"]


def cut_off(text: str, chance: random.Random) -> str:
    return text[: chance.randrange(len(text))]


def hole(text: str, chance: random.Random) -> str:
    start = chance.randrange(len(text))
    return text[:start] + text[start + chance.randint(1, 80) :]


def junk(text: str, chance: random.Random) -> str:
    at = chance.randrange(len(text))
    return text[:at] + chance.choice(JUNK) + text[at:]


def typo(text: str, chance: random.Random) -> str:
    at = chance.randrange(len(text))
    return text[:at] + chr(chance.randint(33, 126)) + text[at + 1 :]


def lost_line(text: str, chance: random.Random) -> str:
    lines = text.split("\n")
    del lines[chance.randrange(len(lines))]
    return "\n".join(lines)


def swapped_lines(text: str, chance: random.Random) -> str:
    lines = text.split("\n")
    one, other = chance.sample(range(len(lines)), 2)
    lines[one], lines[other] = lines[other], lines[one]
    return "\n".join(lines)


def doubled(text: str, chance: random.Random) -> str:
    at = chance.randrange(len(text))
    return text + text[at:]


def zeros(text: str, chance: random.Random) -> str:
    """What a file system may leave after a crash."""
    at = chance.randrange(len(text))
    return text[:at] + "\0" * (len(text) - at)


def emptied(_text: str, _chance: random.Random) -> str:
    return ""


DAMAGES: tuple[Callable[[str, random.Random], str], ...] = (
    cut_off,
    hole,
    junk,
    typo,
    lost_line,
    swapped_lines,
    doubled,
    zeros,
    emptied,
)


@dataclass(frozen=True)
class Damager:
    """Damages one file or both of them, each time starting from the good ones."""

    home: Home
    chance: random.Random
    good: Catalogue

    def damage(self) -> None:
        """Leave files that are bad: what only changed a job on the way is no damage, but an edit.

        Hence texts that a person could have meant are passed over.
        """
        while True:
            which = self.chance.choice(["jobs", "connectors", "both"])
            damage = self.chance.choice(DAMAGES)
            self.write(
                damage(JOBS, self.chance) if which != "connectors" else JOBS,
                damage(CONNECTORS, self.chance) if which != "jobs" else CONNECTORS,
            )
            if self._is_bad(load(self.home)):
                return

    def write(self, jobs: str, connectors: str) -> None:
        self.home.jobs_toml.write_text(jobs)
        self.home.connectors_toml.write_text(connectors)

    def _is_bad(self, found: Catalogue) -> bool:
        """Something is wrong, and what is not wrong is what it was."""
        return (bool(found.problems) or self._is_emptied()) and all(
            now[name] == before[name]
            for now, before in (
                (found.jobs, self.good.jobs),
                (found.connectors, self.good.connectors),
                (found.pools, self.good.pools),
            )
            for name in now.keys() & before.keys()
        )

    def _is_emptied(self) -> bool:
        files = (self.home.jobs_toml, self.home.connectors_toml)
        return any(not file.read_text().strip() for file in files)


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[App]:
    app = App.build(a_home(tmp_path / "home", JOBS, connectors=CONNECTORS))
    async with serving(app):
        yield app


async def rows(app: App, name: str) -> dict[datetime, RunState]:
    """The due times of a job that have a row, and what became of each."""
    page = await app.runs.page(RunFilter(job_id=JobId(name), limit=1000))
    return {run.scheduled_at: run.state for run in page.runs if run.scheduled_at is not None}


async def succeeded_after(app: App, name: str, after: datetime) -> None:
    """Return once a run of the job that was due after that instant has succeeded."""
    changed = asyncio.Event()
    forget = app.bus.subscribe(RunChanged, lambda _: changed.set())
    try:
        async with asyncio.timeout(30):
            while not any(
                at > after and state is RunState.SUCCEEDED
                for at, state in (await rows(app, name)).items()
            ):
                await changed.wait()
                changed.clear()
    finally:
        forget()


async def test_nothing_that_works_stops_through_200_bad_reloads(app: App) -> None:
    good = app.catalogue
    damager = Damager(app.home, random.Random(2026), load(app.home))
    began = app.clock.now()
    for _ in range(BAD_RELOADS):
        damager.damage()
        state = await app.catalogue_keeper.reload()
        assert state.problems
        for name in NAMES:
            assert app.catalogue.jobs[JobId(name)] == good.jobs[JobId(name)]
        assert good.connectors.items() <= app.catalogue.connectors.items()
        assert good.pools.items() <= app.catalogue.pools.items()
    ended = app.clock.now()

    for name in NAMES:
        await succeeded_after(app, name, ended)
        fired = await rows(app, name)
        due = sorted(at for at in fired if began + 2 * SECOND < at <= ended)
        assert all(later - one == SECOND for one, later in pairwise(due))
        assert len(due) >= (ended - began) / SECOND - 4
        assert set(fired.values()) <= {RunState.SUCCEEDED, RunState.SKIPPED, *IN_FLIGHT}
        assert RunState.SUCCEEDED in fired.values()

    damager.write(JOBS, CONNECTORS)
    state = await app.catalogue_keeper.reload()
    assert (state.problems, state.held, state.broken) == ((), (), ())
    assert app.catalogue.jobs == good.jobs
