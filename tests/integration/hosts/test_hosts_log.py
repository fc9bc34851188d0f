"""What a step logs, prints and reports arrives complete and in order."""

from tests.integration.hosts.stage import Stage, Watcher

PLUGIN = """
import os, subprocess, sys, logging, threading

def many(ctx, *, count, **_):
    for number in range(count):
        ctx.log.info("line %d", number)

def prints(ctx, **_):
    print("first")
    ctx.log.warning("second")
    print("third", "fourth", end="")
    print("warned", file=sys.stderr)
    logging.getLogger("user").warning("from logging")
    print("a" * 3, "b", sep="\\n")
    sys.stdout.write("without an end")

def odd_text(ctx, **_):
    ctx.log.info("100% of \\ud800 \\x00 \\U0001f600")
    ctx.log.info("two\\nlines")

def commands(ctx, **_):
    subprocess.run(["sh", "-c", "echo from a command; echo to stderr >&2; printf rest"])

def forks(ctx, **_):
    child = os.fork()
    if child == 0:
        print("from a fork", flush=True)
        os._exit(0)
    os.waitpid(child, 0)

def progress(ctx, **_):
    ctx.progress(1, 3)
    ctx.progress(2)

def leaves_a_thread(ctx, **_):
    def talk():
        while True:
            ctx.log.info("from another life")
            print("printed in another life")
    threading.Thread(target=talk, daemon=True).start()

def silent(ctx, **_):
    pass
"""


async def test_100_000_lines_arrive_complete_and_in_order(stage: Stage, watcher: Watcher) -> None:
    stage.plugin(PLUGIN)
    await stage.call("many", watcher, count=100_000)
    assert watcher.messages == [f"line {number}" for number in range(100_000)]


async def test_prints_become_lines_between_the_logged_ones(stage: Stage, watcher: Watcher) -> None:
    stage.plugin(PLUGIN)
    await stage.call("prints", watcher)
    assert watcher.lines == [
        ("INFO", "first", "stdout"),
        ("WARNING", "second", ""),
        ("INFO", "warned", "stderr"),
        ("INFO", "from logging", "stderr"),
        ("INFO", "third fourthaaa", "stdout"),
        ("INFO", "b", "stdout"),
        ("INFO", "without an end", "stdout"),
    ]


async def test_any_text_crosses(stage: Stage, watcher: Watcher) -> None:
    stage.plugin(PLUGIN)
    await stage.call("odd_text", watcher)
    assert watcher.messages == ["100% of \ud800 \x00 \U0001f600", "two\nlines"]


async def test_output_of_commands_is_kept(stage: Stage, watcher: Watcher) -> None:
    stage.plugin(PLUGIN)
    await stage.call("commands", watcher)
    assert watcher.lines == [
        ("INFO", "from a command", "stdout"),
        ("INFO", "to stderr", "stdout"),
        ("INFO", "rest", "stdout"),
    ]


async def test_a_forked_process_prints_into_the_log(stage: Stage, watcher: Watcher) -> None:
    stage.plugin(PLUGIN)
    await stage.call("forks", watcher)
    assert watcher.messages == ["from a fork"]


async def test_output_does_not_reach_the_next_step(stage: Stage) -> None:
    stage.plugin(PLUGIN)
    await stage.call("commands")
    watcher = Watcher()
    await stage.call("silent", watcher)
    assert watcher.lines == []


async def test_a_thread_that_outlives_its_step_does_not_speak_in_the_next(stage: Stage) -> None:
    stage.plugin(PLUGIN)
    await stage.call("leaves_a_thread")
    watcher = Watcher()
    await stage.call("silent", watcher)
    assert [line for line in watcher.lines if line[2] == ""] == []


async def test_progress_is_told(stage: Stage, watcher: Watcher) -> None:
    stage.plugin(PLUGIN)
    await stage.call("progress", watcher)
    assert watcher.steps == [(1, 3), (2, None)]
