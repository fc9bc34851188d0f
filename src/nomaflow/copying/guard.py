"""Holds a swap whose source came back suspiciously small."""

from dataclasses import dataclass

from nomaflow.copying.progress import grouped
from nomaflow.errors import StepFailed

LET_THROUGH = "let_through"


@dataclass(frozen=True)
class Guard:
    """The least that a source must bring. `step` is the step's name, for the way out."""

    step: str = ""
    min_rows: int | None = None
    max_shrink_percent: float | None = None

    @property
    def is_on(self) -> bool:
        """Whether there is anything to hold the swap for."""
        return self.min_rows is not None or self.max_shrink_percent is not None

    def check(self, target: str, rows: int, before: int) -> None:
        """Raises StepFailed, with the numbers, when `rows` are too few in the place of `before`."""
        if self.min_rows is not None and rows < self.min_rows:
            raise self._held(target, f"min_rows is {grouped(self.min_rows)}", rows, before)
        limit = self.max_shrink_percent
        if limit is not None and before and 100 * (before - rows) > limit * before:
            share = 100 * (before - rows) / before
            words = f"{share:.1f} % fewer, and max_shrink_percent is {limit:g}"
            raise self._held(target, words, rows, before)

    def _held(self, target: str, why: str, rows: int, before: int) -> StepFailed:
        return StepFailed(
            f"The source gave {grouped(rows)} rows, '{target}' has {grouped(before)}: {why}. The "
            "target is unchanged. If that is how it should be, let it through once with "
            f"--step-param '{self.step}:{LET_THROUGH}=true', or correct the step."
        )
