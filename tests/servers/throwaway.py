"""What every throw-away server needs: a folder, a free port, and a user that is not root."""

import os
import pwd
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


class ServerMissing(Exception):
    """The programs of a server are not installed; the message says how to get them."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True)
class Account:
    """Who a server runs as: database servers refuse root, so root becomes nobody."""

    uid: int
    gid: int
    as_options: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def unprivileged(cls) -> "Account":
        if os.geteuid() != 0:
            return cls(os.geteuid(), os.getegid())
        nobody = pwd.getpwnam("nobody")
        options = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        return cls(nobody.pw_uid, nobody.pw_gid, options)


@dataclass(frozen=True)
class Site:
    """A server's own temporary folder, and how to run its programs in there."""

    folder: Path
    account: Account

    @property
    def environment(self) -> dict[str, str]:
        """As little as possible, so that no PGHOST or MYSQL_HOME of the caller gets through."""
        return {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "HOME": str(self.folder)}

    def run(self, command: Sequence[str | Path]) -> None:
        """Run a program of the server to its end. Raises RuntimeError with what it printed."""
        output = self.folder / "command.log"
        with output.open("wb") as log:
            ended = subprocess.run(command, stdout=log, stderr=log, **self._options)
        if ended.returncode:
            raise RuntimeError(f"{Path(command[0]).name} failed:\n{output.read_text()}")

    def start(self, command: Sequence[str | Path], log: Path) -> subprocess.Popen[bytes]:
        """Start a program that stays; its output goes to `log`."""
        with log.open("wb") as output:
            return subprocess.Popen(command, stdout=output, stderr=output, **self._options)

    @property
    def _options(self) -> dict[str, Any]:
        where = {"cwd": self.folder, "env": self.environment, "stdin": subprocess.DEVNULL}
        return {**where, **self.account.as_options}


@contextmanager
def site(prefix: str) -> Iterator[Site]:
    """A fresh folder that the server's account owns; gone afterwards.

    It is in /tmp whatever TMPDIR says: nobody may enter it, and a socket's path has to be short.
    """
    account = Account.unprivileged()
    made = tempfile.TemporaryDirectory(prefix=prefix, dir="/tmp", ignore_cleanup_errors=True)
    with made as folder:
        os.chown(folder, account.uid, account.gid)
        yield Site(Path(folder), account)
