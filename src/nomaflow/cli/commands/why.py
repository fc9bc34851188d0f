"""`nomaflow why`: why did it not run?"""

from datetime import datetime
from typing import Annotated, Any

import typer

from nomaflow.app import App
from nomaflow.cli import output
from nomaflow.cli.context import HERE, HomeOption, JsonOption, complete, instant

cli = typer.Typer()


@cli.command()
def why(
    job: Annotated[str, typer.Argument(help="The job's id.")],
    *,
    home: HomeOption = HERE,
    at: Annotated[
        str | None, typer.Option(help="The ISO instant that is asked about.", show_default="now")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Tell what became of the job's due time before an instant, and what comes next."""
    told = complete(_why(App.build(home), job, instant("--at", at)))
    if as_json:
        output.print_json(told)
        return
    output.out.print(told["answer"])
    if told["runs"]:
        output.print_runs(told["runs"])


async def _why(app: App, job: str, at: datetime | None) -> dict[str, Any]:
    async with app.store():
        return await app.why.near(job, at)
