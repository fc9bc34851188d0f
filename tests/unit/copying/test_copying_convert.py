import pytest

from nomaflow.connectors.tables import ColumnType, Kind
from nomaflow.connectors.values import BadValue
from nomaflow.copying.convert import Unfit, conversion


def column(kind: Kind, size: int | None = None, scale: int | None = None) -> ColumnType:
    return ColumnType(kind, kind.value, size, scale)


def arrive(source: ColumnType, target: ColumnType, *values: object) -> list[object]:
    arriving: object = list(values)
    for function in conversion(source, target):
        arriving = function(arriving)  # type: ignore[arg-type]
    return list(arriving)  # type: ignore[call-overload]


INTEGER, TEXT, DATE = column(Kind.INTEGER, 64), column(Kind.TEXT), column(Kind.DATE)
DECIMAL, DOUBLE = column(Kind.DECIMAL), column(Kind.FLOAT, 64)
MOMENT = column(Kind.TIMESTAMP, 6)
ZONED = ColumnType(Kind.TIMESTAMP, "timestamptz", 6, zoned=True)


@pytest.mark.parametrize(
    ("source", "target", "value", "arrives"),
    [
        (INTEGER, column(Kind.INTEGER, 16), -32768, -32768),
        (INTEGER, DECIMAL, 12, "12"),
        (INTEGER, DOUBLE, 2**53, float(2**53)),
        (INTEGER, column(Kind.BOOLEAN), 1, True),
        (DECIMAL, INTEGER, "12.00", 12),
        (DECIMAL, DOUBLE, "0.1", 0.1),
        (DECIMAL, column(Kind.DECIMAL, 5, 2), "-123.4500", "-123.4500"),
        (DECIMAL, column(Kind.DECIMAL, 2, 2), "0.12", "0.12"),
        (DOUBLE, DECIMAL, 1e-7, "0.0000001"),
        (DOUBLE, column(Kind.FLOAT, 32), 0.1, 0.1),
        (DOUBLE, INTEGER, -3.0, -3),
        (DATE, MOMENT, "2026-03-29", "2026-03-29 00:00:00"),
        (MOMENT, DATE, "2026-03-29 00:00:00", "2026-03-29"),
        (TEXT, INTEGER, "-7", -7),
        (TEXT, ZONED, "2026-03-29T02:30:00.5+01:00", "2026-03-29 01:30:00.500000+00"),
        (TEXT, column(Kind.TEXT, 3), "äöü", "äöü"),
        (column(Kind.UUID), TEXT, "0" * 8, "0" * 8),
    ],
)
def test_a_value_arrives_unchanged_in_another_type(
    source: ColumnType, target: ColumnType, value: object, arrives: object
) -> None:
    assert arrive(source, target, None, value) == [None, arrives]


@pytest.mark.parametrize(
    ("source", "target", "value"),
    [
        (INTEGER, column(Kind.INTEGER, 16), 32768),
        (INTEGER, DOUBLE, 2**53 + 1),
        (INTEGER, column(Kind.BOOLEAN), 2),
        (DECIMAL, INTEGER, "12.5"),
        (DECIMAL, INTEGER, "NaN"),
        (DECIMAL, DOUBLE, "0.12345678901234567890"),
        (DECIMAL, column(Kind.DECIMAL, 5, 2), "1.005"),
        (DECIMAL, column(Kind.DECIMAL, 5, 2), "1000"),
        (DECIMAL, column(Kind.DECIMAL, 5, 2), "Infinity"),
        (DOUBLE, DECIMAL, float("inf")),
        (DOUBLE, column(Kind.FLOAT, 32), 1e300),
        (DOUBLE, INTEGER, 0.5),
        (MOMENT, DATE, "2026-03-29 00:00:01"),
        (MOMENT, column(Kind.TIMESTAMP, 0), "2026-03-29 00:00:00.1"),
        (TEXT, INTEGER, "007"),
        (TEXT, INTEGER, "１"),
        (TEXT, DATE, "29.03.2026"),
        (TEXT, column(Kind.TEXT, 3), "abcd"),
    ],
)
def test_a_value_that_would_change_is_refused_with_its_row(
    source: ColumnType, target: ColumnType, value: object
) -> None:
    with pytest.raises(BadValue) as caught:
        arrive(source, target, None, value)
    assert caught.value.row == 1


@pytest.mark.parametrize(
    ("source", "target"),
    [
        (MOMENT, ZONED),
        (ZONED, MOMENT),
        (DATE, ZONED),
        (ZONED, DATE),
        (column(Kind.BYTES), TEXT),
        (TEXT, column(Kind.BYTES)),
        (DATE, INTEGER),
        (column(Kind.NATIVE), column(Kind.UUID)),
    ],
)
def test_types_that_mean_other_things_are_refused_at_once(
    source: ColumnType, target: ColumnType
) -> None:
    with pytest.raises(Unfit):
        conversion(source, target)


def test_a_type_that_holds_every_value_needs_no_check() -> None:
    assert conversion(column(Kind.DECIMAL, 10, 2), column(Kind.DECIMAL, 12, 2)) == ()
    assert conversion(column(Kind.TEXT, 10), column(Kind.TEXT, 10)) == ()
    assert conversion(column(Kind.INTEGER, 32), INTEGER) == ()
