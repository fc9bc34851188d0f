"""Several real processes on one store."""

import subprocess
import sys
from pathlib import Path

from sqlalchemy import Connection, text
from tests.integration.history.history_builders import Desk, by_hand

from nomaflow.history.runs import RunFilter

RACER = Path(__file__).with_name("queue_racer.py")
Racer = subprocess.Popen[str]


def racers(what: str, url: str, count: int) -> list[Racer]:
    """Processes that are at the starting line."""
    command = [sys.executable, str(RACER), what, url]
    started = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(count)
    ]
    assert [said_by(racer) for racer in started] == ["ready"] * count
    return started


def said_by(racer: Racer) -> str:
    assert racer.stdout is not None
    return racer.stdout.readline().strip()


def go(racer: Racer) -> None:
    assert racer.stdin is not None
    racer.stdin.write("go\n")
    racer.stdin.flush()


def raced(what: str, url: str) -> list[list[str]]:
    """What each of four said, once all have ended well."""
    started = racers(what, url, 4)
    for racer in started:
        go(racer)
    said = [racer.communicate(timeout=60)[0].split() for racer in started]
    assert [racer.returncode for racer in started] == [0] * 4
    return said


async def test_four_processes_that_decide_the_same_due_times_make_one_row_each(
    desk: Desk, store_url: str
) -> None:
    said = raced("insert_due", store_url)
    assert sorted(said) == [["0"], ["0"], ["0"], ["1000"]]
    page = await desk.history.page(RunFilter(limit=1000))
    assert len({run.job_id for run in page.runs}) == len(page.runs) == 1000
    assert page.next_cursor is None
    assert len(await desk.queue.cursors()) == 1000


async def test_four_processes_that_claim_never_get_the_same_run(desk: Desk, store_url: str) -> None:
    ids = await desk.history.insert([by_hand()] * 300)
    claimed = [int(run_id) for said in raced("claim", store_url) for run_id in said]
    assert sorted(claimed) == sorted(run_id for run_id in ids if run_id)


async def test_a_process_that_is_killed_while_it_writes_leaves_a_consistent_store(
    desk: Desk, store_url: str
) -> None:
    [victim] = racers("work", store_url, 1)
    go(victim)
    told = {int(said_by(victim)) for _ in range(30)}
    victim.kill()
    told |= {
        int(line) for line in victim.communicate()[0].splitlines(keepends=True) if "\n" in line
    }
    page = await desk.history.page(RunFilter(limit=1000))
    steps = {run.id: len(await desk.history.steps(run.id)) for run in page.runs}
    assert {run_id for run_id, count in steps.items() if count == 2} >= told
    assert set(steps.values()) <= {0, 2}
    assert list(steps.values()).count(0) <= 1
    assert await desk.database.read(_is_whole)


def _is_whole(connection: Connection) -> bool:
    if connection.dialect.name != "sqlite":
        return True
    return connection.execute(text("PRAGMA integrity_check")).scalar() == "ok"
