"""A stage on which python and SQL steps execute for real, and whose log can be watched."""

import asyncio
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nomaflow.connectors.base import ConnectorSettings, ResolvedPool
from nomaflow.connectors.registry import Connectors, ConnectorTypes
from nomaflow.connectors.sql import SqlDefinition
from nomaflow.errors import NotFound
from nomaflow.runner.hosts.base import AttemptRequest
from nomaflow.runner.hosts.event_loop import EventLoopHost
from nomaflow.runner.hosts.hosts import Hosts
from nomaflow.runner.hosts.inline import InlineHost
from nomaflow.runner.hosts.process import ProcessHost
from nomaflow.runner.hosts.thread import ThreadHost
from nomaflow.steps.context import StepFacts
from nomaflow.steps.registry import StepTypes

Line = tuple[str, str, str]


@dataclass
class Watcher:
    """Keeps what a step logs, and wakes who waits for a line."""

    lines: list[Line] = field(default_factory=list)
    steps: list[tuple[int, int | None]] = field(default_factory=list)
    _arrived: asyncio.Event = field(default_factory=asyncio.Event)

    def log(self, level: str, message: str, source: str, at: datetime) -> None:
        self.lines.append((level, message, source))
        self._arrived.set()

    def progress(self, done: int, total: int | None) -> None:
        self.steps.append((done, total))

    @property
    def messages(self) -> list[str]:
        return [message for _, message, _ in self.lines]

    async def line(self, start: str) -> str:
        """The rest of the first line that begins like that, as soon as it is there."""
        async with asyncio.timeout(30):
            while True:
                self._arrived.clear()
                for message in self.messages:
                    if message.startswith(start):
                        return message.removeprefix(start).strip()
                await self._arrived.wait()


class Stage:
    """A plugins folder, pools by name, and the hosts of a process; `grace` is short."""

    def __init__(self, folder: Path, *, size: int = 4, grace: float = 0.3) -> None:
        self.folder = folder
        self.plugins = folder / "plugins"
        self.plugins.mkdir()
        self.types = StepTypes.discover()
        self.pools = {"db": ResolvedPool("db", f"sqlite:///{folder}/db.sqlite")}
        self.environment = {"PATH": os.environ["PATH"]}
        self.connectors = Connectors(self.settings, ConnectorTypes.discover())
        self.process = ProcessHost(
            self.settings,
            plugins=self.plugins,
            environment=self.environment,
            size=size,
            grace_seconds=grace,
        )
        threads = ThreadHost(self.connectors, grace_seconds=grace)
        self.hosts = Hosts(
            self.types,
            {
                "process": self.process,
                "thread": threads,
                "inline": InlineHost(threads, self.plugins),
                "event_loop": EventLoopHost(self.connectors, grace_seconds=grace),
            },
        )

    def settings(self, name: str) -> ConnectorSettings:
        if name not in self.pools:
            raise NotFound(f"No connector '{name}'.")
        return ConnectorSettings(name, "sql", SqlDefinition(pool=name), self.pools[name])

    def plugin(self, text: str, name: str = "plugin") -> None:
        (self.plugins / f"{name}.py").write_text(text)

    async def call(self, function: str, watcher: Watcher | None = None, **params: Any) -> Any:
        """Run a python step on `plugin:function`; its output."""
        name = function if ":" in function else f"plugin:{function}"
        return await self.step("python", {"callable": name}, watcher, params)

    async def call_inline(self, dotted: str, watcher: Watcher | None = None, **params: Any) -> Any:
        """Run a python step on `dotted` in this process; its output."""
        return await self.step("python", {"callable": dotted, "host": "inline"}, watcher, params)

    async def query(self, sql: str, watcher: Watcher | None = None, **params: Any) -> Any:
        """Run a sql_query step on the connector `db`; its output."""
        return await self.step("sql_query", {"connector": "db", "query": sql}, watcher, params)

    async def step(
        self,
        kind: str,
        fields: Mapping[str, Any],
        watcher: Watcher | None,
        params: Mapping[str, Any],
    ) -> Any:
        facts = StepFacts(7, "job", "step", 0, 1, "cli:ann", datetime.now(UTC), params=params)
        request = AttemptRequest(kind, self.types[kind].Spec(**fields), facts)
        return await self.hosts.run(request, watcher or Watcher())

    async def close(self) -> None:
        await self.hosts.close()
        self.connectors.close()


async def cancelled(task: "asyncio.Task[Any]") -> None:
    """Cancel, and come back when the task says that its work is gone."""
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    assert task.cancelled()


def is_running(pid: int) -> bool:
    """Whether a process of that id executes; a zombie does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


async def until(fact: Callable[[], bool]) -> None:
    """Come back when `fact` holds; fails after 10 s."""
    async with asyncio.timeout(10):
        while not fact():  # noqa: ASYNC110  # the end of a process rings no bell
            await asyncio.sleep(0.01)
