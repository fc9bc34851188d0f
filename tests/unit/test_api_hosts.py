"""The guard against DNS rebinding: which names are answered, which pages may call."""

import pytest

from nomaflow.api.hosts import KnownHosts

HOME = KnownHosts("127.0.0.1")
OPEN = KnownHosts("0.0.0.0", ["nomaflow.example.com", "*.lan"])


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST:8055", "localhost.", "127.0.0.1:8055", "[::1]:8055", "[::1]"],
)
def test_the_loopback_names_are_answered(host: str) -> None:
    assert HOME.refusal(host, None) is None
    assert OPEN.refusal(host, None) is None


@pytest.mark.parametrize(
    "host",
    [
        None, "", "evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.5",
        "127.0.0.1, evil.example", "evil.example@localhost", "localhost@evil.example", "[::2]",
        "localhost:port", "localhost:99999999", "[::1", "//localhost", "localhost/../x", "0.0.0.0",
        "localhost#x", "lo\xe7alhost",
    ],
)  # fmt: skip
def test_other_names_are_refused(host: str | None) -> None:
    refusal = HOME.refusal(host, None)

    assert refusal is not None
    assert "allowed_hosts" in refusal


def test_listed_names_are_answered_and_names_that_look_like_them_are_not() -> None:
    answered = ["nomaflow.example.com", "NomaFlow.example.com:443", "a.lan", "b.a.lan:80"]
    refused = ["example.com", "xnomaflow.example.com", "lan", "a.lan.evil.example", "alan"]

    assert [host for host in answered if OPEN.refusal(host, None)] == []
    assert [host for host in refused if not OPEN.refusal(host, None)] == []


def test_a_server_on_every_address_answers_to_addresses_and_to_no_strange_name() -> None:
    assert OPEN.refusal("10.1.2.3:8055", None) is None
    assert OPEN.refusal("[2001:db8::1]:8055", None) is None
    assert OPEN.refusal("evil.example", None)


def test_the_host_that_the_server_listens_on_is_answered() -> None:
    assert KnownHosts("ops.example.com").refusal("ops.example.com:8055", None) is None
    assert KnownHosts("10.0.0.5").refusal("10.0.0.5:8055", None) is None
    assert KnownHosts("10.0.0.5").refusal("10.0.0.6:8055", None)


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("localhost:8055", "http://localhost:8055"),
        ("localhost:8055", "HTTP://LocalHost:8055"),
        ("localhost", "https://localhost"),
        ("nomaflow.example.com", "https://nomaflow.example.com"),
        ("nomaflow.example.com:443", "https://nomaflow.example.com"),
        ("127.0.0.1:8055", "https://nomaflow.example.com"),
        ("[::1]:8055", "http://[::1]:8055"),
    ],
)
def test_pages_of_the_server_itself_and_of_listed_hosts_may_call(host: str, origin: str) -> None:
    assert OPEN.refusal(host, origin) is None


@pytest.mark.parametrize(
    "origin",
    ["null", "", "http://evil.example", "http://localhost:3000", "http://localhost",
     "http://localhost:8055.evil.example", "http://localhost:8055@evil.example", "localhost:8055",
     "file://", "http://localhost:8055, http://evil.example"],
)  # fmt: skip
def test_pages_of_others_may_not_call(origin: str) -> None:
    refusal = HOME.refusal("localhost:8055", origin)

    assert refusal is not None
    assert "may not call" in refusal


def test_a_star_takes_every_name() -> None:
    assert KnownHosts("127.0.0.1", ["*"]).refusal("any.example", "https://other.example") is None
