"""A scheduler in a process of its own: `python scheduler_racer.py HOME INSTANT`.

It says `ready`, waits for a line, decides all that is due at that instant, and says `done`.
"""

import asyncio
import sys
from datetime import datetime
from pathlib import Path

from nomaflow.app import App


class StoppedClock:
    """It is always the same instant; nobody wakes."""

    def __init__(self, at: datetime) -> None:
        self._at = at

    def now(self) -> datetime:
        return self._at

    def steady(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        await asyncio.Event().wait()


def say(word: str) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


async def main(home: str, at: str) -> None:
    app = App.build(Path(home), clock=StoppedClock(datetime.fromisoformat(at)))
    async with app.store():
        say("ready")
        await asyncio.to_thread(sys.stdin.readline)
        await app.scheduler.start()
        await app.scheduler.stop()
    say("done")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
