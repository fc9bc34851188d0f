"""A table with everything that copies get wrong, for every database."""

import uuid
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from math import isinf
from typing import Any

naive = datetime.fromisoformat
LONG = "ü𝄞" * 32_768
WIDE = 200

POSTGRESQL = '''
CREATE TABLE "Order Items ""x""" (
    "Id" bigint PRIMARY KEY, "select" smallint, "a b" integer, "quo""ted" bigint,
    "Größe" numeric(38,10), money numeric(10,2), free numeric, whole numeric(18,0),
    huge numeric(30,0),
    r real, d double precision, flag boolean NOT NULL, note text, code varchar(12), pad char(5),
    raw bytea, born date, at time, at3 time(3), happened timestamp, happened3 timestamp(3),
    seen timestamptz, ident uuid, doc json, docb jsonb, UNIQUE (code, born))
'''

SQLITE = '''
CREATE TABLE "Order Items ""x""" (
    "Id" INTEGER PRIMARY KEY, "select" SMALLINT, "a b" INT, "quo""ted" BIGINT,
    "Größe" DECIMAL_TEXT(38,10), money DECIMAL(10,2), free DECIMAL_TEXT, whole NUMERIC(18,0),
    huge DECIMAL_TEXT(30,0), r REAL, d DOUBLE, flag BOOLEAN NOT NULL, note TEXT, code VARCHAR(12),
    pad CHAR(5), raw BLOB, born DATE, at TIME, at3 TIME(3), happened DATETIME,
    happened3 TIMESTAMP(3), seen TIMESTAMPTZ, ident UUID, doc JSON_TEXT, docb JSON_TEXT,
    UNIQUE (code, born))
'''

MARIADB = '''
CREATE TABLE "Order Items ""x""" (
    "Id" bigint PRIMARY KEY, "select" smallint, "a b" integer, "quo""ted" bigint,
    "Größe" decimal(38,10), money decimal(10,2), free decimal(65,30), whole decimal(18,0),
    huge decimal(30,0),
    r float, d double, flag boolean NOT NULL, note longtext, code varchar(12), pad char(5),
    raw longblob, born date, at time(6), at3 time(3), happened datetime(6), happened3 datetime(3),
    seen timestamp(6) NULL, ident char(36), doc json, docb json, UNIQUE (code, born))
    CHARACTER SET utf8mb4 COLLATE utf8mb4_bin
'''

DUCKDB = '''
CREATE TABLE "Order Items ""x""" (
    "Id" BIGINT PRIMARY KEY, "select" SMALLINT, "a b" INTEGER, "quo""ted" BIGINT,
    "Größe" DECIMAL(38,10), money DECIMAL(10,2), free VARCHAR, whole DECIMAL(18,0), huge HUGEINT,
    r FLOAT, d DOUBLE, flag BOOLEAN NOT NULL, note VARCHAR, code VARCHAR, pad VARCHAR,
    raw BLOB, born DATE, "at" TIME, at3 TIME, happened TIMESTAMP, happened3 TIMESTAMP_MS,
    seen TIMESTAMPTZ, ident UUID, doc JSON, docb JSON, UNIQUE (code, born))
'''
TABLE = 'Order Items "x"'
NAMES = [
    "Id", "select", "a b", 'quo"ted', "Größe", "money", "free", "whole", "huge", "r", "d", "flag",
    "note", "code", "pad", "raw", "born", "at", "at3", "happened", "happened3", "seen", "ident",
    "doc", "docb",
]  # fmt: skip

