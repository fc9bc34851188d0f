"""Makes the demo's home folder: settings, connectors, jobs, a plugin and the sample data."""

import json
import shutil
from importlib.resources import as_file, files
from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from nomaflow.catalogue.home import Home
from nomaflow.catalogue.init import init
from nomaflow.cli.demo import examples
from nomaflow.cli.demo.load import Loaded, load
from nomaflow.errors import Refused

PASSWORD_VARIABLE = "DEMO_PG_PASSWORD"  # noqa: S105  # the name of a variable
OPERATIONAL = "operational.db"
REPORTING_URL = 'url = "sqlite:///data/reporting.db"'


def make_home(folder: Path, loaded: Loaded, postgresql_url: str | None = None) -> Home:
    """A home that serves as it is, with `nightly-refresh` and the examples' jobs ready to run.

    `loaded(table, rows)` is called after each table of sample data. With `postgresql_url` the
    reporting side is that PostgreSQL database; its password goes into the env file. What stands
    already is kept. Raises Refused when it does not fit, NotFound when there is no data set.
    """
    home = Home(folder)
    reporting = None if postgresql_url is None else _postgresql(postgresql_url)
    if not home.exists:
        lay_out(home, reporting)
        examples.prepare(home)
    elif reporting is not None and _url_line(reporting) not in _read(home.connectors_toml):
        raise Refused(f"{folder} reports to another database. Remove it to begin anew.")
    if not (home.data / OPERATIONAL).exists():
        load(home.data / OPERATIONAL, loaded)
    return home


def lay_out(home: Home, reporting: URL | None = None) -> None:
    """The files of the home, without the sample data."""
    init(home.path)
    with as_file(files("nomaflow.cli.demo").joinpath("template")) as template:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(template, home.path, dirs_exist_ok=True, ignore=ignored)
    examples.lay_out(home)
    if reporting is not None:
        _report_to(home, reporting)


def _postgresql(text: str) -> URL:
    try:
        url = make_url(text)
    except ArgumentError:
        url = None
    if url is None or url.get_backend_name() not in {"postgresql", "postgres"} or not url.database:
        raise Refused(
            "DEMO_PG is not understood: expected postgresql://user:password@host/database"
        )
    return url.set(drivername="postgresql")


def _report_to(home: Home, url: URL) -> None:
    """Point the pool `reporting` at that database."""
    lines = [_url_line(url)]
    if url.password is not None:
        lines.append(f'password = "${{env:{PASSWORD_VARIABLE}}}"')
        _keep(home.env_file, PASSWORD_VARIABLE, str(url.password))
    text = _read(home.connectors_toml).replace(REPORTING_URL, "\n".join(lines))
    home.connectors_toml.write_text(text, encoding="utf-8")


def _url_line(url: URL) -> str:
    bare = URL.create(
        url.drivername, url.username, None, url.host, url.port, url.database, url.query
    )
    return f"url = {json.dumps(bare.render_as_string())}"


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _keep(env_file: Path, name: str, value: str) -> None:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    with env_file.open("a", encoding="utf-8") as file:
        file.write(f'{name}="{escaped}"\n')
