"""Finds the kinds of connectors, and keeps the open ones."""

import threading
from typing import TYPE_CHECKING, Any, ClassVar

from nomaflow import connectors
from nomaflow.connectors.base import (
    Connector,
    ConnectorLookup,
    ConnectorSettings,
    ConnectorType,
    ResolvedPool,
)
from nomaflow.connectors.dialects.registry import dialect_of
from nomaflow.discovery import Kinds, discover

if TYPE_CHECKING:
    from sqlalchemy import Engine


class ConnectorTypes(Kinds[ConnectorType[Any]]):
    """The installed kinds of connectors by name; frozen."""

    noun: ClassVar[str] = "connector type"

    @classmethod
    def discover(cls) -> "ConnectorTypes":
        """The files of this folder and the entry points `nomaflow.connectors`.

        Raises InvalidConfiguration when two bear one name.
        """
        return cls(discover(connectors, attribute="CONNECTOR", group="nomaflow.connectors"))


class Connectors:
    """The open connectors of one process; opened when first asked for. Thread-safe.

    `lookup` is asked each time, so that changed settings are used by the next caller. Connectors
    on the same pool share one engine.
    """

    def __init__(self, lookup: ConnectorLookup, types: ConnectorTypes) -> None:
        self._lookup = lookup
        self._types = types
        self._lock = threading.RLock()
        self._open: dict[str, tuple[ConnectorSettings, Connector]] = {}
        self._engines: dict[str, tuple[ResolvedPool, Engine]] = {}

    def get(self, name: str) -> Connector:
        """The connector of that name, open. Raises NotFound."""
        settings = self._lookup(name)
        with self._lock:
            known = self._open.get(name)
            if known is not None and known[0] == settings:
                return known[1]
            connector = self._types.find(settings.type).open(settings, self.engine)
            self._open[name] = (settings, connector)
        if known is not None:
            known[1].close()
        return connector

    def engine(self, pool: ResolvedPool) -> "Engine":
        """The engine of that pool; one that was opened with other settings is let go."""
        with self._lock:
            known = self._engines.get(pool.name)
            if known is not None and known[0] == pool:
                return known[1]
            engine = dialect_of(pool.url).engine(pool)
            self._engines[pool.name] = (pool, engine)
        if known is not None:
            known[1].dispose()
        return engine

    def close(self) -> None:
        """Close every connector and engine; connections in use close when they are given back."""
        with self._lock:
            connectors, engines = list(self._open.values()), list(self._engines.values())
            self._open.clear()
            self._engines.clear()
        for _, connector in connectors:
            connector.close()
        for _, engine in engines:
            engine.dispose()
