"""Whatever a value is, it comes back from SQLite's types as it was, or is refused."""

import sqlite3
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from nomaflow.connectors.dialects.sqlite.types import TYPES, column_type
from nomaflow.connectors.tables import ColumnType, Kind
from nomaflow.connectors.values import BadValue


def round_trip(foreign: ColumnType, value: Any) -> Any:
    """Carried, encoded, stored in SQLite, read, decoded."""
    carrier = TYPES.carrier(foreign)
    assert carrier is not None
    values: Any = [value]
    for function in TYPES.encode(carrier):
        values = function(values)
    with sqlite3.connect(":memory:") as connection:
        connection.execute(f"CREATE TABLE t (n {carrier.native})")
        connection.execute("INSERT INTO t VALUES (?)", values)
        values = list(connection.execute("SELECT n FROM t").fetchone())
    connection.close()
    for function in TYPES.decode(column_type(carrier.native), foreign):
        values = function(values)
    return values[0]


sizes = st.tuples(st.integers(1, 40), st.integers(0, 40)).filter(lambda size: size[1] <= size[0])


@given(sizes, st.integers(-(10**40), 10**40))
def test_a_decimal_of_any_size(size: tuple[int, int], digits: int) -> None:
    precision, scale = size
    number = Decimal(digits % 10**precision).scaleb(-scale)
    back = round_trip(ColumnType(Kind.DECIMAL, "numeric", precision, scale), format(number, "f"))
    assert Decimal(back) == number


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_a_floating_point_number(number: float) -> None:
    try:
        assert round_trip(ColumnType(Kind.FLOAT, "double precision", 64), number) == number
    except BadValue:
        assert number != number


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_a_text_or_json(text: str) -> None:
    assert round_trip(ColumnType(Kind.TEXT, "text"), text) == text
    assert round_trip(ColumnType(Kind.JSON, "json"), text) == text


@given(st.datetimes(), st.booleans())
def test_a_timestamp(moment: Any, zoned: bool) -> None:
    text = moment.isoformat(" ") + ("+00" if zoned else "")
    assert round_trip(ColumnType(Kind.TIMESTAMP, "timestamp", 6, zoned=zoned), text) == text
