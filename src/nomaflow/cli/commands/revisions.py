"""`nomaflow revisions`: the texts that the files had, what changed, and going back to one."""

from typing import Annotated

import typer

from nomaflow.app import App
from nomaflow.cli import output
from nomaflow.cli.context import HERE, HomeOption, JsonOption, caller, complete
from nomaflow.history.revisions import Revision, RevisionFilter
from nomaflow.services.views import revision_detail, revision_row

cli = typer.Typer(help="List, compare and bring back earlier texts.", no_args_is_help=True)

IdArgument = Annotated[
    int, typer.Argument(metavar="ID", help="The revision's id.", min=1, max=2**62)
]


@cli.command("list")
def list_revisions(
    *,
    home: HomeOption = HERE,
    file: Annotated[str | None, typer.Option(help="Only those of this file.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=500, help="How many, newest first.")] = 20,
    as_json: JsonOption = False,
) -> None:
    """List revisions, newest first."""
    found = complete(_list(App.build(home), RevisionFilter(file, limit=limit)))
    rows = [revision_row(revision) for revision in found]
    if as_json:
        output.print_json({"revisions": rows})
        return
    shown = output.table("REVISION", "FILE", "WHO", "SAVED", "NOTE", flexible="NOTE")
    for row in rows:
        saved = output.when(row["saved_at"])
        shown.add_row(str(row["revision_id"]), row["file"], row["who"], saved, row["note"] or "")
    output.out.print(shown)


@cli.command()
def show(revision: IdArgument, *, home: HomeOption = HERE, as_json: JsonOption = False) -> None:
    """Print the text of a revision."""
    found = complete(_get(App.build(home), revision))
    if as_json:
        output.print_json(revision_detail(found))
    else:
        output.out.print(found.text, end="", markup=False)


@cli.command()
def diff(
    revision: IdArgument,
    *,
    other: Annotated[
        int | None,
        typer.Option("--with", min=1, max=2**62, help="Compare with this one, not the one before."),
    ] = None,
    home: HomeOption = HERE,
) -> None:
    """Show what a revision changed."""
    output.out.print(complete(_diff(App.build(home), revision, other)), markup=False)


@cli.command()
def rollback(
    revision: IdArgument,
    *,
    note: Annotated[str | None, typer.Option(help="Why; kept with the new revision.")] = None,
    home: HomeOption = HERE,
) -> None:
    """Give the file that text again, as a new revision; a server takes it over by itself."""
    file = complete(_rollback(App.build(home), revision, note))
    output.out.print(f"{file} has the text of revision {revision} again.")


async def _list(app: App, wanted: RevisionFilter) -> list[Revision]:
    async with app.store():
        return await app.revisions.page(wanted)


async def _get(app: App, revision_id: int) -> Revision:
    async with app.store():
        return await app.revisions.get(revision_id)


async def _diff(app: App, revision_id: int, other: int | None) -> str:
    async with app.store():
        return await app.revisions.diff(revision_id, other)


async def _rollback(app: App, revision_id: int, note: str | None) -> str:
    async with app.store():
        await app.revisions.rollback(revision_id, by=caller(), note=note)
        return (await app.revisions.get(revision_id)).file
