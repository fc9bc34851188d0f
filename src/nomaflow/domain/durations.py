"""Lengths of time as people write them: 90s, 15m, 4h, 1d, 1h30m."""

import re
from datetime import timedelta

_PARTS = re.compile(r"(?:(\d{1,5})d)?(?:(\d{1,5})h)?(?:(\d{1,6})m)?(?:(\d{1,8})s)?", re.ASCII)


def duration(text: str) -> timedelta:
    """The length of time that `text` names. Raises ValueError."""
    found = _PARTS.fullmatch(text)
    if not text or found is None:
        raise ValueError(
            "expected a whole number with s, m, h or d, such as '90s', '15m', '4h', '1d' or '1h30m'"
        )
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
