"""New runs from old ones: resumed, replayed, retried by the dozen."""

import json
from pathlib import Path

import pytest
from tests.homes import a_home, a_query_job, ended, messages, running

from nomaflow.domain.run import Run, RunOptions, StepRun
from nomaflow.domain.secrets import MASK
from nomaflow.domain.states import RunState, StepState
from nomaflow.errors import NotFound, Refused
from nomaflow.history.pages import RunFilter
from nomaflow.services.views import run_summary


def a_job(third: str, **fields: object) -> str:
    return f"""
    [[jobs]]
    id = "chain"
    params = {{ word = "job" }}
    {"".join(f"{name} = {json.dumps(value)}" for name, value in fields.items())}
    [[jobs.steps]]
    name = "table"
    type = "sql_query"
    connector = "default"
    query = "CREATE TABLE seen (word TEXT)"
    [[jobs.steps]]
    name = "word"
    type = "sql_query"
    connector = "default"
    query = "SELECT :word AS word, 7 AS n"
    capture_first_row = true
    [[jobs.steps]]
    name = "last"
    type = "sql_query"
    connector = "default"
    query = "{third}"
    params = {{ n = "${{out:word.first_row.n}}" }}
    """


BROKEN = "INSERT INTO missing VALUES (:word || :n)"
WORKS = "INSERT INTO seen VALUES (:word || :n)"


async def failed(home: Path, **params: str) -> tuple[Run, list[StepRun]]:
    """A run whose last step failed, in a process that has ended."""
    async with running(home) as app:
        run, steps = await ended(app, "chain", RunOptions(params=params))
    assert run.state is RunState.FAILED
    return run, steps


async def test_a_resumed_run_keeps_the_finished_steps_with_their_outputs(tmp_path: Path) -> None:
    home = a_home(tmp_path / "home", a_job(BROKEN))
    old, steps = await failed(home, word="form")
    async with running(home) as app:
        await app.database.write(lambda c: c.exec_driver_sql("CREATE TABLE missing (word TEXT)"))
        run_id = await app.repeats.resume(old.id, by="user:bob")
        run = await app.runs.wait(run_id, seconds=30)
        _, resumed = await app.runs.get(run_id)
        attempts = await app.runs.attempts(run_id)
        rows = await app.database.read(
            lambda c: [*c.exec_driver_sql("SELECT word FROM missing").scalars()]
        )

    assert (run.state, run.triggered_by) == (RunState.SUCCEEDED, f"resume:{old.id}")
    assert run.session_user == "bob"
    assert [step.output for step in resumed[:2]] == [step.output for step in steps[:2]]
    assert [name for name, _ in attempts] == ["last"]
    assert rows == ["form7"]


async def test_a_resume_is_refused_when_the_job_changed_unless_it_is_confirmed(
    tmp_path: Path,
) -> None:
    home = a_home(tmp_path / "home", a_job(BROKEN))
    old, _ = await failed(home)
    (home / "jobs.toml").write_text(a_job(WORKS))
    async with running(home) as app:
        with pytest.raises(Refused, match="changed since run 1: steps"):
            await app.repeats.resume(old.id, by="user:bob")
        before = await app.runs.page(RunFilter())
        run_id = await app.repeats.resume(old.id, by="user:bob", confirm=True)
        run = await app.runs.wait(run_id, seconds=30)

    assert [each.id for each in before.runs] == [old.id]
    assert run.state is RunState.SUCCEEDED


async def test_only_a_failed_or_canceled_run_is_resumed(tmp_path: Path) -> None:
    async with running(a_home(tmp_path / "home", a_query_job("fine", "SELECT 1"))) as app:
        run, _ = await ended(app, "fine")
        with pytest.raises(Refused, match="SUCCEEDED"):
            await app.repeats.resume(run.id, by="user:bob")


async def test_a_replay_has_the_old_runs_parameters_and_the_edits_win(tmp_path: Path) -> None:
    jobs = a_query_job("ask", "SELECT :a, :b", params={"a": 1, "b": 2})
    async with running(a_home(tmp_path / "home", jobs)) as app:
        old, _ = await ended(app, "ask", RunOptions(params={"a": "form"}))
        run_id = await app.repeats.replay(old.id, RunOptions(params={"b": "edit"}), by="user:bob")
        run = await app.runs.wait(run_id, seconds=30)
        edits = RunOptions(step_enabled={"nowhere": False})
        with pytest.raises(NotFound, match="no step 'nowhere'"):
            await app.repeats.replay(old.id, edits, by="user:bob")

    assert (run.state, run.triggered_by) == (RunState.SUCCEEDED, f"replay:{old.id}")
    assert run.params == {"a": "form", "b": "edit"}


async def test_a_replay_takes_a_plain_dollar_brace_and_a_variable_for_what_they_were(
    tmp_path: Path,
) -> None:
    texts = {
        "plain": "$${env:PLACE}",
        "place": "${env:PLACE}",
        "fallback": "${env:NOBODY:-${x}",
        "both": "$${kw:a} in ${env:PLACE}",
    }
    asked = ", ".join(f":{name} AS {name}" for name in texts)
    jobs = a_query_job("show", f"SELECT {asked}", params=texts)
    jobs += "capture_first_row = true"
    home = a_home(tmp_path / "home", jobs, env="PLACE=Lyon")
    async with running(home) as app:
        old, first = await ended(app, "show")
        new = await app.repeats.replay(old.id, RunOptions(), by="user:bob")
        await app.runs.wait(new, seconds=30)
        run, again = await app.runs.get(new)

    rows = [(step.output or {}).get("first_row") for step in (*first, *again)]
    assert rows[0] == {
        "plain": "${env:PLACE}",
        "place": MASK,
        "fallback": "${x",
        "both": f"${{kw:a}} in {MASK}",
    }
    assert rows[1] == rows[0]
    assert run_summary(run)["params"]["both"] == "${kw:a} in ${env:PLACE}"
    assert "Lyon" not in json.dumps(dict(run.params))


async def test_failed_runs_are_retried_by_filter_and_each_refusal_is_told(tmp_path: Path) -> None:
    jobs = a_query_job("sad", "SELECT * FROM nowhere", overlap="allow") + a_query_job(
        "fine", "SELECT 1"
    )
    async with running(a_home(tmp_path / "home", jobs)) as app:
        old = [(await ended(app, "sad"))[0].id for _ in range(3)]
        await ended(app, "fine")
        retried = await app.repeats.retry(RunFilter(), by="user:bob")
        for each in retried:
            assert each.new_run_id is not None
            await app.runs.wait(each.new_run_id, seconds=30)
        _, steps = await app.runs.get(retried[0].new_run_id or old[0])
        lines = await messages(app, old[0])
        with pytest.raises(Refused):
            await app.repeats.retry(RunFilter(states=frozenset({RunState.QUEUED})), by="user:bob")

    assert [each.run_id for each in retried] == sorted(old, reverse=True)
    assert steps[0].state is StepState.FAILED
    assert lines
