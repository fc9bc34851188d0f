"""Directories into PostgreSQL: 50,000 entries from OpenLDAP, a domain of 3,000 users over ldaps.

The steps run as they do in the service, each in a child process, with full history. Active
Directory is Samba's; only root can start it, so it is left out for others.
"""

import asyncio
import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import psycopg
from tests.homes import ended, running
from tests.servers import samba, slapd
from tests.servers.postgresql import throwaway_postgresql

from bench.figure import Figure
from bench.server import a_measured_home
from nomaflow.app import App

ENTRIES, PAGE = 50_000, 1_000
COLUMNS = {
    "uid": "uid",
    "cn": "cn",
    "sn": "sn",
    "givenName": "given_name",
    "mail": "mail",
    "employeeNumber": "number",
    "employeeType": "kind",
    "title": "title",
    "telephoneNumber": "phone",
    "mobile": "mobile",
    "departmentNumber": "department",
    "roomNumber": "room",
    "street": "street",
    "l": "city",
    "description": "remark",
}
USERS, GROUPS = 3_000, 10
TRANSITIVE = "1.2.840.113556.1.4.1941"
CONNECTORS = """
[pools.app]
url = "{url}"
[connectors.app]
type = "sql"
pool = "app"
[connectors.directory]
type = "ldap"
server = "{server}"
bind_dn = "{user}"
bind_password = "${{env:LDAP_PASSWORD}}"
ca_file = "{ca_file}"
"""
STEP = """
[[jobs]]
id = "{id}"
[[jobs.steps]]
name = "mirror"
type = "ldap_sync"
connector = "directory"
target_connector = "app"
page_size = {page}
prune = true
"""


def measure() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as folder, throwaway_postgresql() as server:
        with server.database() as url:
            yield from people(Path(folder) / "people", url)
        if os.geteuid() == 0:
            with server.database() as url:
                yield from domain(Path(folder) / "domain", url)


def people(folder: Path, url: str) -> Iterator[Figure]:
    """A directory of people with fifteen attributes each, three times: new, the same, none."""
    make(url, f"CREATE TABLE people ({', '.join(f'{c} text' for c in COLUMNS.values())})")
    make(url, "ALTER TABLE people ADD PRIMARY KEY (uid)")
    base = f"ou=people,{slapd.SUFFIX}"
    fields = f'search_base = "{base}"\nsearch_filter = "${{kw:which}}"\n'
    fields += f'target_table = "people"\nmapping = {inline(COLUMNS)}\n'
    job = STEP.format(id="people", page=PAGE) + fields + '[jobs.params]\nwhich = "(uid=*)"\n'
    with slapd.throwaway_slapd("".join(entries(base))) as server:
        login = (server.secure_url, slapd.READER, slapd.PASSWORD, server.ca_file)
        first, second = asyncio.run(runs(a_home(folder, url, job, login), "people", "people"))
    settings = f"{ENTRIES:,} entries x {len(COLUMNS)} attributes, pages of {PAGE:,}, ldaps"
    yield Figure("first run", first.seconds, "s", settings)
    yield Figure("its rows", first.output["created"], "rows", settings, f"{ENTRIES}", "1,000")
    yield Figure("second run", second.seconds, "s", settings)
    yield Figure("rows that it changed", second.output["upserted"], "rows", settings, "0")
    yield Figure("rows in the table", count(url, "people"), "rows", settings, f"{ENTRIES}")


def entries(base: str) -> Iterator[str]:
    yield f"dn: {base}\nobjectClass: organizationalUnit\nou: people\n\n"
    rest = [name for name in COLUMNS if name != "uid"]
    for number in range(ENTRIES):
        values = "".join(f"{name}: {name} of {number}\n" for name in rest if "ephone" not in name)
        phones = f"telephoneNumber: +33 4 {number:08}\n"
        dn = f"dn: uid=u{number},{base}\nobjectClass: inetOrgPerson\nuid: u{number}\n"
        yield f"{dn}{phones}{values}\n"


