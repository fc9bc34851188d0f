"""What a python step refuses, and what becomes of a function's return value."""

import math
import sys
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from nomaflow.errors import StepFailed, StepRefused
from nomaflow.steps.context import StepContext
from nomaflow.steps.python import STEP, PythonSpec
from nomaflow.testing import FakeRun, build_fake_ctx


def called(function: str, ctx: StepContext | None = None, **params: Any) -> Any:
    spec = PythonSpec(callable=f"plugin_of_tests:{function}")
    return STEP.run(spec, ctx or build_fake_ctx(params=params, run=FakeRun(session_user="cron")))


@pytest.fixture(autouse=True)
def _plugin(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("plugins")
    (folder / "plugin_of_tests.py").write_text(PLUGIN)
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delitem(sys.modules, "plugin_of_tests", raising=False)


PLUGIN = """
import functools
import math

class Group:
    @staticmethod
    def inside(ctx, **_):
        return "inside"

class Unshowable:
    def __repr__(self):
        raise ValueError

def gives(ctx, *, value, **_):
    return value

async def gives_later(ctx, *, value, **_):
    return value

def unshowable(ctx, **_):
    return Unshowable()

def shows(ctx, **_):
    return {"who": ctx.session_user, "params": ctx.params, "key": ctx.idempotency_key}

def needs(ctx, *, period):
    return period

def decorated(function):
    @functools.wraps(function)
    def around(*args, **kwargs):
        return function(*args, **kwargs)
    return around

async def queries(ctx, **_):
    return await ctx.get_connector("db").scalar("SELECT 7")

behind_a_decorator = decorated(queries)
partial = functools.partial(queries, unused=1)

class Called:
    async def __call__(self, ctx, **_):
        return await ctx.get_connector("db").scalar("SELECT 7")

called = Called()

def hands_over(ctx, **_):
    return gives_later(ctx, value=7)

async def forgets(ctx, **_):
    return ctx.run_step("sql_query", connector="db", query="SELECT 7")

def yields(ctx, **_):
    yield 7

async def yields_later(ctx, **_):
    yield 7

no_function = 1
"""


@pytest.mark.parametrize("function", ["gives", "gives_later"])
@pytest.mark.parametrize(
    ("returned", "output"),
    [
        ({"a": [1, None]}, {"a": [1, None]}),
        ({}, {}),
        (None, {}),
        (42, {"rows_affected": 42}),
        (True, {"value": True}),
        (1.5, {"value": 1.5}),
        ("text", {"value": "text"}),
        ([1, "a"], {"value": [1, "a"]}),
        ((1, 2), {"value": [1, 2]}),
    ],
)
def test_a_json_value_becomes_the_output(function: str, returned: Any, output: Any) -> None:
    assert called(function, value=returned) == output


@pytest.mark.parametrize(
    "returned",
    [
        {1, 2},
        object(),
        {"ratio": math.nan},
        b"bytes",
        {(1, 2): 3},
        datetime(2026, 1, 1, tzinfo=UTC),
    ],
)
def test_what_is_not_json_is_kept_as_a_preview_with_a_warning(returned: Any) -> None:
    ctx = build_fake_ctx(params={"value": returned})
    output = called("gives", ctx)
    assert output == {"truncated": True, "preview": repr(returned)[:4096]}
    assert ctx.lines == [("WARNING", "The return value is not JSON; only a preview of it is kept.")]


def test_a_large_value_is_cut() -> None:
    ctx = build_fake_ctx(params={"value": "x" * 300_000})
    output = called("gives", ctx)
    assert output["truncated"]
    assert len(output["preview"]) == 4096
    assert "300,002 bytes, more than 262,144" in ctx.lines[0][1]


def test_a_value_that_cannot_be_shown_does_not_fail_the_step() -> None:
    assert called("unshowable") == {"truncated": True, "preview": "<Unshowable>"}


def test_the_context_gives_the_facts() -> None:
    assert called("shows", region="EU") == {
        "who": "cron",
        "params": {"region": "EU"},
        "key": "1:0",
    }


def test_a_method_of_a_class_can_be_called() -> None:
    assert called("Group.inside") == {"value": "inside"}


def test_an_unexpected_parameter_is_named_with_the_way_out() -> None:
    with pytest.raises(StepRefused, match=r"unexpected keyword argument 'region'.*\*\*_"):
        called("needs", period="month", region="EU")


def test_a_missing_parameter_is_named() -> None:
    with pytest.raises(StepRefused, match=r"missing a required .*'period'"):
        called("needs")


@pytest.mark.parametrize("function", ["absent", "no_function"])
def test_a_missing_function_is_refused(function: str) -> None:
    with pytest.raises(StepRefused, match=f"'plugin_of_tests' has no function '{function}'"):
        called(function)


@pytest.mark.parametrize("shape", ["", "module", "module:", ":f", "a b:c", "a.:c", "a:b:c", "1:f"])
def test_a_callable_of_another_shape_is_a_problem_on_save(shape: str) -> None:
    with pytest.raises(ValidationError):
        PythonSpec(callable=shape)


@pytest.mark.parametrize(
    "function", ["queries", "behind_a_decorator", "partial", "called", "hands_over"]
)
def test_what_awaits_is_awaited_however_it_is_wrapped(function: str) -> None:
    with build_fake_ctx(connectors={"db": "sqlite://"}) as ctx:
        assert called(function, ctx) == {"rows_affected": 7}


@pytest.mark.parametrize("function", ["yields", "yields_later"])
def test_a_generator_is_refused_because_nothing_of_it_would_run(function: str) -> None:
    with pytest.raises(StepRefused, match=f"{function} has a `yield` in it"):
        called(function)


def test_work_that_nobody_awaited_is_no_success() -> None:
    with pytest.raises(StepFailed, match=r"without having awaited it.*Write `await`") as failure:
        called("forgets")
    assert failure.value.type == "NotAwaited"


def test_a_line_that_does_not_fit_its_values_is_written_as_it_is() -> None:
    ctx = build_fake_ctx()
    ctx.log.info("%s of %s", 1)
    ctx.log.warning("%d files", "many")
    ctx.log.info("100%")
    assert [line for _, line in ctx.lines] == ["%s of %s (1,)", "%d files ('many',)", "100%"]


@pytest.mark.parametrize(("done", "total"), [("a", None), (1, "ten"), (None, 1)])
def test_progress_that_is_no_number_is_refused_where_it_is_told(done: Any, total: Any) -> None:
    with pytest.raises(TypeError, match=r"progress\(done, total\) takes numbers"):
        build_fake_ctx().progress(done, total)
