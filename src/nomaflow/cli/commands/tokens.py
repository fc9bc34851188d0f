"""`nomaflow tokens`: API tokens are shown once, and kept as a hash."""

from typing import Annotated, Any

import typer

from nomaflow.app import App
from nomaflow.cli import output
from nomaflow.cli.context import HERE, HomeOption, JsonOption, complete
from nomaflow.services.views import instant

cli = typer.Typer(help="Make, list and revoke API tokens.", no_args_is_help=True)
NameArgument = Annotated[str, typer.Argument(help="What uses the token, such as 'deploy'.")]


@cli.command()
def create(name: NameArgument, *, home: HomeOption = HERE, as_json: JsonOption = False) -> None:
    """Make a token and print it; it cannot be shown again."""
    token = complete(_create(App.build(home), name))
    if as_json:
        output.print_json({"name": name, "token": token})
    else:
        output.out.print(token)
        output.err.print("Keep it now: it is stored as a hash and cannot be shown again.")


@cli.command("list")
def list_tokens(*, home: HomeOption = HERE, as_json: JsonOption = False) -> None:
    """List the tokens by name."""
    rows = complete(_list(App.build(home)))
    if as_json:
        output.print_json({"tokens": rows})
        return
    shown = output.table("TOKEN", "CREATED", "LAST USED", "REVOKED")
    for row in rows:
        shown.add_row(
            row["name"],
            *(output.when(row[at]) for at in ("created_at", "last_used_at", "revoked_at")),
        )
    output.out.print(shown)


@cli.command()
def revoke(name: NameArgument, *, home: HomeOption = HERE) -> None:
    """End a token: whoever uses it is refused, by running servers within a second."""
    complete(_revoke(App.build(home), name))
    output.out.print(f"Token '{name}' is revoked.")


async def _create(app: App, name: str) -> str:
    async with app.store():
        return (await app.access.create_token(name)).reveal()


async def _list(app: App) -> list[dict[str, Any]]:
    async with app.store():
        return [
            {
                "name": token.name,
                "created_at": instant(token.created_at),
                "last_used_at": instant(token.last_used_at),
                "revoked_at": instant(token.revoked_at),
            }
            for token in await app.access.tokens()
        ]


async def _revoke(app: App, name: str) -> None:
    async with app.store():
        await app.access.revoke(name)
