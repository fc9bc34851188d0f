"""`nomaflow preflight`: what a job's copies would do."""

from typing import Annotated, Any

import typer

from nomaflow.app import App
from nomaflow.cli import output
from nomaflow.cli.context import HERE, RUN_FAILED, HomeOption, JsonOption, caller, complete
from nomaflow.cli.run_form import ParamOption, RunForm, StepParamOption
from nomaflow.domain.run import RunOptions

cli = typer.Typer()


@cli.command()
def preflight(  # one argument per option
    job: Annotated[str, typer.Argument(help="The job's id.")],
    step: Annotated[
        str | None, typer.Argument(help="One step of it.", show_default="all that can tell")
    ] = None,
    *,
    home: HomeOption = HERE,
    param: ParamOption = None,
    step_param: StepParamOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tell what the job's copies would do, and change nothing; exits 1 if one would fail."""
    app = App.build(home)
    options = RunForm(param, step_param).options(app, job)
    told = complete(_told(app, job, step, options))
    if as_json:
        output.print_json({"steps": told})
    else:
        for answer in told:
            output.print_preflight(answer)
    if any(answer["problem"] or answer["plan"].get("held") for answer in told):
        raise typer.Exit(RUN_FAILED)


async def _told(app: App, job: str, step: str | None, options: RunOptions) -> list[dict[str, Any]]:
    async with app.store():
        try:
            return await app.preflights.of(job, step, options, caller())
        finally:
            await app.hosts.close()
