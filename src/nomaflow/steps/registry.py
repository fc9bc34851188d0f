"""Finds the step types that are installed."""

from collections.abc import Iterator, Mapping
from typing import Any

from nomaflow import steps
from nomaflow.discovery import discover
from nomaflow.errors import NotFound
from nomaflow.steps.base import StepType


class StepTypes(Mapping[str, StepType[Any]]):
    """The installed step types by name; frozen."""

    def __init__(self, types: Mapping[str, StepType[Any]]) -> None:
        self._types = dict(sorted(types.items()))

    @classmethod
    def discover(cls) -> "StepTypes":
        """The files of this folder and the entry points `nomaflow.steps`.

        Raises InvalidConfiguration when two bear one name.
        """
        return cls(discover(steps, attribute="STEP", group="nomaflow.steps"))

    def find(self, name: str) -> StepType[Any]:
        """The step type of that name. Raises NotFound, listing those that are installed."""
        try:
            return self._types[name]
        except KeyError:
            installed = ", ".join(self._types)
            raise NotFound(f"Unknown step type '{name}'. Installed: {installed}.") from None

    def __getitem__(self, name: str) -> StepType[Any]:
        return self._types[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._types)

    def __len__(self) -> int:
        return len(self._types)
