"""What a measurement hands back."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One measured value, its unit, and the settings without which it means nothing."""

    what: str
    value: float
    unit: str
    settings: str
