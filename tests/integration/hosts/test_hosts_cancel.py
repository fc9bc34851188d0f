"""Whatever a step does, a cancel ends it, and returns when it is gone."""

import asyncio
import sys
import time
from pathlib import Path

import pytest
from tests.integration.hosts.stage import Stage, Watcher, cancelled, is_running, until

from nomaflow.errors import StepFailed

STUBBORN = """
import os, re, subprocess, time

def loop(ctx, **_):
    ctx.log.info("pid %d", os.getpid())
    while True:
        pass

def sleep_in_c(ctx, **_):
    ctx.log.info("pid %d", os.getpid())
    time.sleep(3600)

def sort_in_c(ctx, **_):
    numbers = [(i * 7919) % 1000003 for i in range(2_000_000)]
    ctx.log.info("pid %d", os.getpid())
    while True:
        sorted(numbers)

def regex_in_c(ctx, **_):
    ctx.log.info("pid %d", os.getpid())
    re.match(r"(a+)+$", "a" * 60 + "b")

def command(ctx, **_):
    started = subprocess.Popen(["sleep", "3600"])
    ctx.log.info("pid %d", started.pid)
    started.wait()

def deaf(ctx, **_):
    ctx.log.info("pid %d", os.getpid())
    while True:
        try:
            time.sleep(3600)
        except BaseException:
            pass

async def deaf_async(ctx, **_):
    ctx.log.info("pid %d", os.getpid())
    while True:
        pass
"""

POLITE = """
import asyncio, os, subprocess, time

def looks_up(ctx, **_):
    ctx.log.info("pid %d", os.getpid())
    while not ctx.is_cancelled():
        time.sleep(0.01)
    ctx.log.info("bye")

async def awaits(ctx, **_):
    ctx.log.info("pid %d", os.getpid())
    try:
        await asyncio.sleep(3600)
    finally:
        await asyncio.sleep(0.05)
        ctx.log.info("cleaned up")

def leaves_a_command(ctx, **_):
    ctx.log.info("pid %d", subprocess.Popen(["sleep", "3600"]).pid)
    while not ctx.is_cancelled():
        time.sleep(0.01)

def leaves_a_session(ctx, **_):
    shell = subprocess.Popen(["sh", "-c", "sleep 3600 & echo $!; wait"], start_new_session=True,
                             stdout=subprocess.PIPE, text=True)
    ctx.log.info("pid %d %s", shell.pid, shell.stdout.readline())
    while not ctx.is_cancelled():
        time.sleep(0.01)

def leaves_an_orphan(ctx, **_):
    ctx.log.info("pid %d", orphan(["sleep", "3600"]))
    while not ctx.is_cancelled():
        time.sleep(0.01)

def leaves_a_fork(ctx, **_):
    ctx.log.info("pid %d", orphan(None))
    while True:
        pass

def dies_before_its_orphan(ctx, **_):
    ctx.log.info("pid %d", orphan(["sleep", "3600"]))
    os._exit(1)

def orphan(command):
    ours, theirs = os.pipe()
    if os.fork() == 0:
        os.setsid()
        if (pid := os.fork()) != 0:
            os.write(theirs, str(pid).encode())
            os._exit(0)
        if command:
            os.execvp(command[0], command)
        while True:
            time.sleep(3600)
    os.wait()
    return int(os.read(ours, 20))

def pid(ctx, **_):
    return os.getpid()
"""


@pytest.mark.parametrize(
    "function",
    ["loop", "sleep_in_c", "sort_in_c", "regex_in_c", "command", "deaf", "deaf_async"],
)
async def test_a_step_that_never_looks_up_is_killed(
    stage: Stage, watcher: Watcher, function: str
) -> None:
    stage.plugin(STUBBORN)
    running = asyncio.create_task(stage.call(function, watcher))
    pid = int(await watcher.line("pid"))
    await cancelled(running)
    await until(lambda: not is_running(pid))


async def test_twenty_loops_cancelled_at_once_leave_no_process(tmp_path: Path) -> None:
    stage = Stage(tmp_path, size=20)
    stage.plugin(STUBBORN)
    watchers = [Watcher() for _ in range(20)]
    running = [asyncio.create_task(stage.call("loop", watcher)) for watcher in watchers]
    pids = [int(await watcher.line("pid")) for watcher in watchers]
    await asyncio.gather(*(cancelled(task) for task in running))
    assert [pid for pid in pids if is_running(pid)] == []
    await stage.close()


