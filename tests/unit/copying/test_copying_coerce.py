import pytest

from nomaflow.connectors.coercions import JulianDate, Scaled, Trimmed, WithoutNul
from nomaflow.connectors.julian import julian_date
from nomaflow.connectors.tables import ColumnType, Kind
from nomaflow.connectors.values import BadValue
from nomaflow.copying.coerce import coercing

INTEGER = ColumnType(Kind.INTEGER, "integer", 64)
DECIMAL = ColumnType(Kind.DECIMAL, "numeric(15,0)", 15, 0)
TEXT = ColumnType(Kind.TEXT, "char(5)", 5, padded=True)


@pytest.mark.parametrize(
    ("julian", "day"),
    [
        (126326, "2026-11-22"),
        (1, "1900-01-01"),
        (99365, "1999-12-31"),
        ("096366", "1996-12-31"),
        ("100001", "2000-01-01"),
        (100060, "2000-02-29"),
        (100366, "2000-12-31"),
        (124366.0, "2024-12-31"),
        ("124366.00", "2024-12-31"),
        (200365, "2100-12-31"),
        (0, None),
        ("0", None),
        ("000000", None),
        ("      ", None),
        ("", None),
    ],
)
def test_a_julian_date_is_a_day(julian: object, day: str | None) -> None:
    assert julian_date(julian) == day


@pytest.mark.parametrize(
    "julian", [99366, 366, 200366, 124367, 999999, 124000, -124001, 1000000, 124366.5, "abc", "1e9"]
)
def test_what_is_no_julian_date_is_named(julian: object) -> None:
    with pytest.raises(BadValue, match=str(julian)) as caught:
        coercing(JulianDate(INTEGER))([124366, julian])
    assert caught.value.row == 1


@pytest.mark.parametrize(
    ("value", "preserved", "truncated"),
    [
        (1234567, "12345.67", "12345"),
        (-1234567, "-12345.67", "-12345"),
        (5, "0.05", "0"),
        (0, "0.00", "0"),
        ("1234567", "12345.67", "12345"),
        ("12.5", "0.125", "0"),
        (1234567.0, "12345.67", "12345"),
        (123456789012345678901234567890123456789, "1234567890123456789012345678901234567.89", None),
    ],
)
def test_decimals_are_implied(value: object, preserved: str, truncated: str | None) -> None:
    assert coercing(Scaled(DECIMAL, 2))([value, None]) == [preserved, None]
    if truncated is not None:
        (cut,) = coercing(Scaled(DECIMAL, 2, truncated=True))([value])
        assert int(cut) == int(truncated)


def test_the_size_of_a_scaled_number_holds_every_value() -> None:
    assert Scaled(DECIMAL, 2).wanted == ColumnType(Kind.DECIMAL, "", 15, 2)
    assert Scaled(DECIMAL, 2, truncated=True).wanted == ColumnType(Kind.DECIMAL, "", 13, 0)
    assert Scaled(INTEGER, 2).wanted == ColumnType(Kind.DECIMAL, "", 19, 2)
    assert Scaled(ColumnType(Kind.DECIMAL, "numeric(1,0)", 1, 0), 3).wanted.size == 3
    assert Scaled(ColumnType(Kind.FLOAT, "real", 32), 2).wanted == ColumnType(Kind.DECIMAL, "")


def test_text_is_trimmed_and_loses_nul() -> None:
    assert coercing(Trimmed(TEXT))([" a  ", None, "\t", "   "]) == [" a", None, "\t", ""]
    assert coercing(Trimmed(TEXT, both=True))([" a \t\n", "\u2003b"]) == ["a", "b"]
    assert coercing(WithoutNul(TEXT))(["a\0b", None, ""]) == ["ab", None, ""]
