"""Nomaflow: a scheduler and orchestration engine that runs inside the application's process."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nomaflow.steps.context import StepContext

__all__ = ["StepContext", "__version__"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Public names are imported when first used: `import nomaflow` alone stays cheap."""
    if name == "StepContext":
        from nomaflow.steps.context import StepContext

        return StepContext
    raise AttributeError(f"module 'nomaflow' has no attribute '{name}'")
