"""A process of its own that works on a store: `python queue_racer.py WHAT URL`.

It says `ready`, waits for a line, then works; each line that it prints is a fact that is durable.
"""

import asyncio
import sys
from datetime import UTC, datetime

from nomaflow.clock import SystemClock
from nomaflow.domain.job import JobId
from nomaflow.domain.run import SCHEDULE, NewRun, ProcessId, StepRun
from nomaflow.domain.states import StepState
from nomaflow.history.changes import StepsPlanned
from nomaflow.history.database import Database
from nomaflow.history.runs import RunHistory
from nomaflow.queue.run_queue import RunQueue

AT = datetime(2026, 3, 1, tzinfo=UTC)


def say(*words: object) -> None:
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


async def insert_due(database: Database) -> None:
    """Every racer decides the same 1,000 due times."""
    queue = RunQueue(database, SystemClock())
    due = [(NewRun(JobId(f"job{n}"), "cron", SCHEDULE, AT), "skip") for n in range(1000)]
    cursors = {(new.job_id, SCHEDULE): AT for new, _ in due}
    say(len(await queue.enqueue_due(due, cursors)))


async def claim(database: Database) -> None:
    """Takes from the queue until it is empty."""
    queue = RunQueue(database, SystemClock())
    while runs := await queue.claim(ProcessId(f"{id(database)}"), 7):
        say(*(run.id for run in runs))


async def work(database: Database) -> None:
    """Takes runs through a plan of two steps, until it is killed."""
    queue, history = RunQueue(database, SystemClock()), RunHistory(database, SystemClock())
    while True:
        await queue.enqueue(NewRun(JobId("endless"), "cli:racer"), overlap="allow")
        [run] = await queue.claim(ProcessId("racer"), 1)
        steps = [StepRun(run.id, n, f"step{n}", "python", StepState.PENDING) for n in (0, 1)]
        await history.write(run.fence, StepsPlanned(steps))
        say(run.id)


async def main(what: str, url: str) -> None:
    database = Database.open(url)
    await database.read(lambda connection: None)
    say("ready")
    sys.stdin.readline()
    await {"insert_due": insert_due, "claim": claim, "work": work}[what](database)
    await database.close()


asyncio.run(main(*sys.argv[1:]))
