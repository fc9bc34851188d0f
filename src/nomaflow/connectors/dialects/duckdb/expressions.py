"""Names and constants as DuckDB's SQL, and what its errors say."""

from datetime import date, datetime

from nomaflow.connectors.coercions import Constant


def quote(name: str) -> str:
    """An identifier as SQL takes it."""
    return '"' + name.replace('"', '""') + '"'


def text_literal(value: str) -> str:
    """A text as SQL takes it."""
    return "'" + value.replace("'", "''") + "'"


def literal(value: Constant) -> str:
    """A constant with its type."""
    match value:
        case bool() | int():
            return repr(value).lower()
        case float():
            return f"'{value!r}'::DOUBLE"
        case datetime():
            kind = "TIMESTAMP" if value.tzinfo is None else "TIMESTAMPTZ"
            return f"'{value.isoformat(' ')}'::{kind}"
        case date():
            return f"'{value.isoformat()}'::DATE"
        case _:
            return text_literal(value)


def message(error: BaseException) -> str:
    """What DuckDB says, without its kind of error and the line of SQL that it quotes."""
    said = str(error).partition("\n\nLINE ")[0]
    return said.partition(" Error: ")[2] or said
