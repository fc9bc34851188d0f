"""Column types that mean the same on every store: ids, instants, text, JSON."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    ColumnElement,
    DateTime,
    Dialect,
    Integer,
    Text,
    TypeDecorator,
    func,
    literal,
)
from sqlalchemy.types import TypeEngine

BigId = BigInteger().with_variant(Integer(), "sqlite")
JsonObject = JSON(none_as_null=True)

MOST_OF_HEADLINE = 600


class Instant(TypeDecorator[datetime]):
    """An aware instant, UTC in and out; a naive one is refused.

    TIMESTAMPTZ, or on SQLite the text `YYYY-MM-DD HH:MM:SS.ffffff+00:00`, which sorts by time,
    compares with SQLite's own `datetime('now', …)` and reads with `datetime.fromisoformat`. A text
    without a zone, as SQLite's own functions write it, is UTC.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(
            Text() if dialect.name == "sqlite" else DateTime(timezone=True)
        )

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        text = instant_text(value)
        return text if dialect.name == "sqlite" else value.astimezone(UTC)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ARG002  # the base's signature
        if value is None:
            return None
        instant: datetime = datetime.fromisoformat(value) if isinstance(value, str) else value
        if instant.tzinfo is None:
            return instant.replace(tzinfo=UTC)
        return instant.astimezone(UTC)


class Words(TypeDecorator[str]):
    """Text written by people and drivers, made storable."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002  # the base's signature
        return None if value is None else storable(value)


class Reason(TypeDecorator[str]):
    """Why a run ended as it did, in the words of a headline; an index holds them whole."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002  # the base's signature
        return None if value is None else headline(value)


def first_instant(column: Column[Any], otherwise: datetime) -> ColumnElement[Any]:
    """What the column holds, or else that instant."""
    return func.coalesce(column, literal(otherwise, Instant()))


def instant_text(value: datetime) -> str:
    """The instant as SQLite keeps it. Raises ValueError for a naive one."""
    if value.tzinfo is None:
        raise ValueError(f"An instant needs a time zone; {value!r} has none.")
    return value.astimezone(UTC).isoformat(sep=" ", timespec="microseconds")


def storable(text: str) -> str:
    """The text with `?` for NUL and lone surrogates, which not every store takes."""
    whole = text.replace("\0", "?")
    return whole if whole.isascii() else whole.encode("utf-8", "replace").decode("utf-8")


def headline(text: str) -> str:
    """The text, storable, cut to what an index of PostgreSQL takes."""
    text = storable(text)
    return text if len(text) <= MOST_OF_HEADLINE else f"{text[: MOST_OF_HEADLINE - 1]}…"


def rows_json(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows as one JSON array: a single bind value, however many rows there are."""
    return json.dumps(rows, default=instant_text)


def to_json(value: Any) -> str:
    """JSON that every store and reader takes.

    What JSON cannot hold becomes its text, a NaN null, a lone surrogate `?`.
    """
    try:
        text = json.dumps(value, default=str, allow_nan=False)
    except ValueError:
        lenient = json.dumps(value, default=str)
        text = json.dumps(json.loads(lenient, parse_constant=lambda _: None))
    return _without_lone_surrogates(text) if "\\ud" in text else text


def _without_lone_surrogates(text: str) -> str:
    plain = json.dumps(json.loads(text), ensure_ascii=False)
    return json.dumps(json.loads(plain.encode("utf-8", "replace")))
