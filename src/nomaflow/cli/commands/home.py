"""`nomaflow init | validate`: make a home folder, and look for mistakes in one."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from nomaflow.app import App
from nomaflow.catalogue.home import Home
from nomaflow.catalogue.init import init as make_home
from nomaflow.catalogue.load import load
from nomaflow.cli import output
from nomaflow.cli.context import HERE, INVALID, HomeOption, JsonOption, complete
from nomaflow.errors import InvalidConfiguration, Problem

cli = typer.Typer()


@cli.command()
def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder to make.")],
) -> None:
    """Make a home folder that 'nomaflow serve' starts as it is, and the first API token."""
    make_home(folder)
    token = complete(create_first_token(folder))
    output.out.print(f"Made {folder}. Its jobs are in {folder / 'jobs.toml'}.")
    output.out.print(f"  nomaflow jobs --home {folder}\n  nomaflow serve --home {folder}")
    output.out.print("The first API token, shown only now (send it as 'Authorization: Bearer …'):")
    output.out.print(f"  {token}")


@cli.command()
def validate(*, home: HomeOption = HERE, as_json: JsonOption = False) -> None:
    """List every mistake in the home folder; exits 3 when there is one."""
    problems = _problems(Home(home))
    if as_json:
        output.print_json({"problems": [problem.as_dict() for problem in problems]})
    elif problems:
        output.print_problems(problems)
    else:
        output.out.print("No problems.")
    if problems:
        raise typer.Exit(INVALID)


def _problems(home: Home) -> Sequence[Problem]:
    try:
        return load(home).problems
    except InvalidConfiguration as error:
        return error.problems


async def create_first_token(folder: Path) -> str:
    app = App.build(folder)
    async with app.store():
        return (await app.access.create_token("first")).reveal()
