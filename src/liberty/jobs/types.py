"""What the author of a plugin types against."""

from nomaflow.steps.context import PreviousStep, StepContext, StepLog

__all__ = ["PreviousStep", "StepContext", "StepLog"]
