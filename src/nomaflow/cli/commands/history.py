"""`nomaflow jobs | runs | show | logs | cancel`: read the store, or ask a run to stop."""

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from nomaflow.app import App
from nomaflow.cli import output
from nomaflow.cli.context import (
    HERE,
    RUN_FAILED,
    HomeOption,
    JsonOption,
    caller,
    complete,
    instant,
)
from nomaflow.domain.job import JobId
from nomaflow.domain.run import LogLine, RunId
from nomaflow.domain.states import RunState
from nomaflow.history.pages import RunFilter
from nomaflow.services.views import View, log_line, run_detail, run_summary

cli = typer.Typer()

RunArgument = Annotated[
    int, typer.Argument(metavar="RUN", help="The run's id.", min=1, max=2**63 - 1)
]


@cli.command()
def jobs(*, home: HomeOption = HERE, as_json: JsonOption = False) -> None:
    """List the jobs with their last run and next due time."""
    rows = complete(_jobs(App.build(home)))
    if as_json:
        output.print_json({"jobs": rows})
    else:
        output.print_jobs(rows)


@cli.command()
def runs(  # noqa: PLR0913  # one argument per option
    *,
    home: HomeOption = HERE,
    job: Annotated[str | None, typer.Option(help="Only runs of this job.")] = None,
    state: Annotated[
        list[RunState] | None, typer.Option(help="Only runs in this state.", case_sensitive=False)
    ] = None,
    since: Annotated[
        str | None, typer.Option(help="Only runs made at this ISO instant or later.")
    ] = None,
    until: Annotated[str | None, typer.Option(help="Only runs made before this instant.")] = None,
    text: Annotated[
        str, typer.Option(help="Only runs with this in job, reason or trigger, in any case.")
    ] = "",
    limit: Annotated[int, typer.Option(min=1, max=500, help="How many, newest first.")] = 20,
    as_json: JsonOption = False,
) -> None:
    """List runs, newest first."""
    wanted = RunFilter(
        job_id=JobId(job) if job else None,
        states=frozenset(state or ()),
        since=instant("--since", since),
        until=instant("--until", until),
        text=text,
        limit=limit,
    )
    rows = complete(_runs(App.build(home), wanted))
    if as_json:
        output.print_json({"runs": rows})
    else:
        output.print_runs(rows)


@cli.command()
def show(run: RunArgument, *, home: HomeOption = HERE, as_json: JsonOption = False) -> None:
    """Show one run with its steps, outputs and errors."""
    detail, revision_id = complete(_show(App.build(home), RunId(run)))
    if as_json:
        output.print_json(detail)
        return
    output.print_run(detail)
    if revision_id is not None:
        output.out.print(f"As in revision {revision_id}: 'nomaflow revisions show {revision_id}'.")


@cli.command()
def logs(
    run: RunArgument,
    *,
    home: HomeOption = HERE,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until it ends.")] = False,
    after: Annotated[int, typer.Option(min=0, max=2**62, help="Only lines after this number.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Print a run's log; with --follow, each line as it comes, and exit 1 if the run fails."""
    lines: list[LogLine] = []
    show_lines = lines.extend if as_json else output.print_lines
    state = complete(_logs(App.build(home), RunId(run), after, show_lines, follow=follow))
    if as_json:
        output.print_json({"lines": [log_line(line) for line in lines]})
    if follow and state is not RunState.SUCCEEDED:
        raise typer.Exit(RUN_FAILED)


@cli.command()
def cancel(run: RunArgument, *, home: HomeOption = HERE, as_json: JsonOption = False) -> None:
    """Ask a run to stop, whichever process executes it."""
    summary = complete(_cancel(App.build(home), RunId(run)))
    if as_json:
        output.print_json(summary)
    else:
        output.out.print(f"Run {run} is asked to stop: {summary['state']}.")


async def _jobs(app: App) -> list[View]:
    async with app.store():
        return await app.jobs.rows()


async def _runs(app: App, wanted: RunFilter) -> list[View]:
    async with app.store():
        return [run_summary(run) for run in (await app.runs.page(wanted)).runs]


async def _show(app: App, run_id: RunId) -> tuple[View, int | None]:
    async with app.store():
        run, steps = await app.runs.get(run_id)
        return run_detail(run, steps), run.revision_id


async def _logs(app: App, run_id: RunId, after: int, show_lines: Any, *, follow: bool) -> RunState:
    async with app.store():
        if follow:
            return (await app.runs.follow(run_id, show_lines, after=after)).state
        run, _ = await app.runs.get(run_id)
        while lines := await app.runs.lines(run_id, after=after):
            show_lines(lines)
            after = _last(lines)
        return run.state


def _last(lines: Sequence[LogLine]) -> int:
    return lines[-1].seq


async def _cancel(app: App, run_id: RunId) -> View:
    async with app.store():
        return run_summary(await app.runs.cancel(run_id, by=caller()))
