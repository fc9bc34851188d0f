"""A real directory, a branch of it for each test, and a database to sync it into."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import pytest
from tests.servers.slapd import PASSWORD, READER, SUFFIX, SlapdServer, throwaway_slapd
from tests.servers.throwaway import ServerMissing

from nomaflow.connectors.base import ConnectorSettings, ResolvedPool
from nomaflow.connectors.registry import Connectors, ConnectorTypes
from nomaflow.connectors.sql import NamedQuery, SqlConnector, SqlDefinition
from nomaflow.steps.ldap_sync import STEP, LdapSyncSpec
from nomaflow.testing import build_fake_ctx

PEOPLE = """
CREATE TABLE people (
    uid varchar(40) PRIMARY KEY, number integer, mail varchar(200), changed_at {moment},
    photo {bytes}
)
"""

OTHERS = {
    "otherwise": "ON CONFLICT (uid) DO UPDATE SET number = excluded.number, mail = excluded.mail"
}
WORDS: dict[str, dict[str, str]] = {
    "sqlite": {**OTHERS, "bytes": "blob", "moment": "timestamp", "joined": "{0} || {1} || {2}"},
    "postgresql": {
        **OTHERS,
        "bytes": "bytea",
        "moment": "timestamp",
        "joined": "{0} || {1} || {2}",
    },
    "mysql": {
        "bytes": "blob",
        "moment": "datetime",
        "joined": "CONCAT({0}, {1}, {2})",
        "otherwise": "ON DUPLICATE KEY UPDATE number = VALUES(number), mail = VALUES(mail)",
    },
}
"""What each database spells in its own way."""

ADD = "INSERT INTO people (uid, number, mail) VALUES (:uid, :number, :mail)"
PRUNE = (
    "DELETE FROM people WHERE NOT EXISTS "
    "(SELECT 1 FROM {seen} s WHERE s.uid = people.uid AND s.number = people.number)"
)


def queries(words: dict[str, str]) -> dict[str, NamedQuery]:
    joined = words["joined"].format(":origin", ":session_user", ":givenName")
    put_only = f"INSERT INTO people (uid, mail) VALUES (:uid, {joined})"
    return {
        "put": NamedQuery(sql=f"{ADD} {words['otherwise']}", prune=PRUNE),
        "add": NamedQuery(sql=ADD),
        "put_only": NamedQuery(sql=put_only),
    }


@pytest.fixture(scope="session")
def slapd() -> Iterator[SlapdServer]:
    """An OpenLDAP of this test session; its tests are skipped when there are no programs."""
    try:
        with throwaway_slapd() as server:
            yield server
    except ServerMissing as missing:
        pytest.skip(str(missing))


@dataclass(frozen=True)
class Branch:
    """An empty branch of a directory, and the step's fields that search it."""

    server: SlapdServer
    base: str

    @property
    def fields(self) -> dict[str, Any]:
        return {
            "server": self.server.url,
            "bind_dn": READER,
            "bind_password": PASSWORD,
            "search_base": self.base,
            "search_filter": "(objectClass=inetOrgPerson)",
            "page_size": 10,
        }

    def dn(self, uid: str) -> str:
        return f"uid={uid},{self.base}"

    def add_people(self, count: int, **more: Any) -> None:
        """`u0` and so on: with a number and two mail addresses each."""
        self.server.add(
            (
                self.dn(f"u{number}"),
                {
                    "objectClass": "inetOrgPerson",
                    "uid": f"u{number}",
                    "cn": f"Zoë {number}",
                    "sn": "Müller",
                    "employeeNumber": str(number),
                    "mail": [f"u{number}@example.test", f"also{number}@example.test"],
                    **more,
                },
            )
            for number in range(count)
        )

    def remove_people(self, *numbers: int) -> None:
        self.server.delete(self.dn(f"u{number}") for number in numbers)


@pytest.fixture
def branch(slapd: SlapdServer) -> Branch:
    name = f"ou={uuid4().hex},{SUFFIX}"
    slapd.add([(name, {"objectClass": "organizationalUnit", "ou": name[3:35]})])
    return Branch(slapd, name)


@pytest.fixture(
    params=[
        "sqlite",
        pytest.param("postgresql", marks=pytest.mark.postgresql),
        pytest.param("mariadb", marks=pytest.mark.mariadb),
    ]
)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/target.db"
    return str(request.getfixturevalue(f"{request.param}_url"))


class Target:
    """A database, and a step that syncs into it."""

    def __init__(self, url: str) -> None:
        self._given: dict[str, Any] = {}
        self._words = WORDS[url.partition(":")[0]]
        definition = SqlDefinition(pool="db", queries=queries(self._words))
        settings = ConnectorSettings("db", "sql", definition, ResolvedPool("db", url))
        self.connectors = Connectors(lambda _: settings, ConnectorTypes.discover())
        self.connector = cast("SqlConnector", self.connectors.get("db"))
        self.uses("db", self.connector)

    def uses(self, name: str, connector: Any) -> None:
        """Give the step one more connector."""
        self._given[name] = connector
        self.ctx = build_fake_ctx(params={"origin": "ldap"}, connectors=self._given)

    def create(self, ddl: str) -> None:
        self.connector.execute(ddl.format_map(self._words))

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in self.connector.execute(sql)]

    def sync(self, fields: dict[str, Any], **more: Any) -> dict[str, Any]:
        """Run the step; its output."""
        self.ctx.lines.clear()
        spec = LdapSyncSpec.model_validate({"target_connector": "db", **fields, **more})
        return dict(STEP.run(spec, self.ctx))

    @property
    def said(self) -> list[str]:
        return [line for _, line in self.ctx.lines]


@pytest.fixture
def target(database_url: str) -> Iterator[Target]:
    target = Target(database_url)
    target.create(PEOPLE)
    yield target
    target.ctx.close()
    target.connectors.close()


@pytest.fixture
def to_people() -> dict[str, Any]:
    """The step's fields that bring entries into the table `people`."""
    mapping = {"uid": "uid", "employeeNumber": "number", "mail": "mail"}
    return {"target_table": "people", "mapping": mapping}
