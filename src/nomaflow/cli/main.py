"""The command `nomaflow`."""

import sys
from typing import Annotated

import typer
from rich.text import Text

from nomaflow import __version__
from nomaflow.cli import output
from nomaflow.cli.commands import demo, history, home, run, schedule, secrets, serve, tokens
from nomaflow.cli.context import exit_code
from nomaflow.errors import InvalidConfiguration, NomaflowError

cli = typer.Typer(
    name="nomaflow",
    help="Schedules, runs and shows the background work of an internal application.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for group in (home, demo, serve, run, history):
    group.add_to(cli)
cli.add_typer(schedule.cli, name="schedule")
cli.add_typer(secrets.cli, name="secrets")
cli.add_typer(tokens.cli, name="tokens")


def _version(wanted: bool) -> None:  # noqa: FBT001  # the shape of an option's callback
    if wanted:
        output.out.print(f"nomaflow {__version__}")
        raise typer.Exit


@cli.callback()
def root(
    *,
    version: Annotated[  # its callback does the work
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Schedules, runs and shows the background work of an internal application."""


def main() -> None:
    """Run a command; an error is told in one message and an exit code, never a stack trace.

    0 ok, 1 the run failed, 2 usage, 3 invalid configuration, 4 unreachable, 5 not permitted.
    """
    try:
        cli()
    except InvalidConfiguration as error:
        output.print_problems(error.problems)
        sys.exit(exit_code(error))
    except NomaflowError as error:
        output.err.print(Text.assemble(("Error: ", "red"), str(error)))
        sys.exit(exit_code(error))
