"""A parent to be killed: runs an endless step and prints the id of the process that it is in."""

import asyncio
import sys
from pathlib import Path

from tests.integration.hosts.stage import Stage, Watcher

PLUGIN = """
import os

def loop(ctx, **_):
    ctx.log.info("pid %d", os.getpid())
    while True:
        pass
"""


async def main(folder: Path) -> None:
    stage, watcher = Stage(folder), Watcher()
    stage.plugin(PLUGIN)
    running = asyncio.create_task(stage.call("loop", watcher))
    sys.stdout.write(await watcher.line("pid") + "\n")
    sys.stdout.flush()
    await running


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
