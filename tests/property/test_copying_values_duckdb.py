"""Whatever a value is, it comes back from DuckDB as it was, or is refused."""

import struct
from contextlib import closing
from datetime import datetime
from decimal import Context, Decimal
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nomaflow.connectors.dialects.duckdb.source import DuckdbSource
from nomaflow.connectors.dialects.duckdb.target import DuckdbTarget
from nomaflow.connectors.dialects.duckdb.types import TYPES, column_type
from nomaflow.connectors.tables import Column, ColumnType, Kind, Query, Table, TableName
from nomaflow.connectors.values import BadValue
from nomaflow.copying.swap import Way


def round_trip(foreign: ColumnType, value: Any) -> Any:
    """Carried, encoded, stored in DuckDB, read, decoded."""
    carrier = TYPES.carrier(foreign)
    assert carrier is not None
    return stored(Column("n", carrier), value)


def stored(column: Column, value: Any) -> Any:
    values: Any = [value]
    for function in TYPES.encode(column.type):
        values = function(values)
    with closing(duckdb.connect()) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        target = DuckdbTarget(connection)
        table = Table(TableName("t"), [column])
        stash = target.create_stash([column], table, Way.CREATE)
        assert target.write([tuple(values)]) == 1
        query = Query(f"SELECT * FROM {stash}")
        ((found,),) = next(DuckdbSource(connection).rows(query, [column], verbatim=False))
    back: Any = [found]
    for function in TYPES.decode(column.type, column.type):
        back = function(back)
    return back[0]


RANGES = {
    "UTINYINT": (0, 2**8 - 1),
    "UBIGINT": (0, 2**64 - 1),
    "HUGEINT": (-(2**127), 2**127 - 1),
    "UHUGEINT": (0, 2**128 - 1),
}
sizes = st.tuples(st.integers(1, 60), st.integers(-5, 60)).filter(lambda size: size[1] <= size[0])


@given(sizes, st.integers(-(10**60), 10**60))
def test_a_decimal_of_any_size(size: tuple[int, int], digits: int) -> None:
    precision, scale = size
    number = Decimal(digits % 10**precision).scaleb(-scale, Context(prec=100))
    back = round_trip(ColumnType(Kind.DECIMAL, "numeric", precision, scale), format(number, "f"))
    assert Decimal(back) == number


@given(st.integers(-(2**130), 2**130), st.sampled_from(sorted(RANGES)))
def test_an_integer_of_odd_width_arrives_or_is_refused(number: int, native: str) -> None:
    column = Column("n", column_type(native))
    low, high = RANGES[native]
    if low <= number <= high:
        assert int(stored(column, str(number))) == number
    else:
        with pytest.raises(BadValue, match=f"is out of range for {native}"):
            stored(column, str(number))


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_a_floating_point_number(number: float) -> None:
    back = round_trip(ColumnType(Kind.FLOAT, "double precision", 64), number)
    assert back == number or (back != back and number != number)


@given(st.floats(width=32, allow_nan=False))
def test_a_single_comes_back_by_the_digits_that_it_shows(number: float) -> None:
    back = round_trip(ColumnType(Kind.FLOAT, "real", 32), number)
    assert struct.pack("f", back) == struct.pack("f", number)


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_a_text(text: str) -> None:
    assert round_trip(ColumnType(Kind.TEXT, "text"), text) == text


@given(st.binary())
def test_bytes(data: bytes) -> None:
    assert round_trip(ColumnType(Kind.BYTES, "bytea"), data) == data


@given(st.datetimes(), st.booleans(), st.booleans())
def test_a_timestamp_of_any_era(moment: datetime, zoned: bool, before: bool) -> None:
    text = moment.isoformat(" ") + ("+00" if zoned else "")
    kind = ColumnType(Kind.TIMESTAMP, "timestamp", 6, zoned=zoned)
    era = " BC" if before and (moment.month, moment.day) != (2, 29) else ""  # 1 BC is a leap year
    back = round_trip(kind, text + era)
    assert back.endswith(" BC") == bool(era)
    assert datetime.fromisoformat(back.removesuffix(" BC")) == datetime.fromisoformat(text)


@pytest.mark.parametrize("text", ["infinity", "-infinity"])
def test_an_instant_without_end(text: str) -> None:
    for kind in (Kind.DATE, Kind.TIMESTAMP):
        assert round_trip(ColumnType(kind, kind.value, 6), text) == text
