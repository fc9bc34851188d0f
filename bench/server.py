"""A server to measure: its clients cost little, and its store is read beside it."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from http.client import HTTPConnection
from pathlib import Path
from time import perf_counter, sleep
from typing import Any

from tests.commands import Server, serving
from tests.homes import a_home, a_token

GIVE_UP_SECONDS = 120


@dataclass
class Client:
    """One connection that stays open."""

    port: int
    token: str
    http: HTTPConnection = field(init=False)

    def __post_init__(self) -> None:
        self.http = HTTPConnection("127.0.0.1", self.port)

    def ask(self, path: str, method: str = "GET") -> Any:
        """The answer's JSON."""
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        self.http.request(method, path, b"{}" if method == "POST" else None, headers)
        answer = self.http.getresponse()
        text = answer.read()
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path}: {answer.status} {text!r}")
        return json.loads(text)

    def run(self, job: str) -> int:
        run_id: int = self.ask(f"/api/v1/jobs/{job}/runs", "POST")["run_id"]
        return run_id


@dataclass(frozen=True)
class Subject:
    """The server that is measured, and its home."""

    server: Server
    home: Path

    @property
    def pid(self) -> int:
        return self.server.command.pid

    def client(self) -> Client:
        return Client(self.server.http.base_url.port or 0, self.server.token)

    def rows(self, query: str) -> list[Any]:
        """What the store answers, read beside the server."""
        return store_rows(self.home, query)

    def wait(self, query: str, count: int) -> None:
        """Return once the query counts so many."""
        deadline = perf_counter() + GIVE_UP_SECONDS
        while self.rows(query)[0][0] < count:
            if perf_counter() > deadline:
                raise TimeoutError(f"not {count} within {GIVE_UP_SECONDS} s: {query}")
            sleep(0.002)


@contextmanager
def measured(home: Path, token: str | None = None) -> Iterator[Subject]:
    """A server on that home, ready; a token is made unless one is given."""
    with serving(home, token or a_token(home)) as server:
        yield Subject(server, home)


def a_measured_home(folder: Path, jobs: str, settings: str = "") -> Path:
    home = a_home(folder / "home", jobs)
    with (home / "app.toml").open("a", encoding="utf-8") as file:
        file.write(f"\n{settings}\n")
    return home


def store_rows(home: Path, query: str) -> list[Any]:
    with closing(sqlite3.connect(f"file:{home}/data/nomaflow.db?mode=ro", uri=True)) as store:
        return store.execute(query).fetchall()


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)
