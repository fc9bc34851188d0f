"""What a connector needs to open: tokens replaced, password unsealed, paths absolute."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from nomaflow.catalogue.home import CONNECTORS_TOML, Home
from nomaflow.catalogue.model import Catalogue, DeclaredConnector
from nomaflow.catalogue.toml.words import sentence, unknown_name
from nomaflow.catalogue.values.schema import settled
from nomaflow.catalogue.values.substitution import Scope, resolve
from nomaflow.catalogue.values.unsealing import Unsealing
from nomaflow.connectors.base import ConnectorSettings, Located, ResolvedPool
from nomaflow.connectors.web.egress import Egress
from nomaflow.domain.definition import Definition
from nomaflow.domain.secrets import Secret
from nomaflow.errors import InvalidConfiguration, NomaflowError, NotFound

_FILE_URL = re.compile(r"((?:sqlite|duckdb):///)([^?]+)(.*)", re.DOTALL)


@dataclass(frozen=True)
class Connections:
    """Settings by name, made afresh at each call from the catalogue in force.

    `env` gives a variable's value or None; passwords are told to the redactor. Thread-safe.
    """

    catalogue: Callable[[], Catalogue]
    unsealing: Unsealing
    env: Callable[[str], str | None]

    def settings(self, name: str) -> ConnectorSettings:
        """What the connector of that name needs to open.

        Raises NotFound, listing the known names; InvalidConfiguration when its block has problems;
        StepRefused when a variable has no value; SecretsError when its password does not open.
        """
        catalogue = self.catalogue()
        connector = catalogue.connectors.get(name)
        if connector is None:
            raise _unusable("connector", name, catalogue)
        definition = self._definition(connector)
        pool = self.pool(self._resolved(connector.pool)) if connector.pool else None
        return ConnectorSettings(name, connector.type, definition, pool, self.egress())

    def egress(self) -> Egress:
        """Which addresses may be reached, as app.toml says now."""
        wanted = self.catalogue().settings.egress
        return Egress(allowed=wanted.allow, refused=wanted.refuse)

    def pool(self, name: str) -> ResolvedPool:
        """The pool of that name, ready to open. Raises like `settings`."""
        catalogue = self.catalogue()
        pool = catalogue.pools.get(name)
        if pool is None:
            raise _unusable("pool", name, catalogue)
        url = str(self._resolved(pool.url))
        self.unsealing.redactor.add_url(url)
        return ResolvedPool(
            name=name,
            url=absolute(url, catalogue.home),
            password=self._password(name, pool.password),
            size=pool.size,
            connect_timeout_seconds=pool.connect_timeout_seconds,
        )

    def _definition(self, connector: DeclaredConnector) -> Definition:
        values = self._resolved(dict(connector.values))
        opened = self.unsealing.opened(values, f"connector '{connector.name}'")
        definition = settled(connector.model, opened, f"Connector '{connector.name}'")
        if isinstance(definition, Located):
            return definition.located(self.catalogue().home.path)
        return definition

    def _password(self, pool: str, text: str | None) -> Secret | None:
        value = self._resolved(text)
        if value is None:
            return None
        return self.unsealing.secret(value, f"password of pool '{pool}'")

    def _resolved(self, value: Any) -> Any:
        return resolve(value, Scope(env=self.env))


def absolute(url: str, home: Home) -> str:
    """A database file's URL with its path counted from the home; any other URL as it is."""
    file = _FILE_URL.fullmatch(url)
    if file is None or file[2].startswith(("/", ":", "file:")):
        return url
    return f"{file[1]}{_file(home.path, file[2])}{file[3]}"


@lru_cache(maxsize=256)
def _file(folder: Path, path: str) -> Path:
    """Looked for once: each step asks, and each part of the path is a call to the system."""
    return (folder / path).resolve()


def _unusable(kind: str, name: str, catalogue: Catalogue) -> NomaflowError:
    known = catalogue.connectors if kind == "connector" else catalogue.pools
    broken = catalogue.broken_connectors if kind == "connector" else catalogue.broken_pools
    if name not in broken:
        return NotFound(sentence(unknown_name(kind, name, known)))
    return InvalidConfiguration([p for p in catalogue.problems if p.file == CONNECTORS_TOML])
