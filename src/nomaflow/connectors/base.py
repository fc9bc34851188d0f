"""The seam of the connectors: a new kind is one file in this folder.

A file defines a `Definition` (its block in connectors.toml) and one instance named `CONNECTOR`.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Protocol, Self, TypeVar, runtime_checkable

from pydantic import Field

from nomaflow.connectors.web.egress import Egress
from nomaflow.domain.definition import Definition
from nomaflow.domain.secrets import Secret

if TYPE_CHECKING:
    from sqlalchemy import Engine


class PoolDefinition(Definition):
    """A block [pools.NAME] of connectors.toml: how to reach one database.

    `url` carries no password; `password` is sealed or one ${env:} token. The path of a SQLite or
    DuckDB file counts from the home folder. `size` is the most connections that one process opens.
    """

    url: str
    password: str | None = None
    size: Annotated[int, Field(ge=1, le=200)] = 5
    connect_timeout_seconds: Annotated[float, Field(gt=0)] = 10


@dataclass(frozen=True)
class ResolvedPool:
    """A pool ready to open: tokens replaced, password unsealed, a file's path absolute."""

    name: str
    url: str
    password: Secret | None = None
    size: int = 5
    connect_timeout_seconds: float = 10


@dataclass(frozen=True)
class ConnectorSettings:
    """A connector ready to open; picklable, so that a child process opens its own."""

    name: str
    type: str
    definition: Definition
    pool: ResolvedPool | None = None
    egress: Egress = field(default_factory=Egress)


@runtime_checkable
class Located(Protocol):
    """A definition that names files."""

    def located(self, home: Path) -> Definition:
        """The same, with relative paths counted from the home folder."""


OnCancel = Callable[[Callable[[], None]], AbstractContextManager[None]]
EngineLookup = Callable[[ResolvedPool], "Engine"]


class Connector(Protocol):
    """An open way to one system. Thread-safe."""

    name: str

    def cancellable(self, on_cancel: OnCancel) -> Self:
        """The same connector for one attempt: what it does ends when a stop is asked."""

    def check(self) -> None:
        """Reach the system once. Raises Unreachable with the cause and what to do."""

    def close(self) -> None:
        """Give everything back; may be called twice."""


DefinitionT = TypeVar("DefinitionT", bound=Definition)


class ConnectorType(Protocol[DefinitionT]):
    """One kind of connector: the shape of its block, and how it opens."""

    name: ClassVar[str]
    Definition: type[DefinitionT]

    def open(self, settings: ConnectorSettings, engine: EngineLookup) -> Connector:
        """Make the connector; it connects when first used. `engine` gives a pool's shared one."""


ConnectorLookup = Callable[[str], ConnectorSettings]
