"""One warm child process, seen from the parent."""

import asyncio
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import IO, Any, Final, NamedTuple, cast

from nomaflow.clock import SystemClock
from nomaflow.connectors.base import ConnectorLookup
from nomaflow.errors import NomaflowError, StepFailed
from nomaflow.runner.hosts.base import Listener, uninterrupted
from nomaflow.runner.hosts.failures import from_data, to_data
from nomaflow.runner.hosts.family import MARK, Strays, kill_family, new_mark
from nomaflow.runner.hosts.spill import Spill
from nomaflow.runner.hosts.wire import decoded, to_child
from nomaflow.steps.base import Output

Message = dict[str, Any]
_AT_ONCE: Final = 128 * 1024


class OutdatedCode(Exception):
    """The plugins have changed since the child began to import from them."""


class Pipe(NamedTuple):
    """The parent's end of the socket, and the streams on it."""

    end: socket.socket
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter


class Slot:
    """A child in a session of its own, so that what a step starts can be killed with it."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        pipe: Pipe,
        spill: Spill,
        lookup: ConnectorLookup,
        bury: Callable[[], Awaitable[None]],
    ) -> None:
        self._bury = bury
        self._process = process
        self._pipe = pipe
        self._rest = b""
        self._spill = spill
        self._lookup = lookup
        self._death = asyncio.create_task(self._until_dead())

    @classmethod
    async def start(
        cls,
        environment: Mapping[str, str],
        path: Sequence[str],
        lookup: ConnectorLookup,
        strays: Strays,
    ) -> "Slot":
        """Start a child whose import path is `path`, the plugins first.

        Secrets travel over the pipe alone.
        """
        ours, childs = socket.socketpair()
        spill, mark = Spill(SystemClock()), new_mark()
        with childs, spill.childs_end as output:
            try:
                process = await _spawned(childs.fileno(), output, {**environment, MARK: mark})
            except OSError as error:
                ours.close()
                spill.close()
                raise StepFailed(f"No process could be started: {error}") from error
        pipe = Pipe(ours, *await asyncio.open_connection(sock=ours))
        slot = cls(process, pipe, spill, lookup, partial(strays.end, mark))
        slot._send((list(path),))
        return slot

    @property
    def is_alive(self) -> bool:
        return self._process.returncode is None

    async def run(self, content: bytes, listener: Listener, grace_seconds: float) -> Output:
        """Execute one attempt: the child's output, or its failure raised.

        Raises OutdatedCode, with nothing done, when the plugins are not what the child imported.
        When cancelled: asks, waits for the grace, kills, and returns when the work is gone.
        """
        talk = asyncio.create_task(self._talk(content, listener))
        try:
            await asyncio.wait({talk})
        except asyncio.CancelledError:
            await uninterrupted(self._stop(talk, grace_seconds))
            raise
        ending = talk.result()
        if "outdated" in ending:
            raise OutdatedCode
        if "failure" in ending:
            raise from_data(ending["failure"])
        output: Output = ending["output"]
        return output

    async def kill(self) -> None:
        """Kill the child with all that it started; returns when it is gone."""
        kill_family(self._process.pid)
        await asyncio.wait({self._death})
        self._spill.finish()
        self._spill.close()
        self._pipe.writer.close()

    async def _stop(self, talk: asyncio.Task[Message], grace_seconds: float) -> None:
        """Ask, then kill: also what a step that ended in time has left running goes."""
        self._send(("cancel", None))
        await asyncio.wait({talk}, timeout=grace_seconds)
        kill_family(self._process.pid)
        await asyncio.wait({talk})
        talk.exception()
        await self.kill()

    async def _talk(self, content: bytes, listener: Listener) -> Message:
        """Hand over the attempt and hear the child until its last word."""
        self._spill.to(listener)
        try:
            self._send(("run", content))
            while True:
                for message in decoded(await self._lines()):
                    if self._is_last(message, listener):
                        return cast("Message", message)
        except BaseException:
            await self.kill()
            raise
        finally:
            self._spill.finish()

    def _is_last(self, message: Any, listener: Listener) -> bool:
        """Act on a message; true when it is the attempt's output or failure."""
        match message:
            case [level, text, source, at]:
                listener.log(level, text, source, datetime.fromtimestamp(at, UTC))
            case {"progress": (done, total)}:
                listener.progress(done, total)
            case {"connector": name}:
                self._send(("settings", self._settings(name)))
            case _:
                return True
        return False

    def _settings(self, name: str) -> Any:
        try:
            return self._lookup(name)
        except NomaflowError as error:
            return to_data(error)

    def _send(self, message: tuple[Any, ...]) -> None:
        self._pipe.writer.write(to_child(message))

    async def _lines(self) -> list[bytes]:
        """The child's next whole lines, one or more. Raises StepFailed when it is dead."""
        lines: list[bytes] = []
        while not lines:
            data = await self._pipe.reader.read(_AT_ONCE)
            if not data:
                await asyncio.wait({self._death})
                raise StepFailed(self._obituary(), cause="ProcessDied")
            *lines, self._rest = (self._rest + data).split(b"\n")
        return lines

    async def _until_dead(self) -> None:
        """Wait for the child's end, and end what it left behind.

        Then have the reader see it: somebody may still hold the pipe.
        """
        await self._process.wait()
        kill_family(self._process.pid)
        await self._bury()
        with suppress(OSError):
            self._pipe.end.shutdown(socket.SHUT_RD)

    def _obituary(self) -> str:
        code = self._process.returncode or 0
        if code < 0:
            name = signal.Signals(-code).name
            how = f"was killed by {name}"
        else:
            how = f"ended by itself with exit code {code}"
        return f"The process of the step {how}. What it had written to its log is kept."


async def _spawned(
    end: int, output: IO[bytes], environment: Mapping[str, str]
) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "nomaflow.runner.hosts.child", str(end)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        pass_fds=(end,),
        start_new_session=True,
        env=environment,
    )
