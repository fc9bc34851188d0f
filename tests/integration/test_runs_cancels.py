"""Sixty cancels over HTTP, at seeded moments from before the run's id is answered to its end."""

import random
import time
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tests.commands import Server, serving
from tests.homes import a_home, a_token

PLUGIN = """
import time

def doze(ctx):
    time.sleep(0.1)
"""
JOBS = """
[[jobs]]
id = "doze"
overlap = "allow"
[[jobs.steps]]
name = "ask"
type = "sql_query"
connector = "erp"
query = "SELECT pg_sleep(0.2)"
[[jobs.steps]]
name = "doze"
type = "python"
callable = "plugin:doze"
[[jobs.steps]]
name = "ask again"
type = "sql_query"
connector = "erp"
query = "SELECT pg_sleep(0.1)"
"""
ERP = '[pools.erp]\nurl = "{}"\n[connectors.erp]\ntype = "sql"\npool = "erp"\n'
ASLEEP = """
SELECT query FROM pg_stat_activity
WHERE state = 'active' AND query LIKE '%pg_sleep%' AND pid <> pg_backend_pid()
AND datname = current_database()
"""
EARLY, CANCELS = 15, 60


@pytest.mark.slow
@pytest.mark.postgresql
def test_every_cancel_ends_canceled_or_came_too_late_and_no_statement_goes_on(
    tmp_path: Path, postgresql_url: str
) -> None:
    erp = ERP.format(postgresql_url)
    home = a_home(tmp_path / "home", JOBS, connectors=erp, plugins={"plugin.py": PLUGIN})
    chance = random.Random(20261122)
    with (
        serving(home, a_token(home)) as server,
        psycopg.connect(postgresql_url, autocommit=True) as database,
        ThreadPoolExecutor(1) as starter,
    ):
        whole_run(server)
        length = whole_run(server)  # the first one started the child process too
        ends = []
        for number in range(CANCELS):
            starting = starter.submit(server.run, "doze")
            if number >= EARLY:
                starting.result()
                time.sleep(chance.uniform(0, length))  # the moment is chosen, not waited for
            accepted, run = canceled(server, number + 3, starting)
            ends.append((accepted, run["state"]))
            assert database.execute(ASLEEP).fetchall() == []
            assert {step["state"] for step in run["steps"]} <= {"SUCCEEDED", "CANCELED"}

    counted = Counter(ends)
    assert counted.keys() <= {(True, "CANCELED"), (False, "SUCCEEDED")}
    assert counted[True, "CANCELED"] > CANCELS / 2


def whole_run(server: Server) -> float:
    """Seconds of a run that nobody cancels."""
    began = time.monotonic()
    assert server.ended(server.run("doze"))["state"] == "SUCCEEDED"
    return time.monotonic() - began


def canceled(server: Server, run_id: int, starting: "Future[int]") -> tuple[bool, Any]:
    """Whether the cancel was accepted, and the run once it has ended, soon after.

    The id is known before it is answered, because the runs are counted; the cancel may be there
    before the run is.
    """
    while True:
        is_there = starting.done()
        answer = server.http.post(f"/api/v1/runs/{run_id}/cancel")
        if answer.status_code != 404 or is_there:
            break
    assert starting.result() == run_id
    assert answer.status_code in {200, 202, 409}, answer.text
    return answer.status_code != 409, server.ended(run_id, seconds=10)
