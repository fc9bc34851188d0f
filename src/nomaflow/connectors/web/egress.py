"""The egress guard: which addresses HTTP steps and connectors may reach."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Final

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

GUARDED: Final = (
    "169.254.0.0/16",  # link-local; the metadata service of most clouds is 169.254.169.254
    "fe80::/10",  # link-local
    "fd00:ec2::/32",  # Amazon's metadata service
    "fd20:ce::254/128",  # Google's
    "fd00:42::42/128",  # Scaleway's
    "100.100.100.200/32",  # Alibaba's
    "168.63.129.16/32",  # Azure's
    "192.0.0.192/32",  # Oracle's
)
_WITH_IPV4_INSIDE: Final = (
    IPv6Network("::/96"),  # IPv4-compatible
    IPv6Network("64:ff9b::/96"),  # NAT64
    IPv6Network("64:ff9b:1::/48"),  # NAT64 of a local network
)


@dataclass(frozen=True)
class Egress:
    """Networks as text: `allowed` ones win over the guarded, `refused` ones over everything."""

    allowed: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()

    def objection(self, address: str) -> str | None:
        """Why this address may not be reached, or None; an IPv4 address inside an IPv6 one counts.

        Raises ValueError for what is no IP address.
        """
        faces = list(_faces(ip_address(address)))
        if _is_any_in(faces, self.refused):
            return "is refused by [egress] in app.toml"
        if _is_any_in(faces, GUARDED) and not _is_any_in(faces, self.allowed):
            return "is a link-local or cloud metadata address"
        return None


def _faces(address: Address) -> Iterator[Address]:
    """The address, and the IPv4 addresses that its parts may stand for."""
    yield address
    if isinstance(address, IPv6Address):
        yield from filter(None, (address.ipv4_mapped, address.sixtofour))
        yield from address.teredo or ()
        if any(address in network for network in _WITH_IPV4_INSIDE):
            yield IPv4Address(int(address) & 0xFFFF_FFFF)


def _is_any_in(addresses: list[Address], networks: tuple[str, ...]) -> bool:
    return any(address in _network(text) for text in networks for address in addresses)


@cache
def _network(text: str) -> Network:
    return ip_network(text, strict=False)
