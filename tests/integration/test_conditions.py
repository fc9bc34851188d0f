"""Steps with a condition, from jobs.toml to the history."""

from pathlib import Path

from tests.homes import a_home, a_query_job, ended, messages, running

from nomaflow.domain.run import RunOptions
from nomaflow.domain.states import RunState, StepState

CLEANUP = """
[[jobs]]
id = "cleanup"
params = { limit = 2 }

[[jobs.steps]]
name = "count-old"
type = "sql_query"
connector = "default"
query = "SELECT count(*) AS n FROM (SELECT 1 UNION SELECT 2 UNION SELECT 3)"
capture_first_row = true

[[jobs.steps]]
name = "delete-old"
type = "sql_query"
connector = "default"
query = "SELECT 1"
when = 'steps["count-old"].output.first_row.n > params.limit'

[[jobs.steps]]
name = "report"
type = "sql_query"
connector = "default"
query = "SELECT 1"
"""


async def test_a_step_whose_condition_is_false_is_canceled_and_the_rest_runs(
    tmp_path: Path,
) -> None:
    async with running(a_home(tmp_path / "home", CLEANUP)) as app:
        _, wanted = await ended(app, "cleanup")
        run, unwanted = await ended(app, "cleanup", RunOptions(params={"limit": 3}))
        lines = await messages(app, run.id)

    assert [step.state for step in wanted] == [StepState.SUCCEEDED] * 3
    assert run.state is RunState.SUCCEEDED
    assert [(step.state, step.reason, step.attempts) for step in unwanted] == [
        (StepState.SUCCEEDED, None, 1),
        (StepState.CANCELED, "skipped: condition", 0),
        (StepState.SUCCEEDED, None, 1),
    ]
    assert "step skipped: condition" in lines


async def test_a_condition_without_an_answer_fails_its_step_and_says_why(tmp_path: Path) -> None:
    jobs = a_query_job("odd", "SELECT 1", "SELECT 2").replace(
        'name = "step-2"', 'name = "step-2"\nwhen = "steps[\\"step-1\\"].output.first_row.n > 1"'
    )
    async with running(a_home(tmp_path / "home", jobs)) as app:
        run, (_, step) = await ended(app, "odd")

    assert run.state is RunState.FAILED
    assert step.state is StepState.FAILED
    assert step.error is not None
    assert step.error.type == "StepRefused"
    assert "there is no 'first_row'" in step.error.message


async def test_a_condition_sees_how_a_step_ended_after_which_the_run_went_on(
    tmp_path: Path,
) -> None:
    jobs = a_query_job("brave", "SELECT * FROM nowhere", "SELECT 1", "SELECT 2")
    jobs = jobs.replace('name = "step-1"', 'name = "step-1"\ncontinue_on_error = true')
    for name, state in (("step-2", "FAILED"), ("step-3", "SUCCEEDED")):
        condition = f"""when = 'steps["step-1"].state == "{state}"'"""
        jobs = jobs.replace(f'name = "{name}"', f'name = "{name}"\n{condition}')
    async with running(a_home(tmp_path / "home", jobs)) as app:
        run, steps = await ended(app, "brave")

    assert (run.state, run.reason) == (RunState.FAILED, "continued after: step-1")
    assert [step.state for step in steps] == [
        StepState.FAILED,
        StepState.SUCCEEDED,
        StepState.CANCELED,
    ]
