"""The egress guard, address by address."""

import pytest

from nomaflow.connectors.web.egress import Egress

GUARDED = [
    "169.254.0.1",
    "169.254.169.254",
    "::ffff:169.254.169.254",
    "::169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "2002:a9fe:a9fe::1",
    "fe80::1",
    "fe80::1%eth0",
    "fd00:ec2::254",
    "fd20:ce::254",
    "100.100.100.200",
    "168.63.129.16",
]


@pytest.mark.parametrize("address", GUARDED)
def test_link_local_and_metadata_addresses_may_not_be_reached(address: str) -> None:
    assert Egress().objection(address) == "is a link-local or cloud metadata address"


@pytest.mark.parametrize("address", ["127.0.0.1", "10.1.2.3", "8.8.8.8", "::1", "fd00::1"])
def test_other_addresses_may(address: str) -> None:
    assert Egress().objection(address) is None


def test_what_is_allowed_may_be_reached_in_every_form() -> None:
    egress = Egress(allowed=("169.254.169.254",))
    assert egress.objection("169.254.169.254") is None
    assert egress.objection("::ffff:169.254.169.254") is None
    assert egress.objection("169.254.169.253") is not None


def test_what_is_refused_is_refused_although_it_is_allowed() -> None:
    egress = Egress(allowed=("10.0.0.0/8",), refused=("10.1.0.0/16",))
    assert egress.objection("10.2.0.1") is None
    assert egress.objection("10.1.0.1") == "is refused by [egress] in app.toml"
    assert egress.objection("::ffff:10.1.0.1") is not None
