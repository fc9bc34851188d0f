"""What the contract names and this version does not run: refused, never ignored.

Where a value is given, it is what this version does anyway, so that it may be written down.
"""

from collections.abc import Mapping
from typing import Any, Final

_NOTHING: Final = object()

JOB_FIELDS: Mapping[str, Any] = {
    "alerts": _NOTHING,
}
SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "sql_copy": {
        "partitions": _NOTHING,
    },
}
APP_TABLES: Mapping[str, Any] = dict.fromkeys(("alerts", "auth", "channels", "oidc"), _NOTHING)


def without(
    values: Mapping[str, Any], later: Mapping[str, Any], known: frozenset[str]
) -> tuple[dict[str, Any], list[str]]:
    """The values without those of a later version, and the keys of those to be refused.

    What is `known` is of this version, whatever the tables above say.
    """
    unbuilt = {key for key in values if key in later and key not in known}
    kept = {key: value for key, value in values.items() if key not in unbuilt}
    return kept, sorted(key for key in unbuilt if values[key] != later[key])


def not_available(what: str) -> str:
    """The honest answer to a name that the contract holds and this version does not."""
    return f"'{what}' is not available in this version; expected it to be absent"
