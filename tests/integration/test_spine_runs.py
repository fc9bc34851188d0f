"""From jobs.toml to the history, through the real floors on the embedded store."""

import asyncio
from pathlib import Path

import pytest
from tests.homes import (
    a_home,
    a_query_job,
    ended,
    has_begun,
    messages,
    once,
    running,
    waits_for_retry,
)

from nomaflow.domain.run import RunOptions
from nomaflow.domain.states import RunState, StepState
from nomaflow.errors import InvalidConfiguration, JobBusy, NotFound, Refused

ENDLESS = (
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000000) "
    "SELECT max(i) FROM n"
)


async def test_a_job_of_the_catalogue_becomes_a_row_of_the_history(tmp_path: Path) -> None:
    home = a_home(tmp_path / "home", a_query_job("nightly", "SELECT 1", "SELECT 2 UNION SELECT 3"))
    async with running(home) as app:
        run, steps = await ended(app, "nightly")
        lines = await messages(app, run.id)

    assert (run.state, run.reason, run.triggered_by) == (RunState.SUCCEEDED, None, "user:ann")
    assert run.started_at is not None
    assert run.finished_at is not None
    assert [(step.name, step.state, step.attempts) for step in steps] == [
        ("step-1", StepState.SUCCEEDED, 1),
        ("step-2", StepState.SUCCEEDED, 1),
    ]
    assert [step.output for step in steps] == [{"rows_affected": 1}, {"rows_affected": 2}]
    assert lines[0] == f"run {run.id} of job 'nightly' started, triggered by user:ann"
    assert lines[-1].startswith("run succeeded after ")


async def test_after_a_failed_step_the_rest_is_canceled_and_the_run_names_step_and_cause(
    tmp_path: Path,
) -> None:
    home = a_home(tmp_path / "home", a_query_job("sad", "SELECT * FROM nowhere", "SELECT 1"))
    async with running(home) as app:
        run, (first, second) = await ended(app, "sad")

    assert run.state is RunState.FAILED
    assert run.reason is not None
    assert "step-1" in run.reason
    assert "nowhere" in run.reason
    assert first.error is not None
    assert "SELECT" not in first.error.message
    assert (second.state, second.reason) == (StepState.CANCELED, "skipped: earlier step failed")


async def test_continue_on_error_runs_the_rest_and_the_run_ends_failed(tmp_path: Path) -> None:
    jobs = a_query_job("brave", "SELECT * FROM nowhere", "SELECT 1").replace(
        'name = "step-1"', 'name = "step-1"\ncontinue_on_error = true'
    )
    async with running(a_home(tmp_path / "home", jobs)) as app:
        run, steps = await ended(app, "brave")

    assert (run.state, run.reason) == (RunState.FAILED, "continued after: step-1")
    assert [step.state for step in steps] == [StepState.FAILED, StepState.SUCCEEDED]


async def test_a_failed_step_is_tried_again_and_every_attempt_is_kept(tmp_path: Path) -> None:
    jobs = a_query_job(
        "again", "SELECT * FROM nowhere", retry={"attempts": 3, "base_seconds": 0.01}
    )
    async with running(a_home(tmp_path / "home", jobs)) as app:
        run, (step,) = await ended(app, "again")
        attempts = await app.stored.runs.attempts(run.id)

    assert (step.state, step.attempts) == (StepState.FAILED, 3)
    assert [attempt.attempt for attempt in attempts] == [1, 2, 3]
    assert all(attempt.error and attempt.finished_at for attempt in attempts)


