"""Retry decisions: policy and facts in, a decision out."""

from fnmatch import fnmatchcase
from typing import Final

from nomaflow.domain.job import RetryPolicy

CANCELED: Final = "StepCanceled"
"""The type of a failure that is somebody's cancel."""


def wait_seconds(
    policy: RetryPolicy, failed_attempt: int, *, chance: float, asked: float = 0
) -> float:
    """Seconds to wait after try number `failed_attempt` (from 1); `chance` in 0…1 feeds jitter.

    `asked` is what the other side wants at least; the policy's longest wait holds for it too.
    """
    factor = 2.0 ** min(failed_attempt - 1, 60) if policy.backoff == "exponential" else 1.0
    wait = min(max(policy.base_seconds * factor, asked), policy.max_seconds)
    return wait * (1 + policy.jitter * chance)


def is_retried(policy: RetryPolicy, failed_attempt: int, error_type: str) -> bool:
    """Whether another try follows the failure of `failed_attempt` with an error of that type."""
    if failed_attempt >= policy.attempts:
        return False
    if policy.retry_on is None:
        return error_type != CANCELED
    return any(fnmatchcase(error_type, pattern) for pattern in policy.retry_on)
