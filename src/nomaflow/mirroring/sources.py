"""What each column is filled with: an attribute of the entries, or a value of the run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nomaflow.connectors.ldap.search import plain
from nomaflow.connectors.statement import Statement
from nomaflow.connectors.tables import Column
from nomaflow.errors import StepRefused
from nomaflow.mirroring.rows import DN, Filling

_NO_ATTRIBUTES = "1.1"


@dataclass(frozen=True)
class Sources:
    """By column or parameter, in lower case: the attribute as the server is asked for it; values
    that are the same in each row."""

    attributes: Mapping[str, str]
    constants: Mapping[str, Any]

    @property
    def wanted(self) -> list[str]:
        """The attributes to ask for; the DN comes with every entry."""
        names = dict.fromkeys(name for name in self.attributes.values() if plain(name) != DN)
        return list(names) or [_NO_ATTRIBUTES]

    def fillings(self, columns: Sequence[Column]) -> list[Filling]:
        """One for each column, in their order."""
        return [self._filling(column, column.name.lower()) for column in columns]

    def column_of(self, attribute: str) -> str | None:
        """The column that an attribute goes to."""
        names = self.attributes.items()
        return next((column for column, name in names if plain(name) == plain(attribute)), None)

    def _filling(self, column: Column, name: str) -> Filling:
        if name in self.attributes:
            return Filling(column, plain(self.attributes[name]))
        return Filling(column, constant=self.constants[name])


def named_sources(attributes: Sequence[str], mapping: Mapping[str, str]) -> Sources:
    """Attributes go where `mapping` says, the others to what bears their name."""
    mapped = {plain(attribute) for attribute in mapping}
    others = {plain(name): name for name in attributes if plain(name) not in mapped}
    there = {target.lower(): attribute for attribute, target in mapping.items()}
    return Sources({**others, **there}, {})


def query_sources(
    statement: Statement,
    attributes: Sequence[str],
    mapping: Mapping[str, str],
    values: Mapping[str, Any],
) -> Sources:
    """For each of the statement's names an attribute, or else a value of the run.

    Without `attributes` and `mapping`, what is no value is an attribute of that name. Raises
    StepRefused for names without a source, and for a mapping to names that are not there.
    """
    named = {name.lower(): name for name in statement.names}
    given = named_sources(attributes, mapping).attributes
    if unknown := sorted(target for target in mapping.values() if target.lower() not in named):
        raise StepRefused(
            f"`mapping` names :{', :'.join(unknown)}, which the query does not have; it has "
            f"{_binds(named.values())}."
        )
    constants = {n.lower(): value for n, value in values.items() if n.lower() not in given}
    rest = {n: own for n, own in named.items() if n not in given and n not in constants}
    if rest and (attributes or mapping):
        raise StepRefused(
            f"The query names {_binds(rest.values())} without a value. Name an attribute for it in "
            "`attributes` or `mapping`."
        )
    return Sources({**{n: given[n] for n in named if n in given}, **rest}, constants)


def _binds(names: Any) -> str:
    return ", ".join(f":{name}" for name in sorted(names))
