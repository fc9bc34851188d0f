"""`nomaflow schedule preview`: when would this fire?"""

from typing import Annotated

import typer

from nomaflow.cli import output
from nomaflow.cli.context import USAGE, JsonOption, instant
from nomaflow.clock import SystemClock
from nomaflow.config import system_timezone
from nomaflow.services.views import schedule_preview
from nomaflow.triggers.base import InvalidSchedule
from nomaflow.triggers.preview import Preview
from nomaflow.triggers.preview import preview as previewed

cli = typer.Typer(help="Look at schedules.", no_args_is_help=True)


@cli.callback()
def schedule() -> None:
    """Look at schedules."""


@cli.command()
def preview(
    expression: Annotated[
        str, typer.Argument(metavar="EXPR", help="Cron ('0 2 * * *') or an interval ('15m').")
    ],
    *,
    timezone: Annotated[
        str | None, typer.Option(help="IANA zone.", show_default="the system's")
    ] = None,
    since: Annotated[
        str | None, typer.Option("--from", help="ISO instant.", show_default="now")
    ] = None,
    count: Annotated[int, typer.Option(min=1, max=10_000, help="How many due times.")] = 5,
    as_json: JsonOption = False,
) -> None:
    """Print the next due times with their offset, what DST does to them, and the words."""
    start = instant("--from", since) or SystemClock().now()
    try:
        shown = previewed(expression, timezone or system_timezone(), start, count)
    except InvalidSchedule as error:
        output.err.print(str(error))
        raise typer.Exit(USAGE) from None
    if as_json:
        output.print_json(schedule_preview(shown))
    else:
        _print(shown)


def _print(shown: Preview) -> None:
    output.out.print(shown.words["en"])
    for fire in shown.fires:
        output.out.print(f"  {fire:%a} {fire.isoformat(sep=' ')}")
    for remark in shown.remarks:
        output.out.print(f"  · {remark}")
