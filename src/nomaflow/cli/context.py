"""What every command shares: where the home is, who calls, which exit code an error gets."""

import asyncio
import getpass
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

T = TypeVar("T")

SUCCESS, RUN_FAILED, USAGE, INVALID, UNREACHABLE, NOT_PERMITTED = range(6)

HomeOption = Annotated[
    Path,
    typer.Option(
        "--home",
        envvar="NOMAFLOW_HOME",
        help="The home folder: app.toml, connectors.toml, jobs.toml, plugins/.",
        show_default="the current folder",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON on stdout.")]
HERE = Path()


def caller() -> str:
    """Who calls, for the run's `triggered_by`."""
    return f"cli:{getpass.getuser()}"


def instant(option: str, text: str | None) -> datetime | None:
    """An ISO instant that was given for an option; without an offset it is UTC."""
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise typer.BadParameter(
            f"'{text}' is no ISO instant such as 2026-03-28T02:00:00Z", param_hint=option
        ) from None


def complete(work: Coroutine[Any, Any, T]) -> T:
    """What the work returns, on the fastest event loop that there is."""
    with asyncio.Runner(loop_factory=_fastest_loop()) as runner:
        return runner.run(work)


def _fastest_loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """None: the standard library's own, where uvloop does not exist."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop
