"""`nomaflow run`: start a job by hand, here or on the server of this store."""

import json
from typing import Annotated, Any

import typer

from nomaflow.app import App
from nomaflow.cli import output
from nomaflow.cli.context import HERE, RUN_FAILED, HomeOption, JsonOption, caller, complete
from nomaflow.cli.execution import execute_here
from nomaflow.domain.run import RunOptions
from nomaflow.domain.states import RunState
from nomaflow.services.views import run_detail

cli = typer.Typer()


@cli.command()
def run(  # noqa: PLR0913  # one argument per option
    job: Annotated[str, typer.Argument(help="The job's id.")],
    *,
    home: HomeOption = HERE,
    param: Annotated[
        list[str] | None, typer.Option("--param", metavar="K=V", help="A parameter; V may be JSON.")
    ] = None,
    step_off: Annotated[
        list[str] | None,
        typer.Option("--step-off", metavar="STEP", help="Leave this step out, this time."),
    ] = None,
    log_level: Annotated[
        str | None, typer.Option("--log-level", metavar="LEVEL", help="DEBUG, INFO or WARNING.")
    ] = None,
    preset: Annotated[
        str | None, typer.Option(metavar="NAME", help="Values of a preset of the job.")
    ] = None,
    wait: Annotated[
        bool, typer.Option("--wait", help="Execute here and return when the run has ended.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Run a job now; no server is needed.

    With a server on this store and without --wait the run is handed to it. Exits 1 when the
    run did not succeed. Ctrl-C cancels the run.
    """
    options = RunOptions(
        params=_params(param or []),
        step_enabled=dict.fromkeys(step_off or [], False),
        log_level=_level(log_level),
        preset=preset,
    )
    detail = complete(_run(App.build(home), job, options, wait=wait))
    if as_json:
        output.print_json(detail)
    else:
        output.print_run(detail)
    if detail["state"] not in (RunState.SUCCEEDED, RunState.QUEUED):
        raise typer.Exit(RUN_FAILED)


async def _run(app: App, job: str, options: RunOptions, *, wait: bool) -> dict[str, Any]:
    async with app.store():
        if wait or not await app.has_server():
            return await execute_here(app, job, options)
        run_id = await app.runs.start(job, options, by=caller())
        output.err.print(f"Run {run_id} is queued: the server of this store executes it.")
        return run_detail(*await app.runs.get(run_id))


def _params(pairs: list[str]) -> dict[str, Any]:
    params = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise typer.BadParameter(f"'{pair}' is not k=v", param_hint="--param")
        params[key] = _value(value)
    return params


def _value(text: str) -> Any:
    """JSON when it is JSON (numbers, true, lists), else the text itself; NaN is a text."""
    try:
        return json.loads(text, parse_constant=str)
    except ValueError:
        return text


def _level(name: str | None) -> Any:
    if name is None:
        return None
    if name.upper() not in {"DEBUG", "INFO", "WARNING"}:
        raise typer.BadParameter("expected DEBUG, INFO or WARNING", param_hint="--log-level")
    return name.upper()
