"""`nomaflow reload`: the files of the home are read again, changed or not."""

import os
from pathlib import Path

import typer

from nomaflow.app import App
from nomaflow.cli import output
from nomaflow.cli.context import HERE, INVALID, HomeOption, complete
from nomaflow.errors import Unreachable

cli = typer.Typer()


@cli.command()
def reload(*, home: HomeOption = HERE) -> None:
    """Let the servers read the files again, changed or not; exits 3 for problems."""
    app = App.build(home)
    output.print_problems(app.catalogue.problems)
    if not complete(_has_server(app)):
        raise Unreachable("No server of this home is running; 'nomaflow serve' starts one.")
    for file in filter(Path.exists, app.home.declarations):
        os.utime(file)
    output.out.print("Its servers read the files again within two seconds.")
    if app.catalogue.problems:
        raise typer.Exit(INVALID)


async def _has_server(app: App) -> bool:
    async with app.store():
        return await app.has_server()
