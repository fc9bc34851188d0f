"""`nomaflow doctor`: look at everything that an instance needs."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import typer
from rich.text import Text

from nomaflow.app import App
from nomaflow.catalogue.home import Home
from nomaflow.cli import output
from nomaflow.cli.context import HERE, INVALID, UNREACHABLE, HomeOption, JsonOption, complete
from nomaflow.cli.doctor.connectors import look_at_connectors
from nomaflow.cli.doctor.finding import Finding, wrong
from nomaflow.cli.doctor.home import look_at_home
from nomaflow.cli.doctor.plugins import look_at_plugins
from nomaflow.cli.doctor.store import look_at_store
from nomaflow.cli.doctor.surroundings import look_around
from nomaflow.config import Environment
from nomaflow.errors import InvalidConfiguration, NomaflowError

cli = typer.Typer()

LOOKS = {"ok": ("✔", "green"), "warning": ("!", "yellow"), "error": ("✘", "red")}


@cli.command()
def doctor(*, home: HomeOption = HERE, as_json: JsonOption = False) -> None:
    """Look at home, keys, store, connectors, plugins and surroundings; say what to do.

    Changes nothing. Exits 3 for mistakes in the home, 4 when something does not answer; warnings
    exit 0.
    """
    findings = complete(_all_findings(home))
    if as_json:
        output.print_json({"findings": [finding.as_dict() for finding in findings]})
    else:
        _print(findings)
    if code := _exit_code(findings):
        raise typer.Exit(code)


async def _all_findings(home: Path) -> list[Finding]:
    return [finding async for finding in _findings(home)]


async def _findings(path: Path) -> AsyncIterator[Finding]:
    environment = Environment.read()
    for finding in look_at_home(Home(path), environment):
        yield finding
    try:
        app = App.build(path, environment)
    except InvalidConfiguration:
        yield wrong("start", "the service does not start", "Solve the problems of the home first.")
        return
    except NomaflowError as error:
        yield wrong("start", f"the service does not start: {error}", "Solve this first.")
        return
    try:
        async for finding in look_at_store(app):
            yield finding
        async for finding in look_at_connectors(app):
            yield finding
        for finding in (*look_at_plugins(app), *look_around(app, environment)):
            yield finding
    finally:
        app.connectors.close()


def _print(findings: Sequence[Finding]) -> None:
    shown = output.table("", "CHECK", "FOUND", flexible="FOUND")
    for finding in findings:
        sign, style = LOOKS[finding.level]
        what = Text(finding.what)
        if finding.advice:
            what.append(f"\n→ {finding.advice}", style=style)
        shown.add_row(Text(sign, style=style), finding.check, what)
    output.out.print(shown)
    counts = [sum(each.level == level for each in findings) for level in ("error", "warning")]
    output.out.print(f"{counts[0]} errors, {counts[1]} warnings.")


def _exit_code(findings: Sequence[Finding]) -> int:
    causes = {finding.cause for finding in findings if finding.level == "error"}
    if "configuration" in causes:
        return INVALID
    return UNREACHABLE if causes else 0
