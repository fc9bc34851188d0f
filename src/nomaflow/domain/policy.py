"""Retry decisions: policy and facts in, a decision out."""

from nomaflow.domain.job import RetryPolicy


def wait_seconds(policy: RetryPolicy, failed_attempt: int, *, chance: float) -> float:
    """Seconds to wait after try number `failed_attempt` (from 1); `chance` in 0…1 feeds jitter."""
    factor = 2.0 ** min(failed_attempt - 1, 60) if policy.backoff == "exponential" else 1.0
    wait = min(policy.base_seconds * factor, policy.max_seconds)
    return wait * (1 + policy.jitter * chance)


def is_retried(policy: RetryPolicy, failed_attempt: int, error_type: str) -> bool:
    """Whether another try follows the failure of `failed_attempt` with an error of that type."""
    if failed_attempt >= policy.attempts:
        return False
    return policy.retry_on is None or error_type in policy.retry_on
