"""`nomaflow export catalogue | runs | logs`: take out what an instance declares and remembers."""

import csv
import json
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import IO, Annotated, Any

import typer

from nomaflow import __version__
from nomaflow.app import App
from nomaflow.catalogue.home import Home
from nomaflow.catalogue.transfer.archive import archive_of, clear_secrets, write_archive
from nomaflow.cli import output
from nomaflow.cli.context import HERE, INVALID, HomeOption, complete, instant
from nomaflow.config import Environment
from nomaflow.domain.job import JobId
from nomaflow.domain.run import Run
from nomaflow.domain.states import RunState
from nomaflow.errors import Refused, SecretsError
from nomaflow.history.logs import LineFilter
from nomaflow.history.pages import MOST_PER_PAGE, RunFilter
from nomaflow.security.keys import read_keys
from nomaflow.services.views import View, log_line, run_detail, run_summary

cli = typer.Typer(help="Take out what is declared and remembered.", no_args_is_help=True)

LINES_AT_A_TIME = 5000
RUN_COLUMNS = (
    "run_id", "job_id", "state", "reason", "triggered_by", "scheduled_at", "started_at",
    "finished_at", "params",
)  # fmt: skip
LINE_COLUMNS = (
    "run_id", "job_id", "seq", "at", "level", "step", "attempt", "source", "message",
)  # fmt: skip


class Form(StrEnum):
    """How the rows are written."""

    JSONL = "jsonl"
    CSV = "csv"


OutputOption = Annotated[
    Path | None,
    typer.Option("--output", "-o", help="The file to write.", show_default="standard output"),
]
FormOption = Annotated[
    Form, typer.Option("--format", help="A JSON object per line, or comma-separated values.")
]
JobOption = Annotated[str | None, typer.Option(help="Only runs of this job.")]
StateOption = Annotated[
    list[RunState] | None, typer.Option(help="Only runs in this state.", case_sensitive=False)
]
SinceOption = Annotated[
    str | None, typer.Option(help="Only runs made at or after this ISO instant.")
]
UntilOption = Annotated[str | None, typer.Option(help="Only runs made before this ISO instant.")]


@cli.callback()
def export() -> None:
    """Take out what is declared and remembered."""


@cli.command()
def catalogue(
    *,
    home: HomeOption = HERE,
    to: Annotated[Path, typer.Option("--output", "-o", help="The zip file to write.")],
    plain_too: Annotated[
        bool, typer.Option("--plain-too", help="Although secrets stand in plain text in it.")
    ] = False,
) -> None:
    """Write app.toml, connectors.toml, jobs.toml and plugins/ as one zip file.

    Secrets stay sealed; where one is in plain text, nothing is written and the place is named
    (exit code 3). The master key, the env file and the data are never in it.
    'nomaflow import catalogue' is the way back.
    """
    folder = Home(home)
    if not folder.exists:
        raise Refused(f"{home} is no home: there is nothing to export.")
    archive = archive_of(folder, __version__)
    found = clear_secrets(folder, archive, _key_texts(folder))
    output.print_problems(found)
    if found and not plain_too:
        output.err.print(
            "Nothing was written. Seal them ('nomaflow secrets encrypt') or take them from"
            " ${env:…}; --plain-too writes them as they are.",
            markup=False,
        )
        raise typer.Exit(INVALID)
    to.touch(mode=0o600)
    with to.open("wb") as stream:
        write_archive(archive, stream)
    output.err.print(f"{len(archive.files)} files are in {to}.")
    needs = [f"variables {', '.join(archive.variables)}"] if archive.variables else []
    needs += [f"master keys {', '.join(archive.keys)}"] if archive.keys else []
    output.err.print("Left out: master.key, the env file, data/, compiled plugins.")
    output.err.print(f"It needs: {'; '.join(needs) or 'nothing else'}.")


