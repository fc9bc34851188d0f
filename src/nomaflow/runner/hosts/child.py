"""The inside of a warm child process: executes one attempt after the other.

Started as `python -m nomaflow.runner.hosts.child FD`. It ends when its parent does.
"""

import faulthandler
import os
import pickle
import queue
import signal
import socket
import sys
import threading
from collections.abc import Coroutine, Mapping
from contextlib import AbstractContextManager, suppress
from functools import cache
from typing import Any, Final, TypeVar

from nomaflow.clock import SystemClock
from nomaflow.connectors.base import Connector, ConnectorLookup, ConnectorSettings
from nomaflow.connectors.registry import Connectors, ConnectorTypes
from nomaflow.domain.job import LogLevel
from nomaflow.runner.hosts.base import as_output
from nomaflow.runner.hosts.cancellation import Cancellation, Hook
from nomaflow.runner.hosts.failures import as_failure, from_data, to_data
from nomaflow.runner.hosts.plugins import PluginCode
from nomaflow.runner.hosts.printed import PrintedLines
from nomaflow.runner.hosts.wire import ChildWire, Hangup, encoded
from nomaflow.steps.context import StepContext
from nomaflow.steps.coroutines import complete_here
from nomaflow.steps.within import run_within

Answer = ConnectorSettings | dict[str, Any]
T = TypeVar("T")
_PR_SET_PDEATHSIG: Final = 1
_STDERR: Final = 2


def main() -> None:
    """Greet the parent behind the file descriptor of the command line, and serve it."""
    end = socket.socket(fileno=int(sys.argv[1]))
    end.set_inheritable(False)
    _end_with_parent()
    wire = ChildWire(end)
    (sys.path[:],) = wire.receive()
    Child(wire, PluginCode(sys.path[0])).serve()


class Child:
    """The main thread executes; a second one hears the parent."""

    def __init__(self, wire: ChildWire, plugins: PluginCode) -> None:
        self._wire = wire
        self._plugins = plugins
        self._work: queue.SimpleQueue[tuple[bytes, Cancellation]] = queue.SimpleQueue()
        self._answers: queue.SimpleQueue[Answer] = queue.SimpleQueue()
        self._asking = threading.Lock()
        self._stdout, self._stderr = PrintedLines("stdout"), PrintedLines("stderr")

    def serve(self) -> None:
        """Execute what the parent sends, for ever."""
        sys.stdout, sys.stderr = self._stdout, self._stderr
        faulthandler.enable(_STDERR)
        os.register_at_fork(after_in_child=_print_past_us)
        threading.Thread(target=self._hear, name="parent", daemon=True).start()
        while True:
            self._wire.send(self._execute(*self._work.get()))

    def _hear(self) -> None:
        cancellation = Cancellation()
        with suppress(Hangup, OSError):
            while True:
                kind, content = self._wire.receive()
                if kind == "run":
                    cancellation = Cancellation()
                    self._work.put((content, cancellation))
                elif kind == "cancel":
                    cancellation.ask()
                else:
                    self._answers.put(content)
        os.killpg(0, signal.SIGKILL)

    def _execute(self, content: bytes, cancellation: Cancellation) -> bytes:
        if self._plugins.is_outdated():
            return encoded({"outdated": True})
        port = ChildPort(self._wire, cancellation, self._ask)
        self._stdout.to(port)
        self._stderr.to(port)
        try:
            step, spec, facts = pickle.loads(content)  # noqa: S301  # from the parent
            output = as_output(step.run(spec, StepContext(facts, port)))
            return encoded({"output": dict(output)})
        except BaseException as error:  # noqa: BLE001  # also SystemExit: the slot lives on
            return encoded({"failure": to_data(as_failure(error))})
        finally:
            self._stdout.finish()
            self._stderr.finish()
            port.close()

    def _ask(self, name: str) -> ConnectorSettings:
        with self._asking:
            self._wire.send(encoded({"connector": name}))
            answer = self._answers.get()
        if isinstance(answer, dict):
            raise from_data(answer)
        return answer


class ChildPort:
    """How an attempt in a child reaches the runner. Its connectors close with it.

    A thread that outlives its attempt is heard no more: its lines are no other attempt's. One
    that is speaking when the attempt ends is heard out first.
    """

    def __init__(
        self, wire: ChildWire, cancellation: Cancellation, lookup: ConnectorLookup
    ) -> None:
        self._wire = wire
        self._cancellation = cancellation
        self._lookup = lookup
        self._connectors: Connectors | None = None
        self._opening = threading.Lock()
        self._clock = SystemClock()
        self._is_open = True
        self._speaking = threading.RLock()

    def log(self, level: LogLevel, message: str, *, source: str = "") -> None:
        self._say(encoded((level, message, source, self._clock.now().timestamp())))

    def progress(self, done: int, total: int | None) -> None:
        self._say(encoded({"progress": (done, total)}))

    def connector(self, name: str) -> Connector:
        with self._opening:
            if self._connectors is None:
                self._connectors = Connectors(self._lookup, _connector_types())
        return self._connectors.get(name).cancellable(self.on_cancel)

    def is_cancelled(self) -> bool:
        return self._cancellation.is_asked()

    def on_cancel(self, hook: Hook) -> AbstractContextManager[None]:
        return self._cancellation.on_cancel(hook)

    def run_step(
        self, step_type: str, fields: Mapping[str, Any], ctx: StepContext
    ) -> Mapping[str, Any]:
        return as_output(run_within(step_type, fields, ctx))

    def complete(self, work: Coroutine[Any, Any, T]) -> T:
        return complete_here(work, self.on_cancel)

    def close(self) -> None:
        with self._speaking:
            self._is_open = False
        self._cancellation.end()
        if self._connectors is not None:
            self._connectors.close()

    def _say(self, message: bytes) -> None:
        with self._speaking:
            if self._is_open:
                self._wire.send(message)


@cache
def _connector_types() -> ConnectorTypes:
    return ConnectorTypes.discover()


def _print_past_us() -> None:
    """A process that a step forks has none of our threads: it prints into the pipe behind."""
    sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__


def _end_with_parent() -> None:
    """Have the kernel kill this process when its parent dies, even if Python hears nothing."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


if __name__ == "__main__":
    main()
