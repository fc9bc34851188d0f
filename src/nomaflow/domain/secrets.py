"""A value that cannot be printed by accident."""

from typing import Annotated, Any, Final

from pydantic import BeforeValidator, WithJsonSchema

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


def _as_secret(value: Any) -> Any:
    return Secret(value) if isinstance(value, str) else value


SecretText = Annotated[
    Secret,
    BeforeValidator(_as_secret),
    WithJsonSchema({"type": "string", "format": "password", "writeOnly": True}),
]
"""The type of a definition's field that holds a secret: given as text, kept as a Secret."""
