"""A throw-away OpenLDAP server from Debian's program, over ldap, StartTLS and ldaps."""

import importlib.util
import os
import shutil
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.servers.certificates import Authority
from tests.servers.throwaway import ServerMissing, Site, free_port, site

SUFFIX = "dc=example,dc=test"
ADMIN = f"cn=admin,{SUFFIX}"
READER = f"cn=reader,{SUFFIX}"
LIMITED = f"cn=limited,{SUFFIX}"
PASSWORD = "correct-horse"
MOST_FOR_LIMITED = 25
START_TIMEOUT_SECONDS = 30.0

CONFIGURATION = f"""
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
pidfile {{folder}}/pid
modulepath /usr/lib/ldap
moduleload back_mdb
TLSCertificateFile {{certificate}}
TLSCertificateKeyFile {{certificate}}
sizelimit unlimited
database mdb
suffix "{SUFFIX}"
rootdn "{ADMIN}"
rootpw {PASSWORD}
directory {{folder}}/data
maxsize 2147483648
dbnosync
index objectClass,uid eq
limits dn.exact="{LIMITED}" size={MOST_FOR_LIMITED} size.prtotal={MOST_FOR_LIMITED}
access to attrs=userPassword by anonymous auth
access to * by dn.exact="{READER}" read by dn.exact="{LIMITED}" read by * none
"""
Attributes = Mapping[str, str | bytes | list[str] | list[bytes]]


@dataclass(frozen=True)
class SlapdServer:
    """A running server; READER and LIMITED may read everything, ADMIN may write."""

    port: int
    secure_port: int
    ca_file: Path
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        return f"ldap://127.0.0.1:{self.port}"

    @property
    def secure_url(self) -> str:
        return f"ldaps://127.0.0.1:{self.secure_port}"

    @contextmanager
    def signed_in(self) -> Iterator[Any]:
        """python-ldap's connection of the administrator."""
        import ldap

        connection = ldap.initialize(self.url)
        connection.simple_bind_s(ADMIN, PASSWORD)
        try:
            yield connection
        finally:
            connection.unbind_ext()

    def add(self, entries: Iterable[tuple[str, Attributes]]) -> None:
        with self.signed_in() as connection:
            for dn, attributes in entries:
                connection.add_s(dn, [(name, _bytes(value)) for name, value in attributes.items()])

    def replace(self, dn: str, attribute: str, *values: str) -> None:
        import ldap

        with self.signed_in() as connection:
            connection.modify_s(dn, [(ldap.MOD_REPLACE, attribute, [v.encode() for v in values])])

    def delete(self, dns: Iterable[str]) -> None:
        with self.signed_in() as connection:
            for dn in dns:
                connection.delete_s(dn)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@contextmanager
def throwaway_slapd(ldif: str = "") -> Iterator[SlapdServer]:
    """Load the suffix and what `ldif` adds, start a server on free ports. Raises ServerMissing."""
    program = slapd_program()
    with site("nomaflow-slapd-") as place:
        ca_file = _initialise(program, place, ldif)
        server = _start(program, place, ca_file)
        try:
            _wait_until_ready(server, place)
            yield server
        finally:
            server.kill()


def slapd_program() -> Path:
    """OpenLDAP's server. Raises ServerMissing, also when there is no client for it."""
    found = shutil.which("slapd", path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    if found is None:
        raise ServerMissing("OpenLDAP is not installed (Debian: apt-get install slapd)")
    refuse_without_python_ldap()
    return Path(found)


def refuse_without_python_ldap() -> None:
    if importlib.util.find_spec("ldap") is None:
        raise ServerMissing("python-ldap is not installed (see tools/setup.py)")


def _initialise(program: Path, place: Site, ldif: str) -> Path:
    """Returns the file of the authority that signed the server's certificate."""
    authority = Authority(place.folder)
    certificate = authority.issue("127.0.0.1")
    for file in place.folder.iterdir():
        file.chmod(0o644)
    data = place.folder / "data"
    data.mkdir()
    os.chown(data, place.account.uid, place.account.gid)
    configuration = place.folder / "slapd.conf"
    configuration.write_text(CONFIGURATION.format(folder=place.folder, certificate=certificate))
    (place.folder / "start.ldif").write_text(_start_entries() + ldif)
    load = [program, "-T", "add", "-q", "-f", configuration, "-l", place.folder / "start.ldif"]
    place.run(load)
    return authority.ca_file


def _start_entries() -> str:
    accounts = "".join(
        f"dn: {dn}\nobjectClass: organizationalRole\nobjectClass: simpleSecurityObject\n"
        f"cn: {dn[3 : dn.index(',')]}\nuserPassword: {PASSWORD}\n\n"
        for dn in (READER, LIMITED)
    )
    return (
        f"dn: {SUFFIX}\nobjectClass: dcObject\nobjectClass: organization\n"
        f"dc: example\no: Example\n\n{accounts}"
    )


def _start(program: Path, place: Site, ca_file: Path) -> SlapdServer:
    port, secure_port = free_port(), free_port()
    addresses = f"ldap://127.0.0.1:{port} ldaps://127.0.0.1:{secure_port}"
    command = [program, "-f", place.folder / "slapd.conf", "-h", addresses, "-d", "0"]
    process = place.start(command, place.folder / "server.log")
    return SlapdServer(port, secure_port, ca_file, process)


def _wait_until_ready(server: SlapdServer, place: Site) -> None:
    import ldap

    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while server.process.poll() is None and time.monotonic() < deadline:
        try:
            with server.signed_in():
                return
        except ldap.SERVER_DOWN:
            time.sleep(0.02)  # the server has no way to say that it is up
    raise RuntimeError(f"slapd did not start:\n{(place.folder / 'server.log').read_text()}")


def _bytes(value: str | bytes | list[str] | list[bytes]) -> list[bytes]:
    values = value if isinstance(value, list) else [value]
    return [v.encode() if isinstance(v, str) else v for v in values]