def domain(folder: Path, url: str) -> Iterator[Figure]:
    """A domain whose groups hold each other, and one of them everybody."""
    make(url, "CREATE TABLE users (id text PRIMARY KEY, name text, mail text)")
    make(url, "CREATE TABLE members (team text, member text, PRIMARY KEY (team, member))")
    began = perf_counter()
    with samba.throwaway_samba(accounts()) as server:
        made = perf_counter() - began
        login = (server.url, samba.USER, samba.PASSWORD, server.ca_file)
        home = a_home(folder, url, "".join(domain_jobs()), login)
        users = asyncio.run(runs(home, "users", "users", "nested", "members"))
    settings = f"Samba, {USERS:,} users, {GROUPS} groups within each other, ldaps"
    yield Figure("the domain, made and started", made, "s", settings)
    yield Figure("users, first run", users[0].seconds, "s", settings)
    yield Figure("their rows", users[0].output["created"], "rows", settings, f"{USERS}")
    yield Figure("rows that the second changed", users[1].output["upserted"], "rows", settings, "0")
    nested = users[2].output["fetched"]
    yield Figure("users of the outermost group", nested, "users", settings, f"{USERS}")
    yield Figure("members by ranges of 1,500", users[3].seconds, "s", settings)
    everybody = USERS + GROUPS - 1
    yield Figure("their rows", count(url, "members"), "rows", settings, f"{everybody}")


def accounts() -> Iterator[str]:
    """Group 0 holds group 1, and so on; the last one holds every user."""
    for number in range(USERS):
        yield (
            f"dn: CN=User {number},{samba.STAFF}\nobjectClass: user\nsAMAccountName: u{number}\n"
            f"mail: u{number}@example.test\nuserAccountControl: 512\n\n"
        )
    everybody = "".join(f"member: CN=User {number},{samba.STAFF}\n" for number in range(USERS))
    for number in reversed(range(GROUPS)):
        inside = f"member: CN=Group {number + 1},{samba.STAFF}\n"
        members = everybody if number == GROUPS - 1 else inside
        yield (
            f"dn: CN=Group {number},{samba.STAFF}\nobjectClass: group\n"
            f"sAMAccountName: g{number}\n{members}\n"
        )


def domain_jobs() -> Iterator[str]:
    base = f'search_base = "{samba.STAFF}"\n'
    columns = {"objectGUID": "id", "sAMAccountName": "name", "mail": "mail"}
    into_users = f'target_table = "users"\nmapping = {inline(columns)}\n'
    everybody = f'{base}search_filter = "(objectCategory=person)"\n{into_users}'
    outer = f"(&(objectCategory=person)(memberOf:{TRANSITIVE}:=CN=Group 0,{samba.STAFF}))"
    nested = f'{base}search_filter = "{outer}"\n{into_users}'
    ranges = 'mapping = { sAMAccountName = "team", "member;range=0-1499" = "member" }\n'
    members = f'{base}search_filter = "(objectClass=group)"\ntarget_table = "members"\n{ranges}'
    rows = 'multi_valued = { member = "rows" }\n'
    for name, fields in {"users": everybody, "nested": nested, "members": members + rows}.items():
        yield STEP.format(id=name, page=PAGE) + fields


@dataclass(frozen=True)
class Ended:
    """A run's seconds, and its step's output."""

    seconds: float
    output: Mapping[str, Any]


async def runs(home: Path, *jobs: str) -> list[Ended]:
    """A run of each job, one after the other. Raises RuntimeError when one fails."""
    async with running(home) as app:
        return [await one(app, job) for job in jobs]


async def one(app: App, job: str) -> Ended:
    began = perf_counter()
    _, (step,) = await ended(app, job)
    if step.output is None or step.error is not None:
        raise RuntimeError(f"{job}: {step.error}")
    return Ended(perf_counter() - began, step.output)


def a_home(folder: Path, url: str, jobs: str, login: tuple[str, str, str, Path]) -> Path:
    server, user, password, ca_file = login
    folder.mkdir()
    home = a_measured_home(folder, jobs)
    text = CONNECTORS.format(url=url, server=server, user=user, ca_file=ca_file)
    (home / "connectors.toml").write_text(text, encoding="utf-8")
    (home / ".env").write_text(f"LDAP_PASSWORD={password}\n", encoding="utf-8")
    return home


def inline(table: Mapping[str, str]) -> str:
    """As an inline table of TOML."""
    return "{ " + ", ".join(f'{key} = "{value}"' for key, value in table.items()) + " }"


def make(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as database:
        database.execute(statement)


def count(url: str, table: str) -> int:
    with psycopg.connect(url) as database:
        found = database.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608
        return int(found[0]) if found else 0