@cli.command()
def runs(  # noqa: PLR0913  # one argument per option
    *,
    home: HomeOption = HERE,
    job: JobOption = None,
    state: StateOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    form: FormOption = Form.JSONL,
    to: OutputOption = None,
) -> None:
    """Write runs, newest first: in JSON with their steps, outputs and errors, in CSV without.

    Secrets are masked, as they are in the history.
    """
    wanted = _filter(job, state, since, until)
    app = App.build(home)
    with _writing(to, form, RUN_COLUMNS) as write:
        shape = _with_steps if form is Form.JSONL else _alone
        count = complete(_write_runs(app, wanted, shape, write))
    output.err.print(f"{count} runs. Left out: their logs ('nomaflow export logs').")


@cli.command()
def logs(  # noqa: PLR0913  # one argument per option
    *,
    home: HomeOption = HERE,
    job: JobOption = None,
    state: StateOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    form: FormOption = Form.JSONL,
    to: OutputOption = None,
) -> None:
    """Write the log lines of runs, the newest run first, each line with its run and job."""
    wanted = _filter(job, state, since, until)
    app = App.build(home)
    with _writing(to, form, LINE_COLUMNS) as write:
        count = complete(_write_lines(app, wanted, write))
    output.err.print(f"{count} lines.")


Write = Callable[[View], None]


def _key_texts(home: Home) -> tuple[str, ...]:
    """The master keys, none of which may be in an archive; a lost one cannot be."""
    try:
        return tuple(key.text for key in read_keys(home.master_key, Environment.read().master_key))
    except SecretsError:
        return ()


@contextmanager
def _writing(to: Path | None, form: Form, columns: tuple[str, ...]) -> Iterator[Write]:
    """Where rows go; a new file is for its owner alone."""
    writer = _json_lines if form is Form.JSONL else _csv_rows
    if to is None:
        yield writer(sys.stdout, columns)
        sys.stdout.flush()
        return
    to.touch(mode=0o600)
    with to.open("w", encoding="utf-8", newline="") as stream:
        yield writer(stream, columns)


def _json_lines(stream: IO[str], _: tuple[str, ...]) -> Write:
    def write(row: View) -> None:
        stream.write(f"{json.dumps(row, ensure_ascii=False)}\n")

    return write


def _csv_rows(stream: IO[str], columns: tuple[str, ...]) -> Write:
    """What is no text or number stands there as JSON."""
    rows = csv.writer(stream, lineterminator="\n")
    rows.writerow(columns)

    def write(row: View) -> None:
        rows.writerow([_cell(row[column]) for column in columns])

    return write


def _cell(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, Mapping | list) else value


async def _write_runs(app: App, wanted: RunFilter, shape: Any, write: Write) -> int:
    count = 0
    async with app.store():
        async for run in _every(app, wanted):
            write(await shape(app, run))
            count += 1
    return count


async def _write_lines(app: App, wanted: RunFilter, write: Write) -> int:
    count = 0
    async with app.store():
        async for run in _every(app, wanted):
            whose = {"run_id": run.id, "job_id": run.job_id}
            lines = LineFilter(limit=LINES_AT_A_TIME)
            while found := await app.stored.logs.find(run.id, lines):
                for line in found:
                    write(whose | log_line(line))
                count += len(found)
                lines = replace(lines, after=found[-1].seq)
    return count


async def _every(app: App, wanted: RunFilter) -> AsyncIterator[Run]:
    """The runs of all pages."""
    while True:
        page = await app.stored.runs.page(wanted)
        for run in page.runs:
            yield run
        if page.next_cursor is None:
            return
        wanted = replace(wanted, cursor=page.next_cursor)


async def _with_steps(app: App, run: Run) -> View:
    return run_detail(run, await app.stored.runs.steps(run.id))


async def _alone(_: App, run: Run) -> View:
    return run_summary(run)


def _filter(
    job: str | None, state: list[RunState] | None, since: str | None, until: str | None
) -> RunFilter:
    return RunFilter(
        job_id=JobId(job) if job else None,
        states=frozenset(state or ()),
        since=instant("--since", since),
        until=instant("--until", until),
        limit=MOST_PER_PAGE,
    )
