"""What a measurement hands back."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One measured value, its unit, and the settings without which it means nothing.

    `target` is what it should be, such as `≤ 5`, and `older` what the system before this one
    needed; empty where there is none.
    """

    what: str
    value: float
    unit: str
    settings: str
    target: str = ""
    older: str = ""

    @property
    def is_met(self) -> bool | None:
        """Whether the value is what it should be; None without a target."""
        sign, _, limit = self.target.rpartition(" ")
        if not limit:
            return None
        wanted = float(limit.replace(",", ""))
        held = {
            "≤": self.value <= wanted,
            "≥": self.value >= wanted,
            ">": self.value > wanted,
        }
        return held.get(sign, self.value == wanted)


def quantile(values: Sequence[float], share: float) -> float:
    """The value that `share` of them do not exceed."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]
