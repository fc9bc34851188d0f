"""`nomaflow import crontab | catalogue`: lines of a crontab become jobs; an export comes back."""

import getpass
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import typer

from nomaflow.app import App
from nomaflow.catalogue import seal
from nomaflow.catalogue.home import JOBS_TOML, Home
from nomaflow.catalogue.init import init as make_home
from nomaflow.catalogue.transfer.archive import Archive, read_archive
from nomaflow.catalogue.transfer.crontab import Entry, LeftOut, read_crontab
from nomaflow.catalogue.transfer.crontab_jobs import (
    MODULE,
    PLUGIN,
    ImportedJob,
    is_imported,
    jobs_from,
)
from nomaflow.catalogue.transfer.restore import Restoring, restoring
from nomaflow.catalogue.values.env_file import append_env
from nomaflow.cli import output
from nomaflow.cli.commands.home import create_first_token
from nomaflow.cli.context import HERE, HomeOption, JsonOption, caller, complete
from nomaflow.config import Environment
from nomaflow.errors import InvalidConfiguration, Refused
from nomaflow.security.keys import read_keys
from nomaflow.security.vault import Vault
from nomaflow.triggers.preview import Preview, preview

cli = typer.Typer(help="Take over what other schedulers do.", no_args_is_help=True)

NEXT_SHOWN = 3


@cli.callback()
def import_() -> None:
    """Take over what other schedulers do."""


