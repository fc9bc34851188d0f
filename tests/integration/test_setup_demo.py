"""The demo's home and its data, as they are installed."""

import csv
import importlib.util
import io
import sqlite3
import stat
import zipfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy.engine import make_url

from nomaflow.catalogue.home import Home
from nomaflow.catalogue.load import load as load_catalogue
from nomaflow.catalogue.values.env_file import read_env
from nomaflow.cli.demo import examples
from nomaflow.cli.demo.dataset import data_folder
from nomaflow.cli.demo.load import load
from nomaflow.cli.demo.make import lay_out, make_home
from nomaflow.errors import Refused

ROWS = {"airlines": 16, "airports": 1458, "planes": 3322, "weather": 26115, "flights": 336776}
EXAMPLES = {
    "clean-sessions",
    "load-sales",
    "mirror-directory",
    "pull-customers",
    "rebuild-invoices",
    "smoke-test",
    "sync-orders",
}
PASSWORD = 'p@ss "\\ word'
POSTGRESQL = make_url("postgresql://demo@db.example.com:5433/reports").set(password=PASSWORD)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The operational database, loaded once."""
    path = tmp_path_factory.mktemp("demo") / "operational.db"
    loaded: dict[str, int] = {}
    load(path, loaded.__setitem__)
    assert loaded == ROWS
    return path


@pytest.fixture
def operational(database: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(database)) as connection:
        yield connection


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A demo home with an empty operational database, so that no data is loaded."""
    made = Home(tmp_path / "home")
    lay_out(made)
    (made.data / "operational.db").touch()
    return made


def test_every_flight_is_there_value_by_value(operational: sqlite3.Connection) -> None:
    with zipfile.ZipFile(data_folder() / "flights.csv.zip") as archive:
        lines = csv.reader(io.TextIOWrapper(archive.open("flights.csv"), encoding="utf-8"))
        names = next(lines)
        expected = [[None if text == "NA" else text for text in line] for line in lines]
    found = operational.execute(f"SELECT {', '.join(names)} FROM flights ORDER BY rowid")
    for line, row in zip(expected, found, strict=True):
        *values, instant = row
        assert [None if value is None else str(value) for value in values] == line[:-1]
        assert f"{instant.replace(' ', 'T')}Z" == line[-1]


def test_numbers_are_numbers_and_gaps_are_null(operational: sqlite3.Connection) -> None:
    kinds = operational.execute(
        "SELECT DISTINCT typeof(dep_time), typeof(carrier), typeof(distance) FROM flights"
    ).fetchall()
    assert sorted(kinds) == [("integer", "text", "integer"), ("null", "text", "integer")]
    assert operational.execute("SELECT typeof(lat), typeof(alt) FROM airports").fetchone() == (
        "real",
        "integer",
    )
    assert operational.execute("SELECT count(*) FROM flights WHERE tailnum = 'NA'").fetchone() == (
        0,
    )


def test_every_table_has_a_key(operational: sqlite3.Connection) -> None:
    for table in ROWS:
        columns = operational.execute(f"SELECT max(pk) FROM pragma_table_info('{table}')")
        assert columns.fetchone()[0] >= 1


def test_a_load_that_was_cut_short_leaves_no_database(tmp_path: Path) -> None:
    def interrupt(table: str, rows: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        load(tmp_path / "operational.db", interrupt)
    assert not (tmp_path / "operational.db").exists()


def test_the_home_has_no_problems(home: Home) -> None:
    catalogue = load_catalogue(home)
    assert catalogue.problems == ()
    assert {"nightly-refresh", "busiest-routes", "heartbeat"} <= set(catalogue.jobs)


def test_the_examples_are_in_the_catalogue_and_on_unless_they_cannot_run(home: Home) -> None:
    jobs = load_catalogue(home).jobs
    assert set(jobs) >= EXAMPLES
    disabled = {name for name in EXAMPLES if not jobs[name].enabled}
    why = examples.example("ldap-mirror").missing()
    assert disabled == (set() if why is None else {"mirror-directory"})
    assert (why or "") in (jobs["mirror-directory"].description or "")


def test_a_home_from_before_the_examples_is_served_too(home: Home) -> None:
    before = home.connectors_toml.read_text()
    home.connectors_toml.write_text("# my own\n")
    with examples.surroundings(home):
        assert home.connectors_toml.read_text() == "# my own\n"
    assert 'base_url = "https://crm.example.com"' in before


def test_a_second_call_keeps_what_stands(home: Home) -> None:
    home.jobs_toml.write_text("# my own\n")
    make_home(home.path, loaded=never)
    assert home.jobs_toml.read_text() == "# my own\n"


def test_postgresql_becomes_the_reporting_side_without_its_password(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    lay_out(home, POSTGRESQL)
    pool = load_catalogue(home).pools["reporting"]
    assert pool.url == "postgresql://demo@db.example.com:5433/reports"
    assert pool.password == "${env:DEMO_PG_PASSWORD}"
    assert read_env(home.env_file).values == {"DEMO_PG_PASSWORD": PASSWORD}
    assert stat.S_IMODE(home.env_file.stat().st_mode) == 0o600
    assert load_catalogue(home).problems == ()


def test_a_home_that_reports_elsewhere_is_refused(home: Home) -> None:
    with pytest.raises(Refused, match="reports to another database"):
        make_home(home.path, never, "postgresql://demo@db.example.com/reports")


@pytest.mark.parametrize("url", ["mysql://demo@db/reports", "postgresql://db", "nonsense"])
def test_a_url_that_is_no_postgresql_database_is_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(Refused, match="DEMO_PG"):
        make_home(tmp_path / "home", never, url)
    assert not (tmp_path / "home").exists()


def test_the_check_returns_the_counts_when_both_sides_agree(home: Home) -> None:
    check = load_check(home)
    assert check(context(operational=7, reporting=7), ["flights"]) == {"flights": 7}


def test_the_check_fails_when_rows_are_missing(home: Home) -> None:
    check = load_check(home)
    with pytest.raises(ValueError, match="flights has 6 rows instead of 7"):
        check(context(operational=7, reporting=6), ["flights"])


def never(table: str, rows: int) -> None:
    raise AssertionError("no data should be loaded")


def load_check(home: Home) -> Any:
    """The plugin's function, loaded from the home as a step would."""
    spec = importlib.util.spec_from_file_location("check", home.plugins / "checks" / "flights.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.same_counts


def context(**counts: int) -> Any:
    """What the check sees of its run: two connectors that answer every count with a number."""
    connectors = {
        name: SimpleNamespace(scalar=lambda query, count=count: count)
        for name, count in counts.items()
    }
    log = SimpleNamespace(info=lambda *words: None)
    return SimpleNamespace(get_connector=connectors.__getitem__, log=log)
