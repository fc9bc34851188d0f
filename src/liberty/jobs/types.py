"""What the author of a plugin types against."""

from nomaflow.steps.context import StepContext, StepLog
from nomaflow.steps.previous import PreviousStep

__all__ = ["PreviousStep", "StepContext", "StepLog"]
