"""`nomaflow undo`: put back what a table copy has replaced."""

from dataclasses import asdict
from typing import Annotated

import typer

from nomaflow.app import App
from nomaflow.cli import output
from nomaflow.cli.commands.history import RunArgument
from nomaflow.cli.context import HERE, HomeOption, JsonOption, caller, complete
from nomaflow.copying.progress import grouped
from nomaflow.domain.run import RunId
from nomaflow.services.undo import Undone

cli = typer.Typer()


@cli.command()
def undo(
    run: RunArgument,
    step: Annotated[str, typer.Argument(metavar="STEP", help="The name of its sql_copy step.")],
    *,
    home: HomeOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Put back the version of a table that a step with keep_previous has replaced."""
    undone = complete(_undo(App.build(home), RunId(run), step))
    if as_json:
        output.print_json(asdict(undone))
    else:
        output.out.print(
            f"Table '{undone.table}' of connector '{undone.connector}' holds the "
            f"{grouped(undone.rows)} rows again that run {run} had replaced."
        )


async def _undo(app: App, run_id: RunId, step: str) -> Undone:
    async with app.store():
        return await app.undo.step(run_id, step, by=caller())
