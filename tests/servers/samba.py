"""A throw-away Active Directory from Debian's Samba, on a loopback address of its own.

Its ports are fixed and only root may open them; so it is made for root alone.
"""

import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.servers.certificates import Authority
from tests.servers.slapd import refuse_without_python_ldap
from tests.servers.throwaway import ServerMissing

SUFFIX = "DC=ad,DC=example,DC=test"
STAFF = f"OU=Staff,{SUFFIX}"
USER = "sync@ad.example.test"
PASSWORD = "Correct.Horse.7"
START_TIMEOUT_SECONDS = 60.0
_PROVISION = (
    *("domain", "provision", "--realm=AD.EXAMPLE.TEST", "--domain=ADTEST", "--server-role=dc"),
    *("--dns-backend=NONE", f"--adminpass={PASSWORD}", "--host-name=dc1", "--use-rfc2307"),
    *("--option=bind interfaces only=yes", "--option=server services=ldap"),
)


@dataclass(frozen=True)
class SambaServer:
    """A running domain controller; USER may read everything."""

    address: str
    ca_file: Path

    @property
    def url(self) -> str:
        return f"ldaps://{self.address}"


@contextmanager
def throwaway_samba(entries: Iterable[str] = ()) -> Iterator[SambaServer]:
    """Make a domain with these LDIF entries and start its controller. Raises ServerMissing."""
    _refuse_what_cannot_be()
    made = tempfile.TemporaryDirectory(
        prefix="nomaflow-samba-", dir="/tmp", ignore_cleanup_errors=True
    )
    with made as name:
        folder, address = Path(name), _own_address()
        ca_file = _provision(folder, address)
        _load(folder, entries)
        settings = folder / "etc" / "smb.conf"
        process = _start(folder, settings)
        try:
            _wait_until_ready(address, process, folder / "server.log")
            yield SambaServer(address, ca_file)
        finally:
            process.kill()
            process.wait()


def _own_address() -> str:
    """Of this process alone."""
    high, low = divmod(os.getpid(), 250)
    return f"127.77.{high % 250}.{low + 1}"


def _refuse_what_cannot_be() -> None:
    if os.geteuid() != 0:
        raise ServerMissing("Samba's Active Directory is tested as root only")
    for program in ("samba", "samba-tool", "ldbadd"):
        if shutil.which(program, path=_PATH) is None:
            raise ServerMissing(
                "Samba is not installed (Debian: apt-get install samba-ad-dc samba-ad-provision"
                " ldb-tools)"
            )
    refuse_without_python_ldap()


_PATH = f"{os.environ['PATH']}:/usr/sbin:/sbin"


def _provision(folder: Path, address: str) -> Path:
    """Make the domain; returns the file of the authority that signed its certificate."""
    _run(
        "samba-tool",
        *_PROVISION,
        f"--targetdir={folder}",
        f"--host-ip={address}",
        f"--option=interfaces={address}/8",
    )
    authority = Authority(folder)
    certificate = authority.issue(address)
    certificate.chmod(0o600)
    settings = folder / "etc" / "smb.conf"
    text = re.sub(r"\n\[(?!global).*?(?=\n\[|\Z)", "", settings.read_text(), flags=re.DOTALL)
    ours = {
        "pid directory": folder / "run",
        "ncalrpc dir": folder / "run" / "ncalrpc",
        "ntp signd socket directory": folder / "run" / "ntp",
        "winbindd socket directory": folder / "run" / "winbind",
        "disable netbios": "yes",
        "load printers": "no",
        "tls certfile": certificate,
        "tls keyfile": certificate,
        "tls cafile": authority.ca_file,
        "log file": folder / "log",
    }
    (folder / "run").mkdir()
    lines = "".join(f"\t{name} = {value}\n" for name, value in ours.items())
    settings.write_text(text.replace("[global]\n", f"[global]\n{lines}", 1))
    return authority.ca_file


def _load(folder: Path, entries: Iterable[str]) -> None:
    database = folder / "private" / "sam.ldb"
    staff = f"dn: {STAFF}\nobjectClass: organizationalUnit\nou: Staff\n\n"
    (folder / "entries.ldif").write_text(staff + "".join(entries))
    _run("ldbadd", "-H", database, folder / "entries.ldif")
    options = ("-H", database, "-s", folder / "etc" / "smb.conf")
    _run("samba-tool", "user", "create", USER.partition("@")[0], PASSWORD, *options)


def _run(program: str, *arguments: str | Path) -> None:
    command = [shutil.which(program, path=_PATH) or program, *arguments]
    ended = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if ended.returncode:
        raise RuntimeError(f"{program} failed:\n{ended.stdout}{ended.stderr}")


def _start(folder: Path, settings: Path) -> subprocess.Popen[bytes]:
    program = shutil.which("samba", path=_PATH) or "samba"
    with (folder / "server.log").open("wb") as log:
        return subprocess.Popen(
            [program, "-i", "-M", "single", "-s", settings, "-d", "1"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )


def _wait_until_ready(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex((address, 636)) == 0:
                return
        time.sleep(0.05)  # the server has no way to say that it is up
    raise RuntimeError(f"samba did not start:\n{log.read_text(errors='replace')}")
