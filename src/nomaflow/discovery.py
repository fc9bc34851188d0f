"""Finds the kinds of a seam: one file each in its folder, or an installed package's entry point."""

import pkgutil
from collections.abc import Iterator, Mapping
from importlib import import_module
from importlib.metadata import entry_points
from types import ModuleType
from typing import Any, ClassVar, TypeVar

from nomaflow.errors import InvalidConfiguration, NotFound, Problem

KindT = TypeVar("KindT")


class Kinds(Mapping[str, KindT]):
    """The installed kinds of one seam by name; frozen. A seam's subclass says its `noun`."""

    noun: ClassVar[str]

    def __init__(self, kinds: Mapping[str, KindT]) -> None:
        self._kinds = dict(sorted(kinds.items()))

    def find(self, name: str) -> KindT:
        """The kind of that name. Raises NotFound, naming those that are installed."""
        if name not in self._kinds:
            installed = ", ".join(self._kinds)
            raise NotFound(f"Unknown {self.noun} '{name}'. Installed are: {installed}.")
        return self._kinds[name]

    def __getitem__(self, name: str) -> KindT:
        return self._kinds[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._kinds)

    def __len__(self) -> int:
        return len(self._kinds)


def discover(package: ModuleType, *, attribute: str, group: str) -> dict[str, Any]:
    """Every kind by its `name`: `attribute` of the modules in `package`, and what `group` offers.

    Raises InvalidConfiguration when two kinds bear one name.
    """
    kinds: dict[str, Any] = {}
    for source, kind in (*_in_folder(package, attribute), *_installed(group)):
        if kind.name in kinds:
            message = f"'{kind.name}' is defined twice in {group}; uninstall one of the packages."
            raise InvalidConfiguration([Problem(source, None, None, None, None, message)])
        kinds[kind.name] = kind
    return kinds


def _in_folder(package: ModuleType, attribute: str) -> Iterator[tuple[str, Any]]:
    for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        kind = getattr(import_module(module.name), attribute, None)
        if kind is not None:
            yield module.name, kind


def _installed(group: str) -> Iterator[tuple[str, Any]]:
    for point in entry_points(group=group):
        yield point.value, point.load()
