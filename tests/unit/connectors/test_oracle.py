"""Oracle without a server: the SQL that is made, and the calls that the driver is given."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import oracledb
import pytest
from sqlalchemy import create_engine, make_url
from tests.unit.connectors.recorded import copied, doubles

from nomaflow.connectors.base import ConnectorSettings, ResolvedPool
from nomaflow.connectors.dialects.oracle import catalogue
from nomaflow.connectors.dialects.oracle.dialect import DIALECT, _by_service
from nomaflow.connectors.dialects.oracle.source import OracleSource
from nomaflow.connectors.dialects.oracle.types import TYPES, column_type, read
from nomaflow.connectors.sql import SqlConnector, SqlDefinition
from nomaflow.connectors.statement import parse
from nomaflow.connectors.tables import Column, Kind, Query, Table, TableName
from nomaflow.errors import StepRefused, Unreachable

COLUMNS = [
    ("AN8", "NUMBER", 22, 0, 8, 0, "N", "NO", None),
    ("ALPH", "CHAR", 160, 40, None, None, "Y", "NO", None),
    ("RATE", "NUMBER", 22, 0, None, None, "Y", "NO", None),
    ("UPMJ", "DATE", 7, 0, None, None, "Y", "NO", None),
    ("SEEN", "TIMESTAMP(6) WITH TIME ZONE", 13, 0, None, 6, "Y", "NO", None),
    ("SHARE", "BINARY_FLOAT", 4, 0, None, None, "Y", "NO", None),
    ("RAW_", "RAW", 16, 0, None, None, "Y", "NO", None),
]
ROWS = [
    (Decimal(1), "Ada" + " " * 37, Decimal("0.10"), "2026-03-29 02:30:00",
     "2026-03-29 00:30:00.500000000+00", 0.10000000149011612, b"\x00\xff"),
    (Decimal(2), None, None, None, None, None, None),
]  # fmt: skip


def answers(statement: str, _: Sequence[Any]) -> list[tuple[Any, ...]]:
    """What a server would say about one table."""
    found = {
        "all_objects": [("PRODDTA", "F0101", "TABLE")],
        "all_tab_cols": COLUMNS,
        "all_constraints": [("P", "F0101_PK", "AN8")],
        "DB_UNIQUE_NAME": [("ORCL", "ERP")],
        "SELECT COUNT(*)": [(len(ROWS),)],
        "SELECT MAX": [(Decimal(2),)],
        'SELECT "AN8"': ROWS,
    }
    return next((rows for part, rows in found.items() if part in statement), [])


def test_a_table_is_copied_as_its_catalogue_declares_it(tmp_path: Path) -> None:
    connection, session = doubles(oracledb.Connection, oracledb.Cursor, answers)
    output = copied(DIALECT, connection, tmp_path / "t.db", "F0101")
    assert (output["lane"], output["source_rows"], output["target_rows"]) == ("rows", 2, 2)
    with closing(sqlite3.connect(tmp_path / "t.db")) as target:
        assert target.execute("SELECT * FROM t ORDER BY AN8").fetchall() == [
            (1, "Ada" + " " * 37, "0.10", "2026-03-29 02:30:00",
             "2026-03-29 00:30:00.5+00:00", 0.1, b"\x00\xff"),
            (2, *[None] * 6),
        ]  # fmt: skip
        declared = target.execute("SELECT sql FROM sqlite_master WHERE name = 't'").fetchone()[0]
    assert '"AN8" DECIMAL(8,0) NOT NULL' in declared
    assert '"ALPH" CHAR(40)' in declared
    assert 'PRIMARY KEY ("AN8")' in declared
    assert session.said[:2] == ["rollback", "SET TRANSACTION READ ONLY"]
    assert session.said[-1] == "rollback"
    assert session.statements('SELECT "AN8"')[-1].endswith('FROM "PRODDTA"."F0101" ) q')


def test_what_python_would_cut_is_read_as_text() -> None:
    assert read('"C"', column_type("NUMBER")) == '"C"'
    assert read('"C"', column_type("DATE")) == (
        "CASE WHEN \"C\" < DATE '0001-01-01' THEN TO_CHAR(\"C\", 'YYYY-MM-DD HH24:MI:SS') || ' BC'"
        " ELSE TO_CHAR(\"C\", 'YYYY-MM-DD HH24:MI:SS') END"
    )
    zoned = read('"C"', column_type("TIMESTAMP(9) WITH LOCAL TIME ZONE"))
    assert 'SYS_EXTRACT_UTC(CAST("C" AS TIMESTAMP(9) WITH TIME ZONE))' in zoned
    assert 'HH24:MI:SS.FF9"+00"\'' in zoned
    assert "||" not in zoned.partition("ELSE")[2], "NULL || '+00' is '+00' in Oracle"


@pytest.mark.parametrize(
    ("native", "kind", "size", "scale"),
    [
        ("NUMBER", Kind.DECIMAL, None, None),
        ("FLOAT", Kind.DECIMAL, None, None),
        ("CLOB", Kind.TEXT, None, None),
        ("DATE", Kind.TIMESTAMP, 0, None),
        ("TIMESTAMP(9)", Kind.TIMESTAMP, 9, None),
        ("BINARY_DOUBLE", Kind.FLOAT, 64, None),
        ("INTERVAL DAY(2) TO SECOND(6)", Kind.NATIVE, None, None),
        ("SDO_GEOMETRY", Kind.NATIVE, None, None),
    ],
)
def test_types_are_of_their_kind(
    native: str, kind: Kind, size: int | None, scale: int | None
) -> None:
    found = column_type(native)
    assert (found.kind, found.size, found.scale) == (kind, size, scale)


def test_a_number_without_precision_keeps_every_digit() -> None:
    number = column_type("NUMBER", None, None, 0)
    assert (number.size, number.scale) == (38, 0)
    (decode,) = TYPES.decode(column_type("NUMBER"), column_type("NUMBER"))
    assert decode([Decimal("1E+3"), Decimal("0.000001"), None]) == ["1000", "0.000001", None]


def test_conditions_bind_by_position_in_their_order() -> None:
    connection, session = doubles(oracledb.Connection, oracledb.Cursor, answers)
    source = OracleSource(connection)
    table = Table(TableName("F0101", "PRODDTA"), [Column("A", column_type("NUMBER"))])
    where = parse("A > :low OR A = :low -- not :this\n AND B = :other")
    query = source.select(table, table.columns, where, {"low": 1, "other": "x"})
    assert query == Query(
        'SELECT "A" FROM "PRODDTA"."F0101" WHERE (\nA > :1 OR A = :2 -- not :this\n AND B = :3\n)',
        [1, 1, "x"],
    )
    constant = replace(table.columns[0], name="origin", expression=TYPES.literal("it's"))
    assert source.project(query, [constant], "1 = 1").sql.startswith(
        "SELECT 'it''s' AS \"origin\" FROM (\n"
    )
    assert session.said == []


def test_a_mark_is_compared_as_its_columns_type() -> None:
    def since(native: str, mark: str) -> str:
        return TYPES.since(Column("C", column_type(native)), mark, again=False)

    assert since("NUMBER", "12.5") == "\"C\" > CAST('12.5' AS NUMBER)"
    assert since("NUMBER", "1' OR '1'='1") == "\"C\" > CAST('1'' OR ''1''=''1' AS NUMBER)"
    assert since("DATE", "2026-01-01 00:00:00") == (
        "\"C\" > TO_DATE('2026-01-01 00:00:00', 'YYYY-MM-DD HH24:MI:SS')"
    )
    assert since("TIMESTAMP(6) WITH TIME ZONE", "2026-01-01 00:00:00.5+00") == (
        "\"C\" > FROM_TZ(TO_TIMESTAMP('2026-01-01 00:00:00.5', 'YYYY-MM-DD HH24:MI:SS.FF'),"
        " '+00:00')"
    )
    instant = datetime(2026, 1, 1, 1, tzinfo=UTC)
    assert TYPES.literal(instant) == "TIMESTAMP '2026-01-01 01:00:00 +00:00'"


def test_a_count_that_takes_too_long_is_given_up() -> None:
    def slow(statement: str, _: Sequence[Any]) -> list[tuple[Any, ...]]:
        raise oracledb.OperationalError("DPY-4024: call timeout of 10000 ms exceeded")

    connection, session = doubles(oracledb.Connection, oracledb.Cursor, slow)
    assert OracleSource(connection).count(Query("SELECT 1 FROM DUAL"), 10) is None
    assert [line for line in session.said if "timeout" in line] == [
        "call_timeout = 10000",
        "call_timeout = 0",
    ]


def test_the_description_of_a_query_gives_its_types() -> None:
    number = (oracledb.DB_TYPE_NUMBER, 127, None)
    assert catalogue._described(("N", *number, 10, 2, True)).native == "NUMBER(10,2)"
    assert catalogue._described(("N", *number, 0, -127, True)).native == "NUMBER"
    assert (
        catalogue._described(("T", oracledb.DB_TYPE_VARCHAR, 30, 120, None, None, True)).size == 30
    )
    zoned = catalogue._described(("Z", oracledb.DB_TYPE_TIMESTAMP_TZ, 9, 13, 0, 6, True))
    assert (zoned.size, zoned.zoned) == (9, True)
    assert (
        catalogue._described(("O", oracledb.DB_TYPE_OBJECT, 1, 1, 0, 0, True)).kind is Kind.NATIVE
    )
    known = {getattr(oracledb, name).name for name in dir(oracledb) if name.startswith("DB_TYPE_")}
    assert set(catalogue._NATIVE) <= known


@pytest.mark.parametrize(
    ("url", "dsn"),
    [
        ("oracle://u@h:1521/ERP", "SERVICE_NAME=ERP"),
        ("oracle://u@h:1521/?service_name=ERP", "SERVICE_NAME=ERP"),
        ("oracle://u@h:1521/?sid=ERP", "SID=ERP"),
    ],
)
def test_a_path_names_a_service(url: str, dsn: str) -> None:
    engine = create_engine(_by_service(make_url(url).set(drivername="oracle+oracledb")))
    assert dsn in str(engine.dialect.create_connect_args(engine.url)[1]["dsn"])


def test_a_server_that_does_not_answer_is_unreachable() -> None:
    pool = ResolvedPool("erp", "oracle://u:p@127.0.0.1:1/ERP", connect_timeout_seconds=2)
    settings = ConnectorSettings("erp", "sql", SqlDefinition(pool="erp"), pool)
    connector = SqlConnector(settings, DIALECT.engine)
    with pytest.raises(Unreachable, match=r"Connector 'erp': DPY-6005: cannot connect"):
        connector.check()


def test_a_mirror_in_oracle_is_refused() -> None:
    with pytest.raises(StepRefused, match="ldap_sync into Oracle"):
        DIALECT.mirror(object())


def test_the_calls_that_no_test_makes_are_in_the_driver() -> None:
    assert callable(oracledb.Connection.cancel)
    assert hasattr(oracledb.Connection, "autocommit")
