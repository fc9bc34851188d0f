"""What the contract names and this version does not run: refused, never ignored."""

from collections.abc import Mapping

JOB_FIELDS = frozenset(
    {
        "after",
        "alerts",
        "calendar",
        "end_at",
        "limits",
        "misfire",
        "misfire_grace",
        "on_crash",
        "on_excluded",
        "params_schema",
        "presets",
        "start_at",
    }
)
STEP_FIELDS = frozenset({"when"})
SETTINGS: Mapping[str, frozenset[str]] = {
    "sql_copy": frozenset(
        {
            "columns",
            "decimal_mode",
            "incremental",
            "keep_previous",
            "max_shrink_percent",
            "min_rows",
            "partitions",
            "strip_both_columns",
            "type_coercion",
            "verify",
            "where",
            "key",
        }
    ),
}
STEP_TYPES = frozenset({"call_job", "http", "ldap_sync"})
CONNECTOR_TYPES = frozenset({"http", "ldap"})
CONNECTOR_FIELDS = frozenset({"jde_dictionary"})
OVERLAPS = frozenset({"queue", "replace"})
APP_TABLES = frozenset(
    {
        "alerts",
        "auth",
        "calendars",
        "channels",
        "egress",
        "limits",
        "oidc",
        "retention",
        "users",
    }
)
RETENTION_FIELDS = frozenset({"keep_last_per_job"})


def not_available(what: str) -> str:
    """The honest answer to a name that the contract holds and this version does not."""
    return f"'{what}' is not available in this version; expected it to be absent"
