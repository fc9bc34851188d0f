"""Makes the demo's home folder: settings, connectors, jobs, a plugin and the sample data."""

import json
import shutil
from importlib.resources import as_file, files
from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from nomaflow.catalogue.home import Home
from nomaflow.catalogue.init import init
from nomaflow.cli.demo.load import Loaded, load
from nomaflow.errors import Refused

PASSWORD_VARIABLE = "DEMO_PG_PASSWORD"  # noqa: S105  # the name of a variable
REPORTING_URL = 'url = "sqlite:///data/reporting.db"'


def make_home(folder: Path, loaded: Loaded, postgresql_url: str | None = None) -> Home:
    """A home that serves as it is, with the job `nightly-refresh` ready to run.

    `loaded(table, rows)` is called after each table of sample data. With `postgresql_url` the
    reporting side is that PostgreSQL database; its password goes into the env file. Raises
    Refused when the folder is a home already, NotFound when the data set is not installed.
    """
    reporting = None if postgresql_url is None else _postgresql(postgresql_url)
    home = Home(folder)
    init(folder)
    _copy_template(folder)
    if reporting is not None:
        _report_to(home, reporting)
    home.data.mkdir(exist_ok=True)
    load(home.data / "operational.db", loaded)
    return home


def _postgresql(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError:
        parsed = None
    if parsed is None or parsed.get_backend_name() != "postgresql" or not parsed.database:
        raise Refused(
            "DEMO_PG is not understood: expected postgresql://user:password@host/database"
        )
    return parsed


def _copy_template(folder: Path) -> None:
    with as_file(files("nomaflow.cli.demo").joinpath("template")) as template:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(template, folder, dirs_exist_ok=True, ignore=ignored)


def _report_to(home: Home, url: URL) -> None:
    """Point the pool `reporting` at that database."""
    lines = [f"url = {json.dumps(url.set(password=None).render_as_string())}"]
    if url.password is not None:
        lines.append(f'password = "${{env:{PASSWORD_VARIABLE}}}"')
        _keep(home.env_file, PASSWORD_VARIABLE, str(url.password))
    text = home.connectors_toml.read_text(encoding="utf-8")
    home.connectors_toml.write_text(text.replace(REPORTING_URL, "\n".join(lines)), encoding="utf-8")


def _keep(env_file: Path, name: str, value: str) -> None:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    with env_file.open("a", encoding="utf-8") as file:
        file.write(f'{name}="{escaped}"\n')