@cli.command()
def crontab(
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="A crontab, or '-' for standard input.")
    ] = "-",
    *,
    user_column: Annotated[
        bool, typer.Option("--user-column", help="As in /etc/crontab: a user before the command.")
    ] = False,
    apply: Annotated[
        bool, typer.Option("--apply", help="Append the jobs to jobs.toml, as a new revision.")
    ] = False,
    home: HomeOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Make a job of each line of a crontab ('crontab -l | nomaflow import crontab').

    Without --apply nothing is written: the blocks are printed, and when they would be due. A job
    that is there already is never changed.
    """
    app = App.build(home)
    lines = list(read_crontab(_read(file), user_column=user_column))
    left_out = [line for line in lines if isinstance(line, LeftOut)]
    new, known = _sorted_out(app, [line for line in lines if isinstance(line, Entry)])
    jobs = jobs_from(new, _taken(app), getpass.getuser())
    left_out += known
    if apply and jobs:
        complete(_apply(app, jobs))
    shown = [(job, _preview(app, job)) for job in jobs]
    if as_json:
        output.print_json(_view(shown, left_out))
    else:
        _print(shown, left_out, applied=apply)


@cli.command()
def catalogue(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="From 'nomaflow export catalogue'.")],
    *,
    apply: Annotated[bool, typer.Option("--apply", help="Write the files.")] = False,
    home: HomeOption = HERE,
) -> None:
    """Put the files of an exported catalogue into a home; without --apply show what would change.

    A folder that is no home becomes one, with a key of its own. An archive that brings problems
    is refused whole (exit code 3). Files of the home that the archive does not hold stay.
    """
    archive, folder = read_archive(file), Home(home)
    is_new = not folder.exists
    if is_new:
        _try_out(archive)
        if not apply:
            names = "\n".join(f"  {name}" for name in sorted(archive.files))
            output.out.print(f"{home} would become a home with\n{names}", markup=False)
            return
        make_home(folder.path)
    vault = Vault(read_keys(folder.master_key, Environment.read().master_key))
    found = _sound(restoring(folder, archive, vault))
    if apply:
        found.write()
    else:
        output.out.print(found.diff(), markup=False)
    _print_restored(found, applied=apply)
    output.print_problems(seal.check(folder, vault).problems if apply else ())
    if is_new:
        token = complete(create_first_token(folder.path))
        output.out.print(f"The first API token, shown only now:\n  {token}")


def _try_out(archive: Archive) -> None:
    """Raise InvalidConfiguration if no sound home can be made of the archive."""
    with TemporaryDirectory() as folder:
        trial = make_home(Path(folder) / "home")
        _sound(restoring(trial, archive, Vault(read_keys(trial.master_key))))


def _sound(found: Restoring) -> Restoring:
    if found.problems:
        raise InvalidConfiguration(found.problems)
    return found


def _print_restored(found: Restoring, *, applied: bool) -> None:
    for name in sorted(found.changed):
        output.err.print(f"{name} {'was' if applied else 'would be'} written.", markup=False)
    if not found.changed:
        output.err.print("Every file is the same already.")
    elif not applied:
        output.err.print("Nothing was written; --apply writes the files.")
    if found.missing_variables:
        names = ", ".join(found.missing_variables)
        output.err.print(f"The env file has no value for: {names}.", markup=False)


def _read(file: str) -> str:
    if file == "-":
        return sys.stdin.read()
    try:
        return Path(file).read_text(encoding="utf-8", errors="surrogateescape")
    except OSError as error:
        raise Refused(f"Cannot read {file}: {error.strerror}.") from None


def _sorted_out(app: App, entries: Sequence[Entry]) -> tuple[list[Entry], list[LeftOut]]:
    """What is new, and what is a job already."""
    new, known = [], []
    for entry in entries:
        same = next((job for job in app.catalogue.jobs.values() if is_imported(entry, job)), None)
        if same is None:
            new.append(entry)
        else:
            reason = f"it is there already, as job '{same.id}'"
            known.append(LeftOut(entry.line, entry.command, reason))
    return new, known


def _taken(app: App) -> set[str]:
    return {*app.catalogue.jobs, *(broken.id for broken in app.catalogue.broken)}


async def _apply(app: App, jobs: Sequence[ImportedJob]) -> None:
    text = app.catalogue.texts[JOBS_TOML]
    blocks = [job.as_toml() for job in jobs]
    parts = [text.rstrip("\n"), *blocks] if text.strip() else blocks
    async with app.store():
        note = f"{len(jobs)} jobs from a crontab"
        await app.catalogue_keeper.save(JOBS_TOML, "\n\n".join(parts), by=caller(), note=note)
    plugin = app.home.plugins / f"{MODULE}.py"
    if not plugin.exists():
        app.home.plugins.mkdir(exist_ok=True)
        plugin.write_text(PLUGIN, encoding="utf-8")
    append_env(
        app.home.env_file, {name: value for job in jobs for name, value in job.secrets.items()}
    )


def _preview(app: App, job: ImportedJob) -> Preview:
    zone = job.timezone or app.zone
    return preview(job.entry.schedule, zone, app.clock.now(), NEXT_SHOWN)


def _view(
    shown: Sequence[tuple[ImportedJob, Preview]], left_out: Sequence[LeftOut]
) -> dict[str, Any]:
    return {
        "jobs": [
            {
                "job_id": job.id,
                "line": job.entry.line,
                "schedule": job.entry.schedule,
                "words": told.words,
                "next": [fire.isoformat() for fire in told.fires],
                "enabled": job.enabled,
                "env_file": sorted(job.secrets),
                "notes": list(job.notes),
                "toml": job.as_toml(),
            }
            for job, told in shown
        ],
        "left_out": [vars(line) for line in left_out],
    }


def _print(
    shown: Sequence[tuple[ImportedJob, Preview]], left_out: Sequence[LeftOut], *, applied: bool
) -> None:
    if not applied:
        for job, _ in shown:
            output.out.print(job.as_toml(), markup=False)
    table = output.table("JOB", "LINE", "WHEN", "NEXT", flexible="WHEN")
    for job, told in shown:
        fires = "\n".join(fire.isoformat(sep=" ") for fire in told.fires)
        words = told.words["en"] if job.enabled else f"disabled: {told.words['en']}"
        table.add_row(job.id, str(job.entry.line), words, fires)
    if shown:
        output.err.print(table)
    for line in left_out:
        text = f"Left out: line {line.line}, {line.text}: {line.reason.rstrip('.')}."
        output.err.print(text, markup=False)
    _print_end([job for job, _ in shown], applied=applied)


def _print_end(jobs: Sequence[ImportedJob], *, applied: bool) -> None:
    for job in jobs:
        for note in job.notes:
            output.err.print(f"{job.id}: {note}", markup=False)
    if secrets := sorted({name for job in jobs for name in job.secrets}):
        becomes = "stand" if applied else "would stand"
        output.err.print(f"{', '.join(secrets)} {becomes} in the env file, not in jobs.toml.")
    if not jobs:
        output.err.print("There is nothing new to take over.")
    elif applied:
        output.err.print(f"{len(jobs)} jobs were added. Now remove their lines from the crontab.")
    else:
        output.err.print("Nothing was written; --apply adds the jobs to jobs.toml.")
