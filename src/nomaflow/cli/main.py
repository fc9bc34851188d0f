"""The command `nomaflow`."""

import sys
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.main import get_group_from_info
from typer.models import TyperInfo

from nomaflow import __version__
from nomaflow.cli import commands
from nomaflow.errors import NomaflowError

FOUND_IN = {
    "init": "home",
    "validate": "home",
    "demo": "demo",
    "doctor": "doctor",
    "serve": "serve",
    "reload": "reload",
    "run": "run",
    "resume": "run",
    "replay": "run",
    "retry": "run",
    "jobs": "history",
    "runs": "history",
    "show": "history",
    "logs": "history",
    "cancel": "history",
    "undo": "undo",
    "pause": "pause",
    "why": "why",
    "preflight": "preflight",
    "revisions": "revisions",
    "import": "imports",
    "export": "exports",
    "schedule": "schedule",
    "secrets": "secrets",
    "tokens": "tokens",
}


class CommandsOnDemand(TyperGroup):
    """Imports a command when it is called: `nomaflow jobs` does not wait for a web server."""

    def list_commands(self, ctx: object) -> list[str]:  # noqa: ARG002  # the shape of a group
        return list(FOUND_IN)

    def get_command(self, ctx: object, cmd_name: str) -> Any:  # noqa: ARG002  # as above
        if cmd_name not in FOUND_IN:
            return None
        module = import_module(f"{commands.__name__}.{FOUND_IN[cmd_name]}")
        group = get_group_from_info(
            TyperInfo(module.cli),
            pretty_exceptions_short=False,
            suggest_commands=True,
            rich_markup_mode=None,
        )
        return group.commands.get(cmd_name, group)


cli = typer.Typer(
    name="nomaflow",
    cls=CommandsOnDemand,
    help="Schedules, runs and shows the background work of an internal application.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _version(wanted: bool) -> None:  # noqa: FBT001  # the shape of an option's callback
    if wanted:
        typer.echo(f"nomaflow {__version__}")
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
    except NomaflowError as error:
        from nomaflow.cli.failure import tell  # here: a server goes without what prints

        sys.exit(tell(error))
