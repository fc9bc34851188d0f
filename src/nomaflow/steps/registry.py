"""Finds the step types that are installed."""

from typing import Any, ClassVar

from nomaflow import steps
from nomaflow.discovery import Kinds, discover
from nomaflow.steps.base import StepType


class StepTypes(Kinds[StepType[Any]]):
    """The installed step types by name; frozen."""

    noun: ClassVar[str] = "step type"

    @classmethod
    def discover(cls) -> "StepTypes":
        """The files of this folder and the entry points `nomaflow.steps`.

        Raises InvalidConfiguration when two bear one name.
        """
        return cls(discover(steps, attribute="STEP", group="nomaflow.steps"))
