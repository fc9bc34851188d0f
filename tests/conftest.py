"""Fixtures for every test: real database servers that start and go by themselves."""

from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import settings
from tests.fakes import FakeClock
from tests.servers.mariadb import MariadbServer, throwaway_mariadb
from tests.servers.postgresql import PostgresqlServer, throwaway_postgresql
from tests.servers.throwaway import ServerMissing

SERVERS = {"postgresql_server": "postgresql", "mariadb_server": "mariadb"}

settings.register_profile("nomaflow", deadline=None)  # a busy machine is no counter-example
settings.load_profile("nomaflow")


@pytest.fixture
def clock() -> FakeClock:
    """A clock that the test moves by hand; it stands at the start of 2026."""
    return FakeClock()


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[PostgresqlServer]:
    """A PostgreSQL of this test session; its tests are skipped when there are no programs."""
    try:
        with throwaway_postgresql() as server:
            yield server
    except ServerMissing as missing:
        pytest.skip(str(missing))


@pytest.fixture
def postgresql_url(postgresql_server: PostgresqlServer) -> Iterator[str]:
    """A fresh, empty PostgreSQL database: `postgresql://postgres@127.0.0.1:port/name`."""
    with postgresql_server.database() as url:
        yield url


@pytest.fixture(scope="session")
def mariadb_server() -> Iterator[MariadbServer]:
    """A MariaDB of this test session; its tests are skipped when there are no programs."""
    try:
        with throwaway_mariadb() as server:
            yield server
    except ServerMissing as missing:
        pytest.skip(str(missing))


@pytest.fixture
def mariadb_url(mariadb_server: MariadbServer) -> Iterator[str]:
    """A fresh, empty MariaDB database: `mysql://nomaflow@127.0.0.1:port/name`."""
    with mariadb_server.database() as url:
        yield url


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "slow: takes more than 10 seconds")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Who uses a server carries its marker, so that `-m "not postgresql"` leaves it out."""
    for item in items:
        for fixture in getattr(item, "fixturenames", ()):
            if fixture in SERVERS:
                item.add_marker(SERVERS[fixture])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Skipped tests are said loudly: a green run that skipped half is not a green run."""
    skipped = Counter(_reason(report) for report in terminalreporter.stats.get("skipped", []))
    if not skipped:
        return
    terminalreporter.section("NOT TESTED", sep="!", red=True, bold=True)
    for reason, tests in skipped.most_common():
        terminalreporter.line(f"{tests:5} skipped: {reason}", red=True)


def _reason(report: pytest.TestReport) -> str:
    place = report.longrepr
    return place[2].removeprefix("Skipped: ") if isinstance(place, tuple) else str(place)
