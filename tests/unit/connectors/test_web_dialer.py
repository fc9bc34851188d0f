"""Names that a name server answers for, well or not: the one part that no test can make real."""

import socket
from collections.abc import Iterator
from typing import Any

import httpcore2
import pytest

from nomaflow.connectors.web.dialer import Dialer
from nomaflow.connectors.web.egress import Egress
from nomaflow.errors import StepRefused


class Names:
    """Answers each question with the next of its lists of addresses."""

    def __init__(self, *answers: list[str]) -> None:
        self.asked = 0
        self._answers = answers

    def __call__(self, host: str, port: int, **_: object) -> list[tuple[Any, ...]]:
        self.asked += 1
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))
            for address in self._answers[self.asked - 1]
        ]


@pytest.fixture
def port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_name_that_leads_inside_is_refused_and_named_with_its_address() -> None:
    dialer = Dialer(Egress(), Names(["169.254.169.254"]))
    with pytest.raises(StepRefused, match=r"inside\.example\.com \(169\.254\.169\.254\)"):
        dialer.connect_tcp("inside.example.com", 80)


def test_one_address_of_several_that_leads_inside_is_enough(port: int) -> None:
    dialer = Dialer(Egress(), Names(["127.0.0.1", "169.254.169.254"]))
    with pytest.raises(StepRefused):
        dialer.connect_tcp("both.example.com", port)


def test_the_address_that_was_checked_is_the_one_that_is_connected_to(port: int) -> None:
    names = Names(["127.0.0.1"], ["169.254.169.254"])
    stream = Dialer(Egress(), names).connect_tcp("rebinding.example.com", port)
    assert stream.get_extra_info("server_addr") == ("127.0.0.1", port)
    assert names.asked == 1
    stream.close()


def test_the_next_address_is_tried_when_one_does_not_answer(port: int) -> None:
    dialer = Dialer(Egress(), Names(["127.255.255.254", "127.0.0.1"]))
    stream = dialer.connect_tcp("two.example.com", port)
    assert stream.get_extra_info("server_addr") == ("127.0.0.1", port)
    stream.close()


def test_after_a_hang_up_nothing_is_connected_any_more(port: int) -> None:
    dialer = Dialer(Egress(), Names(["127.0.0.1"], ["127.0.0.1"]))
    stream = dialer.connect_tcp("a.example.com", port)
    dialer.hang_up()
    assert stream.read(1) == b""
    with pytest.raises(httpcore2.ConnectError):
        dialer.connect_tcp("a.example.com", port)
    stream.close()
