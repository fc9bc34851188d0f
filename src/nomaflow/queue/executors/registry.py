"""Finds the executors that are installed."""

from nomaflow.discovery import Kinds, discover
from nomaflow.queue import executors
from nomaflow.queue.executors.base import ExecutorKind


class ExecutorKinds(Kinds[ExecutorKind]):
    """The installed executors by name; frozen."""

    noun = "executor"

    @classmethod
    def discover(cls) -> "ExecutorKinds":
        """The files of this folder and the entry points `nomaflow.executors`."""
        return cls(discover(executors, attribute="EXECUTOR", group="nomaflow.executors"))
