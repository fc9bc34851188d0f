"""`nomaflow secrets`: seal a value, change the key, and look whether everything opens."""

import getpass
import sys
from dataclasses import asdict

import typer

from nomaflow.catalogue import seal
from nomaflow.catalogue.home import Home
from nomaflow.cli import output
from nomaflow.cli.context import HERE, INVALID, HomeOption, JsonOption
from nomaflow.config import Environment
from nomaflow.errors import InvalidConfiguration, Refused
from nomaflow.security.keys import add_key, read_keys
from nomaflow.security.vault import Vault

cli = typer.Typer(help="Seal secrets, rotate the master key, check.", no_args_is_help=True)


@cli.command()
def encrypt(*, home: HomeOption = HERE) -> None:
    """Seal one value for connectors.toml or jobs.toml.

    The value is asked for, or read from standard input: never an argument, which everybody on
    the machine could read.
    """
    value = getpass.getpass("Value to seal: ") if sys.stdin.isatty() else sys.stdin.read()
    value = value.removesuffix("\n")
    if not value:
        raise typer.BadParameter("nothing to seal: standard input was empty")
    output.out.print(_vault(Home(home)).seal(value))


@cli.command()
def rotate(*, home: HomeOption = HERE) -> None:
    """Make a new master key and seal every value with it; the old keys stay for reading."""
    folder = Home(home)
    if Environment.read().master_key:
        raise Refused(
            "The master key comes from NOMAFLOW_MASTER_KEY: put a new key before the old ones "
            "there, separated by commas; then seal again with 'nomaflow secrets encrypt'."
        )
    report = seal.check(folder, _vault(folder))
    if any(value.problem for value in report.sealed):
        raise InvalidConfiguration(report.problems)
    keys = add_key(folder.master_key)
    changed = seal.rotate(folder, Vault(keys))
    names = ", ".join(path.name for path in changed) or "no file"
    output.out.print(f"The newest key is {keys.newest.id}; sealed again: {names}.")
    output.out.print("Restart the service: it reads the key file at start.")


@cli.command()
def check(*, home: HomeOption = HERE, as_json: JsonOption = False) -> None:
    """List every sealed value and whether it opens; exits 3 when one does not."""
    report = seal.check(Home(home), _vault(Home(home)))
    if as_json:
        output.print_json(
            {
                "sealed": [asdict(value) for value in report.sealed],
                "problems": [problem.as_dict() for problem in report.problems],
            }
        )
    else:
        _print(report)
    if report.problems:
        raise typer.Exit(INVALID)


def _print(report: seal.SecretsReport) -> None:
    shown = output.table("FILE", "LINE", "FIELD", "KEY", "OPENS")
    for value in report.sealed:
        shown.add_row(
            value.file,
            str(value.line or ""),
            value.field,
            value.key_id or "older form",
            value.problem or "yes",
        )
    output.out.print(shown if report.sealed else "No sealed values.")
    output.print_problems(report.problems)


def _vault(home: Home) -> Vault:
    return Vault(read_keys(home.master_key, Environment.read().master_key))