async def test_a_disabled_step_and_one_that_is_switched_off_are_canceled_and_the_rest_runs(
    tmp_path: Path,
) -> None:
    jobs = a_query_job("some", "SELECT 1", "SELECT 2", "SELECT 3").replace(
        'name = "step-1"', 'name = "step-1"\nenabled = false'
    )
    async with running(a_home(tmp_path / "home", jobs)) as app:
        run, steps = await ended(app, "some", RunOptions(step_enabled={"step-3": False}))
        _, switched = await ended(app, "some", RunOptions(step_enabled={"step-1": True}))

    assert run.state is RunState.SUCCEEDED
    assert [(step.state, step.reason) for step in steps] == [
        (StepState.CANCELED, "skipped: disabled"),
        (StepState.SUCCEEDED, None),
        (StepState.CANCELED, "skipped: disabled"),
    ]
    assert all(step.state is StepState.SUCCEEDED for step in switched)


async def test_a_statement_that_hits_its_wall_fails_with_reason_timeout(tmp_path: Path) -> None:
    jobs = a_query_job("slow", ENDLESS, "SELECT 1").replace(
        'name = "step-1"', 'name = "step-1"\ntimeout_seconds = 0.3'
    )
    async with running(a_home(tmp_path / "home", jobs)) as app:
        run, (first, second) = await ended(app, "slow")

    assert run.state is RunState.FAILED
    assert (first.state, first.reason) == (StepState.FAILED, "timeout")
    assert second.reason == "skipped: earlier step failed"


async def test_a_run_that_hits_its_wall_fails_whatever_the_retry_policy_says(
    tmp_path: Path,
) -> None:
    jobs = a_query_job(
        "slow", ENDLESS, timeout_seconds=1, retry={"attempts": 5, "base_seconds": 0}
    ).replace('name = "step-1"', 'name = "step-1"\ntimeout_seconds = 1')
    async with running(a_home(tmp_path / "home", jobs)) as app:
        run, (step,) = await ended(app, "slow")

    assert (run.state, run.reason) == (RunState.FAILED, "timeout")
    assert step.state is StepState.FAILED


async def test_a_running_statement_is_canceled_and_the_log_says_by_whom(tmp_path: Path) -> None:
    async with running(a_home(tmp_path / "home", a_query_job("long", ENDLESS, "SELECT 1"))) as app:
        run_id = await app.runs.start("long", RunOptions(), by="user:ann")
        await once(app, run_id, has_begun)
        await app.runs.cancel(run_id, by="user:bob")
        await app.runs.wait(run_id, seconds=5)
        run, (first, second) = await app.runs.get(run_id)
        lines = await messages(app, run_id)
        with pytest.raises(Refused):
            await app.runs.cancel(run_id, by="user:bob")

    assert (run.state, run.reason) == (RunState.CANCELED, "cancelled by user:bob")
    assert (first.state, second.state) == (StepState.CANCELED, StepState.CANCELED)
    assert lines[-1] == "run cancelled by user:bob"


async def test_a_wait_for_the_next_attempt_can_be_canceled(tmp_path: Path) -> None:
    jobs = a_query_job("wait", "SELECT * FROM nowhere", retry={"attempts": 2, "base_seconds": 20})
    async with running(a_home(tmp_path / "home", jobs)) as app:
        run_id = await app.runs.start("wait", RunOptions(), by="user:ann")
        await once(app, run_id, waits_for_retry)
        await app.runs.cancel(run_id, by="user:bob")
        run = await app.runs.wait(run_id, seconds=5)

    assert (run.state, run.reason) == (RunState.CANCELED, "cancelled by user:bob")


async def test_cancels_at_random_moments_never_leave_a_run_hanging(tmp_path: Path) -> None:
    home = a_home(tmp_path / "home", a_query_job("quick", "SELECT 1", "SELECT 2", overlap="allow"))
    async with running(home) as app:

        async def cancel_after(seconds: float) -> tuple[RunState, bool]:
            run_id = await app.runs.start("quick", RunOptions(), by="user:ann")
            await asyncio.sleep(seconds)
            try:
                await app.runs.cancel(run_id, by="user:bob")
            except Refused:
                return (await app.runs.wait(run_id, seconds=10)).state, False
            return (await app.runs.wait(run_id, seconds=10)).state, True

        ends = await asyncio.gather(*(cancel_after(number / 600) for number in range(60)))

    assert all(state is RunState.CANCELED for state, accepted in ends if accepted)
    assert all(state is RunState.SUCCEEDED for state, accepted in ends if not accepted)


