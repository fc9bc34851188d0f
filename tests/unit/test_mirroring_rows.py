"""Entries become rows in the types of their columns."""

from typing import Any

import pytest

from nomaflow.connectors.ldap.search import Entry
from nomaflow.connectors.tables import Column, ColumnType, Kind
from nomaflow.errors import StepFailed, StepRefused
from nomaflow.mirroring.rows import Filling, Reading, RowMaker

ENTRY = Entry(
    "cn=a",
    {
        "cn": [b"a"],
        "member": [b"y", b"x"],
        "number": [b"17"],
        "share": [b"0.5"],
        "active": [b"TRUE"],
        "at": [b"20260329023000.25+0200"],
        "badge": [b"\xff"],
    },
)


def column(kind: Kind, **more: Any) -> Column:
    return Column("c", ColumnType(kind, kind.value, **more))


def made(filling: Filling, reading: Reading | None = None) -> list[Any]:
    maker = RowMaker([filling], reading or Reading(), lambda _: ())
    return [row[0] for row in maker.batch([ENTRY]).rows]


@pytest.mark.parametrize(
    ("attribute", "target", "value"),
    [
        ("dn", column(Kind.TEXT), "cn=a"),
        ("nobody", column(Kind.TEXT), None),
        ("member", column(Kind.TEXT), "y"),
        ("number", column(Kind.INTEGER, size=32), 17),
        ("number", column(Kind.ANY), "17"),
        ("share", column(Kind.FLOAT, size=64), 0.5),
        ("share", column(Kind.DECIMAL), "0.5"),
        ("active", column(Kind.BOOLEAN), True),
        ("at", column(Kind.TIMESTAMP), "2026-03-29 00:30:00.250000"),
        ("at", column(Kind.TIMESTAMP, zoned=True), "2026-03-29 00:30:00.250000+00"),
        ("at", column(Kind.TEXT), "20260329023000.25+0200"),
        ("number", column(Kind.BYTES), b"17"),
    ],
)
def test_a_value_has_its_columns_type(attribute: str, target: Column, value: object) -> None:
    (found,) = made(Filling(target, attribute))
    assert found == value
    assert type(found) is type(value)


def test_bytes_are_base64_in_a_text_column() -> None:
    bytes_too = Reading(binary={"badge"})
    assert made(Filling(column(Kind.TEXT), "badge"), bytes_too) == ["/w=="]
    assert made(Filling(column(Kind.BYTES), "badge"), bytes_too) == [b"\xff"]
    with pytest.raises(StepFailed, match=r"'badge' holds bytes .* \(entry 'cn=a'\)"):
        made(Filling(column(Kind.TEXT), "badge"))


def test_several_values_are_joined_in_order_or_make_rows() -> None:
    text = column(Kind.TEXT)
    assert made(Filling(text, "member"), Reading("join", separator="|")) == ["x|y"]
    assert made(Filling(text, "member"), Reading(by_attribute={"member": "rows"})) == ["y", "x"]
    assert made(Filling(text, "nobody"), Reading(by_attribute={"nobody": "rows"})) == []


@pytest.mark.parametrize(
    ("constant", "target", "value"),
    [
        (7, column(Kind.INTEGER, size=64), 7),
        (7, column(Kind.TEXT), "7"),
        (True, column(Kind.BOOLEAN), True),
        ("ann", column(Kind.TEXT), "ann"),
        (["a"], column(Kind.TEXT), '["a"]'),
        (None, column(Kind.TEXT), None),
    ],
)
def test_values_of_the_run_are_the_same_in_each_row(
    constant: object, target: Column, value: object
) -> None:
    assert made(Filling(target, constant=constant)) == [value]


def test_a_column_that_no_text_becomes_is_refused_before_anything_is_read() -> None:
    with pytest.raises(StepRefused, match="Column 'c' cannot hold what a directory has"):
        RowMaker([Filling(column(Kind.NATIVE), "cn")], Reading(), lambda _: ())