_FULL: dict[str, Any] = {
    "select": 32767, "a b": -2147483648, 'quo"ted': 9223372036854775807,
    "Größe": Decimal("1234567890123456789012345678.0123456789"), "money": Decimal("-99999999.99"),
    "free": Decimal("123456789012345678901234567890.000000000000000001"),
    "whole": Decimal(999999999999999999), "huge": Decimal(123456789012345678901234567890),
    "r": 0.1, "d": 1.7976931348623157e308, "flag": True, "note": LONG, "code": "é" * 12,
    "pad": "ab   ", "raw": bytes(range(256)), "born": date(1, 1, 1), "at": time(23, 59, 59, 999999),
    "at3": time(1, 2, 3, 456000), "happened": naive("9999-12-31 23:59:59.999999"),
    "happened3": naive("2000-02-29 12:00:00.123"),
    "seen": datetime(2026, 3, 29, 1, 30, tzinfo=UTC), "ident": uuid.UUID(int=2**127 + 7),
    "doc": '{"a": [1, 2.50, null], "é": "\\\\u0041"}', "docb": '{"a": 1}',
}  # fmt: skip
_EMPTY: dict[str, Any] = {
    "select": -32768, "a b": 2147483647, 'quo"ted': -9223372036854775808, "Größe": Decimal(0),
    "money": Decimal("0.01"), "free": Decimal("-0.5"), "whole": Decimal(-1), "huge": Decimal(0),
    "r": -1.5, "d": 5e-324, "flag": False, "note": "", "code": "", "pad": "     ", "raw": b"",
    "born": date(9999, 12, 31), "at": time(), "at3": time(), "happened": naive("1970-01-01"),
    "happened3": naive("0001-01-01"), "seen": datetime(1, 1, 1, tzinfo=UTC),
    "ident": uuid.UUID(int=0), "doc": '"1.50"', "docb": "1",
}  # fmt: skip
_ODD: dict[str, Any] = {
    "flag": True, "note": "a\tb\nc\r\\N\\.'\"%s$1\x7f\u2028😀", "code": "\\N", "pad": "'    ",
    "raw": b"\\x00\x00\xff", "d": float("inf"), "r": float("-inf"), "doc": "null", "docb": "[]",
    "money": Decimal("100.00"), "Größe": Decimal(100),
}  # fmt: skip


def rows(*kinds: str) -> list[dict[str, Any]]:
    """Extremes, empty values, odd characters, NULLs; then enough to make several batches.

    They are what databases of these kinds can hold.
    """
    first = [_FULL, _EMPTY, _ODD, {"flag": False}]
    rest = [{"flag": bool(n % 2), "note": f"row {n}", "a b": n, "code": str(n)} for n in range(60)]
    found = [{"Id": n, **row} for n, row in enumerate(first + rest, start=-1)]
    if "mariadb" not in kinds:
        return found
    return [{name: _in_mariadb(value) for name, value in row.items()} for row in found]


def _in_mariadb(value: Any) -> Any:
    """It has no infinity, and its timestamps begin in 1970."""
    if isinstance(value, float) and isinf(value):
        return None
    early = isinstance(value, datetime) and value.tzinfo is not None and value.year < 1970
    return datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC) if early else value


def for_mariadb(row: dict[str, Any]) -> tuple[Any, ...]:
    """Instants in UTC, as the session's zone is."""
    return tuple(_in_utc(row.get(name)) for name in NAMES)


def _in_utc(value: Any) -> Any:
    if isinstance(value, uuid.UUID):
        return str(value)
    zoned = isinstance(value, datetime) and value.tzinfo is not None
    return value.astimezone(UTC).replace(tzinfo=None) if zoned else value


def for_postgresql(row: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(row.get(name) for name in NAMES)


def for_sqlite(row: dict[str, Any]) -> tuple[Any, ...]:
    """As an application writes them: ISO texts, decimals as texts or numbers."""
    return tuple(_stored(row.get(name)) for name in NAMES)


def _stored(value: Any) -> Any:
    if isinstance(value, Decimal | uuid.UUID):
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat(" ")
    if isinstance(value, date | time):
        return value.isoformat()
    return value


FORMS = {
    "postgresql": (POSTGRESQL, for_postgresql),
    "sqlite": (SQLITE, for_sqlite),
    "mariadb": (MARIADB, for_mariadb),
    "duckdb": (DUCKDB, for_sqlite),
}
"""How each kind of database declares the table, and takes a row of it."""


def as_duckdb_shows(names: str) -> str:
    """A single by its digits, an instant as a text: its driver has other ideas of them."""
    return names.replace('"r"', '"r"::varchar::double').replace('"seen"', '"seen"::varchar')


def meant(name: str, value: Any) -> Any:
    """What a value means that an independent reader found, in either database."""
    if value is None:
        return None
    if name in {"Größe", "money", "free", "whole", "huge"}:
        return Decimal(str(value)).normalize()
    if name in {"born", "at", "at3", "happened", "happened3", "seen"}:
        return _moment(name, value)
    if name == "pad":
        return value.rstrip(" ")
    if name == "flag":
        return bool(value)
    if name == "ident":
        return uuid.UUID(str(value))
    return value


def _moment(name: str, value: Any) -> Any:
    if not isinstance(value, str):
        return _instant(value) if name == "seen" else _of_day(value)
    kind = {"born": date, "at": time, "at3": time}.get(name, datetime)
    moment = kind.fromisoformat(value)
    return moment.astimezone(UTC) if name == "seen" else moment


def _instant(value: datetime) -> datetime:
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _of_day(value: Any) -> Any:
    """MariaDB's driver gives a time of day as the time since midnight."""
    return (
        (datetime.combine(date.min, time()) + value).time()
        if isinstance(value, timedelta)
        else value
    )
