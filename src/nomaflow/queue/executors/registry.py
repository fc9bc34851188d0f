"""Finds the executors that are installed."""

from nomaflow.discovery import discover
from nomaflow.errors import NotFound
from nomaflow.queue import executors
from nomaflow.queue.executors.base import ExecutorKind


def executor_kind(name: str) -> ExecutorKind:
    """The executor of that name. Raises NotFound, naming those that are installed."""
    kinds: dict[str, ExecutorKind] = discover(
        executors, attribute="EXECUTOR", group="nomaflow.executors"
    )
    if name not in kinds:
        raise NotFound(f"Unknown executor '{name}'. Installed executors: {', '.join(kinds)}.")
    return kinds[name]
