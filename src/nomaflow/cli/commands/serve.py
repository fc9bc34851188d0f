"""`nomaflow serve`: keep the schedules and answer the API."""

from typing import Annotated

import typer
import uvicorn

from nomaflow.app import http_app_of
from nomaflow.cli import output
from nomaflow.cli.context import HERE, HomeOption, build


def add_to(cli: typer.Typer) -> None:
    cli.command("serve")(serve)


def serve(
    *,
    home: HomeOption = HERE,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[
        int | None, typer.Option(envvar="NOMAFLOW_PORT", help="Port to listen on.", min=0)
    ] = None,
) -> None:
    """Keep the schedules, execute runs and answer the API until stopped."""
    app = build(home)
    server = app.settings.server
    output.print_problems(app.catalogue.problems)
    uvicorn.run(
        http_app_of(app),
        host=host or server.host,
        port=server.port if port is None else port,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=5,
    )
