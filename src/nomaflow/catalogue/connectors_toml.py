"""connectors.toml: pools and connectors, each checked by itself."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from nomaflow.catalogue.model import EMBEDDED_STORE, STORE, DeclaredConnector
from nomaflow.catalogue.toml import words
from nomaflow.catalogue.toml.isolate import BlockRule
from nomaflow.catalogue.toml.place import Place
from nomaflow.catalogue.toml.positions import KeyPath
from nomaflow.catalogue.toml.source import TomlSource
from nomaflow.catalogue.values.schema import checked
from nomaflow.catalogue.values.secret_values import SEALED, plain_secrets
from nomaflow.catalogue.values.token_check import in_connectors, token_problems
from nomaflow.catalogue.values.tokens import has_tokens
from nomaflow.connectors.base import ConnectorType, PoolDefinition
from nomaflow.connectors.dialects.registry import dialect_of
from nomaflow.domain.definition import Definition
from nomaflow.errors import NotFound, Problem

_NAME = r"""(?:"[^"]*"|'[^']*'|[\w-]+)"""
BLOCKS = BlockRule(
    header=re.compile(r"^[ \t]*\[+[ \t]*(?:pools|connectors)\b[^\n]*", re.MULTILINE),
    proper=re.compile(
        rf"[ \t]*\[[ \t]*(?:pools|connectors)(?:[ \t]*\.[ \t]*{_NAME})*[ \t]*\][ \t]*(?:#.*)?$"
    ),
    expected="expected a header such as [pools.NAME] or [connectors.NAME]",
)
_OWNER = re.compile(rf"[\[ \t]*(pools|connectors)[ \t]*\.[ \t]*({_NAME})")
_STORE_DECLARED = re.compile(rf"pools[ \t]*\.[ \t]*[\"']?{STORE}(?![\w-])")
_TOKEN = re.compile(r"\$\{[^}]*\}")
_TABLES = ("pools", "connectors")
_EXAMPLES = "'postgresql://user@host:5432/database' or 'sqlite:///data/file.db'"


@dataclass
class Reach:
    """What jobs may name: the pools and connectors that can be used, calendars, limits; the
    names of pools and connectors that cannot be used, and why."""

    pools: dict[str, PoolDefinition] = field(default_factory=dict)
    connectors: dict[str, DeclaredConnector] = field(default_factory=dict)
    broken_pools: set[str] = field(default_factory=set)
    broken_connectors: set[str] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)
    calendars: Collection[str] = ()
    limits: Collection[str] = ()

    def knows(self, name: str) -> bool:
        return name in self.connectors or name in self.broken_connectors


def read_reach(source: TomlSource, types: Mapping[str, ConnectorType[Any]]) -> Reach:
    """Everything that connectors.toml declares, with the store's pool and connector added."""
    reach = Reach()
    reach.problems += _syntax_problems(source, reach)
    reach.problems += _unknown_tables(source, reach)
    _read_pools(source, reach)
    reader = _ConnectorReader(reach, types)
    for name, values, place in _entries(
        source, "connectors", reach.broken_connectors, reach.problems
    ):
        reader.read(name, values, place)
    if STORE in reach.broken_pools:
        reach.broken_connectors.add(STORE)
    elif STORE not in reach.broken_connectors and "sql" in types:
        store = DeclaredConnector(STORE, "sql", {"pool": STORE}, types["sql"].Definition)
        reach.connectors.setdefault(STORE, store)
    return reach


def _read_pools(source: TomlSource, reach: Reach) -> None:
    for name, values, place in _entries(source, "pools", reach.broken_pools, reach.problems):
        pool, problems = _pool_problems(values, place)
        reach.problems += problems
        if pool is None:
            reach.broken_pools.add(name)
        else:
            reach.pools[name] = pool
    if STORE not in reach.broken_pools:
        reach.pools.setdefault(STORE, EMBEDDED_STORE)


def _syntax_problems(source: TomlSource, reach: Reach) -> Iterator[Problem]:
    if source.problem is not None:
        reach.broken_pools.add(STORE)
        yield Place(source).syntax_problem(source.problem)
    for block, problem in source.broken:
        if _STORE_DECLARED.search(block.text):
            reach.broken_pools.add(STORE)
        owner = _OWNER.match(block.header)
        yield Place(source, field=_disowned(owner, reach)).syntax_problem(problem)


