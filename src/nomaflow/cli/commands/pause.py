"""`nomaflow pause`: hold every schedule back for a while."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from nomaflow.app import App
from nomaflow.cli import output
from nomaflow.cli.context import HERE, HomeOption, JsonOption, caller, complete
from nomaflow.clock import SystemClock
from nomaflow.domain.durations import duration
from nomaflow.services.views import View, pause_view

cli = typer.Typer()


@cli.command()
def pause(  # noqa: PLR0913  # one argument per option
    *,
    home: HomeOption = HERE,
    reason: Annotated[str, typer.Option(help="Why; each due time shows it.")] = "maintenance",
    until: Annotated[
        str | None,
        typer.Option(
            help="When it ends: an ISO instant, or '2h' from now.", show_default="with --off"
        ),
    ] = None,
    exceptions: Annotated[
        list[str] | None, typer.Option("--except", help="A job that goes on.")
    ] = None,
    off: Annotated[bool, typer.Option("--off", help="End the pause.")] = False,
    status: Annotated[bool, typer.Option("--status", help="Only tell what is in force.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Pause all schedules: due times are SKIPPED with the reason; runs by hand still work."""
    app = App.build(home)
    if status:
        shown = complete(_in_force(app))
    elif off:
        shown = complete(_end(app))
    else:
        shown = complete(_begin(app, reason, _instant(until), exceptions or []))
    if as_json:
        output.print_json({"pause": shown})
    else:
        output.out.print(_told(shown))


async def _in_force(app: App) -> View | None:
    async with app.store():
        found = await app.pauses.in_force()
        return None if found is None else pause_view(found)


async def _end(app: App) -> View:
    async with app.store():
        return pause_view(await app.pauses.end(by=caller()))


async def _begin(app: App, reason: str, until: datetime | None, exceptions: list[str]) -> View:
    async with app.store():
        begun = await app.pauses.begin(reason, until=until, exceptions=exceptions, by=caller())
        return pause_view(begun)


def _instant(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return SystemClock().now() + duration(text)
    except ValueError:
        pass
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(
            f"'{text}' is no ISO instant such as 2026-03-28T06:00:00Z and no length such as 2h",
            param_hint="--until",
        ) from None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)


def _told(shown: View | None) -> str:
    if shown is None:
        return "Nothing is paused."
    if shown["ended_at"]:
        return f"The pause of {output.when(shown['began_at'])} has ended: {shown['reason']}."
    end = f"until {output.when(shown['until'])}" if shown["until"] else "until 'pause --off'"
    but = f", but {', '.join(shown['exceptions'])}" if shown["exceptions"] else ""
    return f"Schedules are paused {end}{but}: {shown['reason']}."
