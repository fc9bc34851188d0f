"""`nomaflow why`: why did it not run?"""

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from nomaflow.app import App
from nomaflow.cli import output
from nomaflow.cli.context import HERE, HomeOption, JsonOption, complete

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
    told = complete(_why(App.build(home), job, _instant(at)))
    if as_json:
        output.print_json(told)
        return
    output.out.print(told["answer"])
    if told["runs"]:
        output.print_runs(told["runs"])


async def _why(app: App, job: str, at: datetime | None) -> dict[str, Any]:
    async with app.store():
        return await app.why.near(job, at)


def _instant(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise typer.BadParameter(
            f"'{text}' is no ISO instant such as 2026-03-28T02:00:00Z", param_hint="--at"
        ) from None
