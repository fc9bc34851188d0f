"""Nomaflow as its users meet it: commands and servers, each a process of its own."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
from tests.waiting import eventually

COMMAND = [sys.executable, "-m", "nomaflow"]
GIVE_UP_SECONDS = 60


@dataclass(frozen=True)
class Ended:
    """A command that ended: its exit code, and what it printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON value of stdout; fails when anything else stands there."""
        return json.loads(self.out)


def nomaflow(
    *arguments: str | Path, stdin: str = "", environment: dict[str, str] | None = None
) -> Ended:
    """Run a command to its end."""
    ended = subprocess.run(
        [*COMMAND, *map(str, arguments)],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=GIVE_UP_SECONDS,
        env=clean_environment() | (environment or {}),
        check=False,
    )
    return Ended(ended.returncode, ended.stdout, ended.stderr)


class Started:
    """A command that goes on: what it printed so far, and its end."""

    def __init__(self, process: subprocess.Popen[bytes], out: Path, err: Path) -> None:
        self.process = process
        self._out = out
        self._err = err

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def out(self) -> str:
        return self._out.read_text()

    @property
    def err(self) -> str:
        return self._err.read_text()

    def said(self, words: str) -> "Started":
        """Return once these words stand on stdout or stderr."""
        eventually(
            lambda: words in self.out + self.err or self._fail_if_ended(words),
            seconds=GIVE_UP_SECONDS,
        )
        return self

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def ended(self, *, seconds: float = GIVE_UP_SECONDS) -> Ended:
        """Wait for the end. Raises TimeoutExpired."""
        code = self.process.wait(seconds)
        return Ended(code, self.out, self.err)

    def _fail_if_ended(self, words: str) -> bool:
        code = self.process.poll()
        if code is not None and words not in self.out + self.err:
            raise AssertionError(f"ended with {code} before it said {words!r}: {self.err}")
        return False


@contextmanager
def started(
    *arguments: str | Path, files: Path, environment: dict[str, str] | None = None
) -> Iterator[Started]:
    """A command in the background, killed at the end; its output goes to `files`.out and .err."""
    out, err = files.with_suffix(".out"), files.with_suffix(".err")
    with out.open("wb") as to_out, err.open("wb") as to_err:
        process = subprocess.Popen(
            [*COMMAND, *map(str, arguments)],
            stdin=subprocess.DEVNULL,
            stdout=to_out,
            stderr=to_err,
            env=clean_environment() | (environment or {}),
        )
    with process:
        try:
            yield Started(process, out, err)
        finally:
            process.kill()


@dataclass(frozen=True)
class Server:
    """A `nomaflow serve` that is ready; `http` shows its token with every request."""

    command: Started
    http: httpx2.Client
    token: str

    def run(self, job: str, **options: Any) -> int:
        """Start a run by hand; its id."""
        answer = self.http.post(f"/api/v1/jobs/{job}/runs", content=json.dumps(options))
        assert answer.status_code == 202, answer.text
        run_id: int = answer.json()["run_id"]
        return run_id

    def ended(self, run_id: int, *, seconds: float = 20) -> Any:
        """The run once it is final."""
        return eventually(lambda: _final(self.get(f"/api/v1/runs/{run_id}")), seconds=seconds)

    def get(self, path: str, **query: Any) -> Any:
        answer = self.http.get(path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()


@contextmanager
def serving(home: Path, token: str, *, name: str = "serve") -> Iterator[Server]:
    """A server on a free port, ready; SIGKILLed at the end if it still lives."""
    with started("serve", "--home", home, "--port", "0", files=home.parent / name) as command:
        command.said("Nomaflow listens on")
        found = re.search(r"listens on (http://\S+)", command.err)
        assert found is not None
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        with httpx2.Client(base_url=found[1], headers=headers, timeout=30) as http:
            eventually(lambda: _is_ready(http))
            yield Server(command, http, token)


def clean_environment() -> dict[str, str]:
    """The environment without what would change Nomaflow, wide enough for its tables.

    Python keeps what it compiled, as it does for users: else each start would compile it all.
    """
    kept = {name: text for name, text in os.environ.items() if not name.startswith("NOMAFLOW_")}
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    return kept | {"COLUMNS": "200"}


def living_children(pid: int) -> Sequence[int]:
    """The processes whose parent is `pid`."""
    found = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False
    )
    return [int(word) for word in found.stdout.split()]


def lives(pid: int) -> bool:
    """Whether the process exists and is no zombie."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


def _is_ready(http: httpx2.Client) -> bool:
    try:
        return http.get("/ready").status_code == 200
    except httpx2.TransportError:
        return False


def _final(run: Any) -> Any:
    return run if run["state"] not in {"QUEUED", "RUNNING"} else None