async def test_a_second_run_by_hand_is_refused_with_the_id_of_the_one_in_flight(
    tmp_path: Path,
) -> None:
    async with running(a_home(tmp_path / "home", a_query_job("one", ENDLESS))) as app:
        run_id = await app.runs.start("one", RunOptions(), by="user:ann")
        with pytest.raises(JobBusy) as refused:
            await app.runs.start("one", RunOptions(), by="user:ann")
        await app.runs.cancel(run_id, by="user:ann")
        await app.runs.wait(run_id, seconds=5)

    assert refused.value.run_id == run_id


async def test_parameters_merge_and_tokens_resolve_in_every_layer(tmp_path: Path) -> None:
    jobs = """
    [[jobs]]
    id = "layers"
    params = { a = 1, b = "job" }
    [[jobs.steps]]
    name = "first"
    type = "sql_query"
    connector = "default"
    query = "SELECT :a AS a, :b AS b, :c AS c, :d AS d, :run_id AS run_id, :session_user AS who"
    params = { b = "step", c = "${kw:a}", d = "${ctx:job_id}" }
    capture_first_row = true
    [[jobs.steps]]
    name = "second"
    type = "sql_query"
    connector = "default"
    query = "SELECT :n AS n"
    params = { n = "${out:first.first_row.a}" }
    capture_first_row = true
    """
    async with running(a_home(tmp_path / "home", jobs)) as app:
        options = RunOptions(params={"a": 7}, op_kwargs={"first": {"d": "form"}})
        run, (first, second) = await ended(app, "layers", options)

    assert run.params == {"a": 7, "b": "job"}
    assert first.output is not None
    assert first.output["first_row"] == {
        "a": 7, "b": "step", "c": 1, "d": "form", "run_id": run.id, "who": "ann",
    }  # fmt: skip
    assert second.output == {"rows_affected": 1, "first_row": {"n": 7}}


async def test_an_unbound_name_fails_the_step_before_the_statement_runs(tmp_path: Path) -> None:
    jobs = a_query_job("unbound", "DELETE FROM ly2_tokens WHERE name = :missing")
    async with running(a_home(tmp_path / "home", jobs)) as app:
        await app.access.create_token("stays")
        _, (step,) = await ended(app, "unbound")
        tokens = await app.access.tokens()

    assert step.error is not None
    assert "missing" in step.error.message
    assert [token.name for token in tokens] == ["stays"]


async def test_what_does_not_exist_is_refused_and_leaves_no_row(tmp_path: Path) -> None:
    async with running(a_home(tmp_path / "home", a_query_job("there", "SELECT 1"))) as app:
        with pytest.raises(NotFound, match="ther"):
            await app.runs.start("thera", RunOptions(), by="user:ann")
        with pytest.raises(NotFound, match="step-1"):
            await app.runs.start("there", RunOptions(step_enabled={"no": True}), by="user:ann")
        last = await app.stored.runs.last_runs([])

    assert last == {}


async def test_a_broken_job_is_listed_with_its_problems_and_all_others_run(tmp_path: Path) -> None:
    jobs = a_query_job("bad", "SELECT 1", schedule="0 0 31 2 *") + a_query_job("good", "SELECT 1")
    async with running(a_home(tmp_path / "home", jobs)) as app:
        run, _ = await ended(app, "good")
        rows = {row["job_id"]: row for row in await app.jobs.rows()}
        with pytest.raises(InvalidConfiguration, match="schedule"):
            await app.runs.start("bad", RunOptions(), by="user:ann")

    assert run.state is RunState.SUCCEEDED
    assert rows["good"]["problems"] == []
    assert rows["bad"]["problems"][0]["field"] == "schedule"
