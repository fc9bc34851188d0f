"""`nomaflow run | resume | replay | retry`: start runs, here or on the server of this store."""

from dataclasses import asdict
from typing import Annotated, Any

import typer

from nomaflow.app import App
from nomaflow.cli import output
from nomaflow.cli.context import HERE, RUN_FAILED, HomeOption, JsonOption, caller, complete
from nomaflow.cli.execution import Start, execute
from nomaflow.cli.run_form import (
    LevelOption,
    ParamOption,
    PresetOption,
    RunForm,
    StepOffOption,
    StepOnOption,
    StepParamOption,
)
from nomaflow.domain.job import JobId
from nomaflow.domain.run import ProcessId, RunId
from nomaflow.domain.states import RunState
from nomaflow.history.pages import RunFilter
from nomaflow.services.repeats import Retried

cli = typer.Typer()

WaitOption = Annotated[
    bool, typer.Option("--wait", help="Execute here and return when the run has ended.")
]
RunArgument = Annotated[
    int, typer.Argument(metavar="RUN", help="The run's id.", min=1, max=2**63 - 1)
]


@cli.command()
def run(  # noqa: PLR0913  # one argument per option
    job: Annotated[str, typer.Argument(help="The job's id.")],
    *,
    home: HomeOption = HERE,
    param: ParamOption = None,
    step_param: StepParamOption = None,
    step_off: StepOffOption = None,
    step_on: StepOnOption = None,
    log_level: LevelOption = None,
    preset: PresetOption = None,
    wait: WaitOption = False,
    as_json: JsonOption = False,
) -> None:
    """Run a job now; no server is needed.

    With a server on this store and without --wait the run is handed to it. Exits 1 when the
    run did not succeed. Ctrl-C cancels the run.
    """
    app = App.build(home)
    form = RunForm(param, step_param, step_off, step_on, log_level, preset)
    options = form.options(app, job)

    async def start(reserved_for: ProcessId | None) -> RunId:
        return await app.runs.start(job, options, by=caller(), reserved_for=reserved_for)

    show_ended(complete(_executed(app, start, wait=wait)), as_json=as_json)


@cli.command()
def resume(
    run: RunArgument,
    *,
    home: HomeOption = HERE,
    confirm: Annotated[
        bool, typer.Option("--confirm", help="Resume although the job changed since.")
    ] = False,
    wait: WaitOption = False,
    as_json: JsonOption = False,
) -> None:
    """Go on with a failed run in a new one: finished steps are kept, the rest is done."""
    app = App.build(home)

    async def start(reserved_for: ProcessId | None) -> RunId:
        return await app.repeats.resume(
            RunId(run), by=caller(), confirm=confirm, reserved_for=reserved_for
        )

    show_ended(complete(_executed(app, start, wait=wait)), as_json=as_json)


@cli.command()
def replay(  # noqa: PLR0913  # one argument per option
    run: RunArgument,
    *,
    home: HomeOption = HERE,
    param: ParamOption = None,
    step_param: StepParamOption = None,
    step_off: StepOffOption = None,
    step_on: StepOnOption = None,
    log_level: LevelOption = None,
    preset: PresetOption = None,
    wait: WaitOption = False,
    as_json: JsonOption = False,
) -> None:
    """Run a job again with the parameters of an old run; what is given here wins."""
    app = App.build(home)
    form = RunForm(param, step_param, step_off, step_on, log_level, preset)

    async def start(reserved_for: ProcessId | None) -> RunId:
        job = (await app.runs.get(RunId(run)))[0].job_id
        edits = form.options(app, job)
        return await app.repeats.replay(RunId(run), edits, by=caller(), reserved_for=reserved_for)

    show_ended(complete(_executed(app, start, wait=wait)), as_json=as_json)


@cli.command()
def retry(
    *,
    home: HomeOption = HERE,
    job: Annotated[str | None, typer.Option(help="Only runs of this job.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=500, help="How many, newest first.")] = 50,
    from_start: Annotated[
        bool, typer.Option("--from-start", help="Replay each instead of resuming it.")
    ] = False,
    confirm: Annotated[
        bool, typer.Option("--confirm", help="Also those whose job changed since.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Queue a new run for each failed or canceled run; a server executes them."""
    wanted = RunFilter(job_id=JobId(job) if job else None, limit=limit)
    retried = complete(_retried(App.build(home), wanted, from_start=from_start, confirm=confirm))
    if as_json:
        output.print_json({"runs": [asdict(each) for each in retried]})
        return
    for each in retried:
        became = each.refused or f"run {each.new_run_id} is queued"
        output.out.print(f"Run {each.run_id}: {became}", markup=False)


def show_ended(detail: dict[str, Any], *, as_json: bool) -> None:
    """Print the run; exits 1 when it did not succeed."""
    if as_json:
        output.print_json(detail)
    else:
        output.print_run(detail)
    state = RunState(detail["state"])
    if state.is_final and state is not RunState.SUCCEEDED:
        raise typer.Exit(RUN_FAILED)


async def _executed(app: App, start: Start, *, wait: bool) -> dict[str, Any]:
    async with app.store():
        return await execute(app, start, wait=wait)


async def _retried(
    app: App, wanted: RunFilter, *, from_start: bool, confirm: bool
) -> list[Retried]:
    async with app.store():
        return await app.repeats.retry(wanted, by=caller(), from_start=from_start, confirm=confirm)
