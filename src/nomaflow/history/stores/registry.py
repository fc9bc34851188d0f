"""Finds the store that a URL names."""

from sqlalchemy import URL

from nomaflow.discovery import discover
from nomaflow.errors import NotFound
from nomaflow.history import stores
from nomaflow.history.stores.base import Store


def store_of(url: URL) -> Store:
    """The store for that URL's scheme. Raises NotFound, naming those that are installed."""
    kinds: dict[str, Store] = discover(stores, attribute="STORE", group="nomaflow.stores")
    scheme = url.get_backend_name()
    if scheme not in kinds:
        raise NotFound(
            f"The history cannot be kept in '{scheme}'. "
            f"Give pool 'default' a URL that begins with one of: {', '.join(kinds)}."
        )
    return kinds[scheme]
