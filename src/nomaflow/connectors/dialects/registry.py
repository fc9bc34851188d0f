"""Finds the dialect that speaks a database URL."""

from functools import cache

from nomaflow.connectors import dialects
from nomaflow.connectors.dialects.base import Dialect
from nomaflow.discovery import discover
from nomaflow.errors import NotFound


def dialect_of(url: str) -> Dialect:
    """The dialect of a pool's URL, by its scheme. Raises NotFound."""
    scheme = url.partition(":")[0].partition("+")[0].lower()
    try:
        return _by_scheme()[scheme]
    except KeyError:
        known = ", ".join(sorted(_by_scheme()))
        raise NotFound(f"No dialect speaks '{scheme}:'. Installed: {known}.") from None


@cache
def _by_scheme() -> dict[str, Dialect]:
    found = discover(dialects, attribute="DIALECT", group="nomaflow.dialects")
    return {scheme: dialect for dialect in found.values() for scheme in dialect.schemes}
