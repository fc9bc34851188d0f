"""A value that cannot be printed by accident."""

from typing import Final

MASK: Final = "***"


class Secret:
    """Holds a secret text; only `reveal()` gives it out.

    `str`, `repr`, formatting and JSON dumps show the mask or fail, never the value.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The text itself: call it where it is used, never where it could be shown."""
        return self._value

    def __str__(self) -> str:
        return MASK

    def __repr__(self) -> str:
        return f"Secret({MASK})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)