def _disowned(owner: re.Match[str] | None, reach: Reach) -> KeyPath:
    """Mark the owner of a broken block as broken; its path."""
    if owner is None:
        return ()
    kind, name = owner[1], owner[2].strip("\"'")
    (reach.broken_pools if kind == "pools" else reach.broken_connectors).add(name)
    return kind, name


def _unknown_tables(source: TomlSource, reach: Reach) -> Iterator[Problem]:
    for key, values in source.values.items():
        if key not in _TABLES:
            yield Place(source).at(key).problem(words.unknown_key(key, _TABLES))
            if isinstance(values, dict) and STORE in values:
                reach.broken_pools.add(STORE)  # it may have been meant as [pools.default]


def _entries(
    source: TomlSource, table: str, broken: set[str], problems: list[Problem]
) -> Iterator[tuple[str, dict[str, Any], Place]]:
    """The blocks of a table that are tables themselves and whose text is whole."""
    place = Place(source).at(table)
    entries = source.values.get(table, {})
    if not isinstance(entries, dict):
        broken.add(STORE)
        problems.append(place.problem(f"expected blocks such as [{table}.NAME]"))
        return
    for name, values in entries.items():
        if not isinstance(values, dict):
            broken.add(name)
            problems.append(place.at(name).problem(f"expected a block [{table}.{name}]"))
        elif name not in broken:
            yield name, values, place.at(name)


def _pool_problems(
    values: Mapping[str, Any], place: Place
) -> tuple[PoolDefinition | None, list[Problem]]:
    pool, problems = checked(PoolDefinition, values, place)
    problems += plain_secrets(values, place)
    problems += token_problems(values, place, in_connectors)
    url = values.get("url")
    if isinstance(url, str):
        problems += [place.at("url").problem(message) for message in _url_mistakes(url)]
    return (None if problems else pool), problems


def _url_mistakes(url: str) -> Iterator[str]:
    known = _TOKEN.sub("token", url)  # a token's colon is no part of the URL
    try:
        parts = urlsplit(known)
        has_password = parts.password is not None
    except ValueError:
        yield f"expected a database URL such as {_EXAMPLES}"
        return
    if has_password:
        yield f"a password does not belong into a URL: expected password = {SEALED}"
    if not parts.scheme or ":/" not in known:
        yield f"expected a database URL such as {_EXAMPLES}"
    elif not url.startswith("${"):
        yield from _dialect_mistakes(known)


def _dialect_mistakes(url: str) -> Iterator[str]:
    try:
        dialect_of(url)
    except NotFound as error:
        yield str(error)


@dataclass(frozen=True)
class _ConnectorReader:
    reach: Reach
    types: Mapping[str, ConnectorType[Any]]

    def read(self, name: str, values: dict[str, Any], place: Place) -> None:
        problems = [*self._problems(name, values, place)]
        pool = values.get("pool")
        if problems or pool in self.reach.broken_pools:
            self.reach.broken_connectors.add(name)
        else:
            kind = values["type"]
            body = {key: value for key, value in values.items() if key != "type"}
            model = self.types[kind].Definition
            self.reach.connectors[name] = DeclaredConnector(name, kind, body, model)
        self.reach.problems += problems

    def _problems(self, name: str, values: dict[str, Any], place: Place) -> Iterator[Problem]:
        yield from plain_secrets(values, place)
        yield from token_problems(values, place, in_connectors)
        kind = values.get("type")
        if not isinstance(kind, str):
            yield place.at("type").problem(f"expected type = {_one_of(self.types)}")
        elif kind in self.types:
            yield from self._definition_problems(self.types[kind], values, place)
        else:
            message = words.unknown_name("connector type", kind, self.types)
            yield place.at("type").problem(message)
        yield from self._pool_problems(name, values.get("pool"), place.at("pool"))

    def _definition_problems(
        self, kind: ConnectorType[Any], values: dict[str, Any], place: Place
    ) -> Iterator[Problem]:
        model: type[Definition] = kind.Definition
        own = {key: value for key, value in values.items() if key != "type"}
        yield from checked(model, own, place, tokens=True)[1]

    def _pool_problems(self, name: str, pool: Any, place: Place) -> Iterator[Problem]:
        if not isinstance(pool, str) or has_tokens(pool):
            return
        if pool not in self.reach.pools and pool not in self.reach.broken_pools:
            yield place.problem(words.unknown_name("pool", pool, self.reach.pools))
        if name == STORE and pool != STORE:
            yield place.problem(f"connector '{STORE}' is the store: expected pool = \"{STORE}\"")


def _one_of(names: Collection[str]) -> str:
    return " or ".join(f'"{name}"' for name in sorted(names))
