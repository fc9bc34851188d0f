"""Numbers CYYDDD as days: years since 1900, day of the year."""

from calendar import isleap
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Final

_BASE: Final = 1900


def julian_date(value: Any) -> str | None:
    """`126326` as `2026-11-22`; 0 and blank mean that there is none. Raises ValueError."""
    if isinstance(value, str) and not value.strip():
        return None
    number = as_number(value)
    if number == 0:
        return None
    if not number.is_finite() or number != int(number) or not 0 < number <= 999_999:
        raise ValueError(f"holds {value}, which is no Julian date CYYDDD")
    years, day = divmod(int(number), 1000)
    year = _BASE + years
    if not 1 <= day <= 365 + isleap(year):
        raise ValueError(f"holds {value}, which is no Julian date CYYDDD: {year} has no day {day}")
    return (date(year, 1, 1) + timedelta(days=day - 1)).isoformat()


def as_number(value: Any) -> Decimal:
    """A number, also one that a text spells. Raises ValueError."""
    whole = isinstance(value, float) and value.is_integer()
    text = str(int(value) if whole else value).strip()
    try:
        return Decimal(text)
    except InvalidOperation:
        raise ValueError(f"holds {value!r}, which is no number") from None