async def test_the_event_loop_does_not_stall_while_steps_are_stopped(stage: Stage) -> None:
    stage.plugin(STUBBORN)
    longest = [await _longest_gap_while_stopping(stage) for _ in range(3)]
    assert min(longest) < 0.05  # a busy machine may cause one of them, our own stall would all


async def test_a_step_that_looks_up_ends_by_itself(tmp_path: Path, watcher: Watcher) -> None:
    stage = Stage(tmp_path, grace=60)
    stage.plugin(POLITE)
    running = asyncio.create_task(stage.call("looks_up", watcher))
    await watcher.line("pid")
    await cancelled(running)
    assert watcher.messages[-1] == "bye"
    assert set(await stage.call("pid")) == {"rows_affected"}
    await stage.close()


async def test_what_a_cancelled_step_left_running_goes_too(stage: Stage, watcher: Watcher) -> None:
    stage.plugin(POLITE)
    running = asyncio.create_task(stage.call("leaves_a_command", watcher))
    pid = int(await watcher.line("pid"))
    await cancelled(running)
    await until(lambda: not is_running(pid))


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel lists a process's children")
@pytest.mark.parametrize("function", ["leaves_a_session", "leaves_an_orphan", "leaves_a_fork"])
async def test_what_made_a_session_of_its_own_goes_too(
    stage: Stage, watcher: Watcher, function: str
) -> None:
    stage.plugin(POLITE)
    running = asyncio.create_task(stage.call(function, watcher))
    pids = [int(word) for word in (await watcher.line("pid")).split()]
    assert all(map(is_running, pids))
    await cancelled(running)
    await until(lambda: not any(map(is_running, pids)))


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel shows a process's environment")
async def test_what_a_process_left_that_died_goes_too(stage: Stage, watcher: Watcher) -> None:
    stage.plugin(POLITE)
    with pytest.raises(StepFailed, match="exit code 1"):
        await stage.call("dies_before_its_orphan", watcher)
    pid = int(await watcher.line("pid"))
    await until(lambda: not is_running(pid))


async def test_an_async_step_is_cancelled_where_it_awaits_and_may_clean_up(
    stage: Stage, watcher: Watcher
) -> None:
    stage.plugin(POLITE)
    running = asyncio.create_task(stage.call("awaits", watcher))
    await watcher.line("pid")
    await cancelled(running)
    assert watcher.messages[-1] == "cleaned up"


async def test_a_cancel_before_the_process_is_up_leaves_a_host_that_works(stage: Stage) -> None:
    stage.plugin(POLITE)
    running = asyncio.create_task(stage.call("looks_up"))
    await asyncio.sleep(0)
    await cancelled(running)
    assert set(await stage.call("pid")) == {"rows_affected"}


async def test_a_second_cancel_does_not_cut_the_stop_short(stage: Stage, watcher: Watcher) -> None:
    stage.plugin(STUBBORN)
    running = asyncio.create_task(stage.call("loop", watcher))
    pid = int(await watcher.line("pid"))
    running.cancel()
    await asyncio.sleep(0)
    await cancelled(running)
    assert not is_running(pid)


async def test_closing_the_hosts_kills_what_still_executes(stage: Stage, watcher: Watcher) -> None:
    stage.plugin(STUBBORN)
    running = asyncio.create_task(stage.call("command", watcher))
    pid = int(await watcher.line("pid"))
    await stage.close()
    with pytest.raises(Exception, match="killed by SIGKILL"):
        await running
    await until(lambda: not is_running(pid))


async def _longest_gap_while_stopping(stage: Stage) -> float:
    """Seconds between two turns of the loop, at most, while three steps are cancelled."""
    watchers = [Watcher() for _ in range(3)]
    running = [asyncio.create_task(stage.call("sleep_in_c", watcher)) for watcher in watchers]
    for watcher in watchers:
        await watcher.line("pid")
    gaps: list[float] = []
    ticking = asyncio.create_task(_measure_gaps(gaps))
    await asyncio.gather(*(cancelled(task) for task in running))
    await cancelled(ticking)
    return max(gaps)


async def _measure_gaps(gaps: list[float]) -> None:
    while True:
        before = time.perf_counter()
        await asyncio.sleep(0.001)
        gaps.append(time.perf_counter() - before)
