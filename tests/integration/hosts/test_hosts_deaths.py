"""A step may fail in any way; the reason is told and the next step works."""

import pytest
from tests.integration.hosts.stage import Stage, Watcher

from nomaflow.errors import NotFound, StepFailed, StepRefused

PLUGIN = """
import os, signal, sys, faulthandler, threading

def exits(ctx, **_):
    ctx.log.info("last words")
    os._exit(7)

def killed(ctx, **_):
    os.kill(os.getpid(), signal.SIGKILL)

def crashes(ctx, **_):
    faulthandler._sigsegv()

def leaves(ctx, **_):
    sys.exit("nothing to do")

def interrupts(ctx, **_):
    raise KeyboardInterrupt

def swallows_memory(ctx, **_):
    return bytes(1 << 60)

def recurses(ctx, **_):
    return recurses(ctx)

def raises(ctx, **_):
    return helper(0)

def helper(divisor):
    return 1 / divisor

def raises_from(ctx, **_):
    try:
        helper(0)
    except ZeroDivisionError as error:
        raise RuntimeError("no average") from error

class Odd(Exception):
    def __str__(self):
        raise ValueError("no text")

def raises_unpicklable(ctx, **_):
    raise Odd(threading.Lock(), lambda: None)

async def raises_later(ctx, **_):
    raise RuntimeError("later")

def asks_for_nothing(ctx, **_):
    ctx.get_connector("nowhere")

def fine(ctx, **_):
    return {"fine": True}
"""


@pytest.mark.parametrize(
    ("function", "cause", "message"),
    [
        ("exits", "ProcessDied", "exit code 7"),
        ("killed", "ProcessDied", "SIGKILL"),
        ("crashes", "ProcessDied", "SIGSEGV"),
        ("leaves", "SystemExit", "nothing to do"),
        ("interrupts", "KeyboardInterrupt", "KeyboardInterrupt"),
        ("swallows_memory", "MemoryError", "MemoryError"),
        ("recurses", "RecursionError", "maximum recursion depth"),
        ("raises", "ZeroDivisionError", "division by zero"),
        ("raises_from", "RuntimeError", "no average"),
        ("raises_unpicklable", "Odd", "cannot be shown"),
    ],
)
async def test_a_failure_names_its_cause_and_the_next_step_works(
    stage: Stage, function: str, cause: str, message: str
) -> None:
    stage.plugin(PLUGIN)
    with pytest.raises(StepFailed, match=message) as failure:
        await stage.call(function)
    assert failure.value.type == cause
    assert await stage.call("fine") == {"fine": True}


async def test_the_traceback_begins_in_the_users_code(stage: Stage) -> None:
    stage.plugin(PLUGIN)
    with pytest.raises(StepFailed) as failure:
        await stage.call("raises")
    traceback = failure.value.traceback or ""
    assert traceback.count('File "') == 2
    assert "in raises" in traceback
    assert "in helper" in traceback


async def test_the_traceback_of_an_async_function_begins_there_too(stage: Stage) -> None:
    stage.plugin(PLUGIN)
    with pytest.raises(StepFailed, match="later") as failure:
        await stage.call("raises_later")
    assert (failure.value.traceback or "").count('File "') == 1


async def test_a_chained_traceback_shows_both_errors(stage: Stage) -> None:
    stage.plugin(PLUGIN)
    with pytest.raises(StepFailed) as failure:
        await stage.call("raises_from")
    assert "ZeroDivisionError" in (failure.value.traceback or "")
    assert "/nomaflow/" not in (failure.value.traceback or "")


async def test_lines_before_a_sudden_end_are_kept(stage: Stage, watcher: Watcher) -> None:
    stage.plugin(PLUGIN)
    with pytest.raises(StepFailed):
        await stage.call("exits", watcher)
    assert watcher.messages == ["last words"]


async def test_a_crash_leaves_its_stack_in_the_log(stage: Stage, watcher: Watcher) -> None:
    stage.plugin(PLUGIN)
    with pytest.raises(StepFailed):
        await stage.call("crashes", watcher)
    assert "Fatal Python error: Segmentation fault" in watcher.messages
    assert any("in crashes" in message for message in watcher.messages)


async def test_an_error_of_ours_arrives_as_it_was_raised(stage: Stage) -> None:
    stage.plugin(PLUGIN)
    with pytest.raises(NotFound, match="No connector 'nowhere'"):
        await stage.call("asks_for_nothing")


async def test_a_missing_module_is_refused_with_the_way_out(stage: Stage) -> None:
    with pytest.raises(StepRefused, match=r"no module 'absent'.*plugins/"):
        await stage.call("absent.summary:build")


async def test_a_module_that_fails_to_import_shows_where(stage: Stage) -> None:
    stage.plugin("import absent_dependency")
    with pytest.raises(StepFailed, match="absent_dependency") as failure:
        await stage.call("anything")
    assert failure.value.type == "ModuleNotFoundError"
    assert "plugin.py" in (failure.value.traceback or "")
