"""A directory with 100 people in four teams, 30 of them temporary."""

import shutil
import socket
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from importlib.util import find_spec
from pathlib import Path

from sample_service import lead

MIRROR = ("run", "mirror-directory", "--wait")
COMMANDS = (MIRROR, (*MIRROR, "--param", "people=(employeeType=permanent)"))
BASE = "dc=example,dc=com"
PASSWORD = "password-of-the-example"  # noqa: S105
TEAMS = ("red", "green", "blue", "white")
SCHEMAS = Path("/etc/ldap/schema")
NEEDED = "This example needs OpenLDAP's server (apt-get install slapd) and nomaflow[ldap]."


def missing() -> str | None:
    """Why this example cannot run here; None when it can."""
    return NEEDED if not _slapd() or find_spec("ldap") is None else None


def prepare(home: Path) -> None:
    with (home / ".env").open("a") as variables:
        variables.write(f"LDAP_PASSWORD={PASSWORD}\n")
    folder = home.resolve() / "directory"
    folder.mkdir()
    settings, data = _settings_file(folder), folder / "people.ldif"
    settings.write_text(_settings(folder), encoding="utf-8")
    data.write_text("\n".join(_entries()), encoding="utf-8")
    subprocess.run([_slapd(), "-T", "add", "-q", "-f", settings, "-l", data], check=True)


@contextmanager
def world(home: Path) -> Iterator[None]:
    settings = _settings_file(home.resolve() / "directory")
    if not settings.exists():  # the home is from before there was a server
        yield
        return
    with _directory(settings) as address:
        lead(home, "directory", address)
        yield


def outcome(home: Path) -> Iterator[str]:
    with closing(sqlite3.connect(home / "data" / "app.db")) as app:
        ((users,),) = app.execute("SELECT count(*) FROM users")
        yield f"{users} users"
        for team, members in app.execute("SELECT team, count(*) FROM teams GROUP BY team"):
            yield f"{members} members in team {team}"


@contextmanager
def _directory(settings: Path) -> Iterator[str]:
    """An OpenLDAP server on a free port; its address."""
    port = _free_port()
    address = f"ldap://127.0.0.1:{port}"
    server = subprocess.Popen(
        [_slapd(), "-f", settings, "-h", address, "-d", "0"], stderr=subprocess.DEVNULL
    )
    try:
        _wait_for(port)
        yield address
    finally:
        server.kill()
        server.wait()


def _slapd() -> str:
    """The program; empty when it is not there."""
    return shutil.which("slapd") or shutil.which("slapd", path="/usr/sbin:/usr/local/sbin") or ""


def _settings_file(folder: Path) -> Path:
    return folder / "slapd.conf"


def _settings(folder: Path) -> str:
    includes = "".join(
        f"include {SCHEMAS / name}.schema\n" for name in ("core", "cosine", "inetorgperson")
    )
    return (
        f"{includes}modulepath /usr/lib/ldap\nmoduleload back_mdb\n"
        f'database mdb\nsuffix "{BASE}"\ndirectory {folder}\n'
        f'rootdn "cn=sync,{BASE}"\nrootpw {PASSWORD}\n'
    )


def _entries() -> Iterator[str]:
    yield f"dn: {BASE}\nobjectClass: dcObject\nobjectClass: organization\ndc: example\no: Example\n"
    for unit in ("people", "teams"):
        yield f"dn: ou={unit},{BASE}\nobjectClass: organizationalUnit\nou: {unit}\n"
    for number in range(100):
        kind = "temporary" if number < 30 else "permanent"
        yield (
            f"dn: {_person(number)}\nobjectClass: inetOrgPerson\nuid: u{number}\nsn: {number}\n"
            f"cn: Person {number}\nmail: u{number}@example.com\nemployeeType: {kind}\n"
        )
    for place, team in enumerate(TEAMS):
        members = "\n".join(f"member: {_person(number)}" for number in range(place, 100, 4))
        yield f"dn: cn={team},ou=teams,{BASE}\nobjectClass: groupOfNames\ncn: {team}\n{members}\n"


def _person(number: int) -> str:
    return f"uid=u{number},ou=people,{BASE}"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(port: int) -> None:
    for _ in range(500):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise RuntimeError("slapd did not start.")
