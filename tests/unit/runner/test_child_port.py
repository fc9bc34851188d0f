"""How an attempt in a child speaks to the runner."""

import json
import socket
import threading

from nomaflow.errors import NotFound
from nomaflow.runner.hosts.cancellation import Cancellation
from nomaflow.runner.hosts.child import ChildPort
from nomaflow.runner.hosts.wire import ChildWire


def nothing(name: str) -> dict[str, object]:
    raise NotFound(f"There is no connector '{name}'.")


class SlowWire(ChildWire):
    """A line is on its way until it is let through."""

    def __init__(self, end: socket.socket) -> None:
        super().__init__(end)
        self.began, self.through = threading.Event(), threading.Event()

    def send(self, message: bytes) -> None:
        self.began.set()
        self.through.wait()
        super().send(message)


def test_what_a_thread_says_is_sent_before_its_attempt_is_over_or_never() -> None:
    ours, childs = socket.socketpair()
    with ours, childs:
        wire = SlowWire(childs)
        port = ChildPort(wire, Cancellation(), nothing)
        speaking = threading.Thread(target=port.log, args=("INFO", "late"))
        closing = threading.Thread(target=port.close)
        speaking.start()
        wire.began.wait()
        closing.start()
        closing.join(0.1)
        was_over = not closing.is_alive()
        wire.through.set()
        speaking.join()
        closing.join()
        port.log("INFO", "too late")

        assert not was_over
        assert [json.loads(line)[1] for line in ours.recv(4096).splitlines()] == ["late"]
