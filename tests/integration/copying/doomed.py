"""A copy in a process that kills itself at a given moment."""

import multiprocessing
import os
import signal
import threading

from tests.integration.copying.conftest import Desk


def killed_copy(
    urls: dict[str, str], table: str, *, at: str, after_seconds: float = 0, lane: str = "rows"
) -> int:
    """Copy in a process that dies that long after the log line; returns its exit code."""
    process = multiprocessing.get_context("spawn").Process(
        target=_copy, args=(urls, table, at, after_seconds, lane)
    )
    process.start()
    process.join()
    return process.exitcode or 0


def _copy(urls: dict[str, str], table: str, at: str, after_seconds: float, lane: str) -> None:
    def told(line: str) -> None:
        if line.startswith(at):
            threading.Timer(after_seconds, os.kill, (os.getpid(), signal.SIGKILL)).start()
            if not after_seconds:
                threading.Event().wait()

    desk = Desk()
    desk.urls = urls
    desk.port.when_told = told
    desk.copy(table, batch_size=1000, lane=lane)
    desk.close()
