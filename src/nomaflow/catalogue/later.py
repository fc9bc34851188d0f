"""What the contract names and this version does not run: refused, never ignored."""

from typing import Final

JOB_FIELDS: Final = frozenset({"alerts"})
APP_TABLES: Final = frozenset({"alerts", "auth", "channels", "oidc"})


def not_available(what: str) -> str:
    """The honest answer to a name that the contract holds and this version does not."""
    return f"'{what}' is not available in this version; expected it to be absent"
