"""What a look brought to light, and what to do about it."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

Level = Literal["ok", "warning", "error"]
Cause = Literal["configuration", "unreachable"]


@dataclass(frozen=True)
class Finding:
    """One fact about `what`; a warning or an error says what to do.

    `cause` of an error tells mistakes in the home from what does not answer.
    """

    check: str
    what: str
    level: Level = "ok"
    advice: str = ""
    cause: Cause = "configuration"

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def warning(check: str, what: str, advice: str) -> Finding:
    """Something that works, and will not for ever."""
    return Finding(check, what, "warning", advice)


def wrong(check: str, what: str, advice: str) -> Finding:
    """A mistake in the home, which somebody has to correct."""
    return Finding(check, what, "error", advice)


def away(check: str, what: str, advice: str) -> Finding:
    """Something that does not answer; it may when asked again."""
    return Finding(check, what, "error", advice, "unreachable")
