"""SQL Server without a server: the SQL that is made, and the calls that the driver is given."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import mssql_python
import pytest
from mssql_python import ddbc_bindings
from mssql_python.connection import Connection
from mssql_python.cursor import Cursor
from tests.unit.connectors.recorded import copied, doubles

from nomaflow.connectors.base import ConnectorSettings, ResolvedPool
from nomaflow.connectors.dialects.mssql.catalogue import _declaration
from nomaflow.connectors.dialects.mssql.dialect import DIALECT
from nomaflow.connectors.dialects.mssql.source import MssqlSource
from nomaflow.connectors.dialects.mssql.types import TYPES, column_type, read
from nomaflow.connectors.sql import SqlConnector, SqlDefinition
from nomaflow.connectors.statement import parse
from nomaflow.connectors.tables import Column, Kind, Query
from nomaflow.errors import StepRefused, Unreachable

COLUMNS = [
    ("Id", "int", 4, 10, 0, False, 0, 1),
    ("Name", "nvarchar", 80, 0, 0, True, 0, 0),
    ("Price", "money", 8, 19, 4, True, 0, 0),
    ("Seen", "datetimeoffset", 10, 34, 7, True, 0, 0),
    ("Guid", "uniqueidentifier", 16, 0, 0, True, 0, 0),
    ("Ver", "timestamp", 8, 0, 0, False, 0, 0),
]
ROWS = [
    (1, "Ada", Decimal("1.5000"), "2026-03-29 00:30:00.5000000+00",
     "f81d4fae-7dec-11d0-a765-00a0c91e6bf6", b"\0" * 7 + b"\1"),
    (2, None, None, None, None, b"\0" * 7 + b"\2"),
]  # fmt: skip


def answers(statement: str, _: Sequence[Any]) -> list[tuple[Any, ...]]:
    """What a server would say about one table."""
    found = {
        "sys.databases": [(1, "[erp]")],
        "FROM sys.objects": [("dbo", "Items", "U ", 42, "HOST", "erp")],
        "FROM sys.columns": COLUMNS,
        "FROM sys.indexes": [(True, 1, "Id"), (False, 2, "Name"), (False, 2, "Id")],
        "COUNT_BIG": [(2,)],
        "describe_first_result_set": [("Ver", "timestamp", None), ("Id", "int", None)],
        "SELECT CONVERT(varchar(max)": [("0x0000000000000002",)],
        "SELECT [Id], [Name]": ROWS,
    }
    return next((rows for part, rows in found.items() if part in statement), [])


def test_a_table_is_copied_as_its_catalogue_declares_it(tmp_path: Path) -> None:
    connection, session = doubles(Connection, Cursor, answers)
    output = copied(DIALECT, connection, tmp_path / "t.db", "Items")
    assert (output["lane"], output["source_rows"], output["target_rows"]) == ("rows", 2, 2)
    with closing(sqlite3.connect(tmp_path / "t.db")) as target:
        assert target.execute("SELECT * FROM t ORDER BY Id").fetchall() == [
            (1, "Ada", "1.5000", "2026-03-29 00:30:00.5+00:00",
             "f81d4fae-7dec-11d0-a765-00a0c91e6bf6", b"\0" * 7 + b"\1"),
            (2, None, None, None, None, b"\0" * 7 + b"\2"),
        ]  # fmt: skip
        declared = target.execute("SELECT sql FROM sqlite_master WHERE name = 't'").fetchone()[0]
    assert '"Name" VARCHAR(40)' in declared
    assert '"Price" DECIMAL_TEXT(19,4)' in declared
    assert 'UNIQUE ("Name", "Id")' in declared
    assert "SET TRANSACTION ISOLATION LEVEL SNAPSHOT" in session.said
    assert session.said[-1] == "rollback"


def test_a_database_without_row_versions_is_refused_with_what_to_run() -> None:
    connection, _ = doubles(Connection, Cursor, lambda *_: [(0, "[erp]")])
    with pytest.raises(StepRefused, match=r"ALTER DATABASE \[erp\] SET ALLOW_SNAPSHOT_ISOLATION"):
        MssqlSource(connection).begin()


@pytest.mark.parametrize(
    ("native", "expression"),
    [
        ("int", "[c]"),
        ("decimal(10,2)", "[c]"),
        ("money", "CAST([c] AS decimal(19,4))"),
        ("date", "CONVERT(varchar(10), [c], 23)"),
        ("datetime2(7)", "CONVERT(varchar(27), [c], 121)"),
        ("time(3)", "CONVERT(varchar(16), [c], 121)"),
        ("uniqueidentifier", "LOWER(CONVERT(varchar(36), [c]))"),
        (
            "datetimeoffset(7)",
            "CONVERT(varchar(27), CAST(SWITCHOFFSET([c], '+00:00') AS datetime2(7)), 121) + '+00'",
        ),
    ],
)
def test_what_python_would_cut_is_read_as_text(native: str, expression: str) -> None:
    assert read("[c]", column_type(native)) == expression


@pytest.mark.parametrize(
    ("row", "kind", "size"),
    [
        (("nvarchar", 80, 0, 0), Kind.TEXT, 40),
        (("nvarchar", -1, 0, 0), Kind.TEXT, None),
        (("varchar", 80, 0, 0), Kind.TEXT, 80),
        (("tinyint", 1, 3, 0), Kind.INTEGER, 16),
        (("numeric", 9, 18, 4), Kind.DECIMAL, 18),
        (("datetime2", 8, 27, 7), Kind.TIMESTAMP, 7),
        (("datetime", 8, 23, 3), Kind.TIMESTAMP, 3),
        (("varbinary", -1, 0, 0), Kind.BYTES, None),
        (("geography", -1, 0, 0), Kind.NATIVE, None),
        (("sql_variant", 8016, 0, 0), Kind.NATIVE, None),
    ],
)
def test_a_column_is_of_its_kind(
    row: tuple[str, int, int, int], kind: Kind, size: int | None
) -> None:
    found = column_type(_declaration(*row))
    assert (found.kind, found.size) == (kind, size)


def test_blanks_that_fill_a_text_are_known() -> None:
    assert column_type("nchar(5)").padded
    assert not column_type("nvarchar(5)").padded


def test_the_newest_row_version_is_a_mark_that_compares_as_one() -> None:
    connection, session = doubles(Connection, Cursor, answers)
    source = MssqlSource(connection)
    _, query = source.query(parse("SELECT Ver, Id FROM Items WHERE Id > :low"), {"low": 5})
    mark = source.newest(query, "Ver")
    assert mark == "0x0000000000000002"
    assert query.sql.endswith("Id > ?")
    assert query.params == [5]
    since = TYPES.since(Column("Ver", column_type("timestamp")), mark, again=True)
    assert since == "[Ver] >= CONVERT(binary(8), N'0x0000000000000002', 1)"
    assert session.statements("SELECT CONVERT")[0].startswith(
        "SELECT CONVERT(varchar(max), CAST(MAX([Ver]) AS varbinary(8000)), 1) FROM ("
    )


def test_a_mark_is_compared_as_its_columns_type() -> None:
    def since(native: str, mark: str) -> str:
        return TYPES.since(Column("a]b", column_type(native)), mark, again=False)

    assert since("int", "5") == "[a]]b] > CONVERT(int, N'5')"
    assert since("datetime", "2026-01-01 00:00:00.003").endswith(
        "CONVERT(datetime, N'2026-01-01 00:00:00.003', 121)"
    )
    assert since("datetimeoffset(7)", "2026-01-01 00:00:00.5+00").endswith(
        "CONVERT(datetimeoffset(7), N'2026-01-01 00:00:00.5 +00:00', 121)"
    )


def test_a_count_that_takes_too_long_is_given_up() -> None:
    def slow(statement: str, _: Sequence[Any]) -> list[tuple[Any, ...]]:
        raise mssql_python.OperationalError("Timeout expired", "")

    connection, session = doubles(Connection, Cursor, slow)
    assert MssqlSource(connection).count(Query("SELECT 1"), 10) is None
    assert [line for line in session.said if "timeout" in line] == ["timeout = 10", "timeout = 0"]


def test_a_cancel_reaches_every_open_cursor() -> None:
    stopped: list[str] = []
    handle = SimpleNamespace(_cancel=lambda: stopped.append("yes"))
    cursors = [
        SimpleNamespace(closed=False, hstmt=handle),
        SimpleNamespace(closed=True, hstmt=None),
    ]
    DIALECT.cancel(SimpleNamespace(_cursors=cursors))
    assert stopped == ["yes"]
    assert "_cancel" in dir(ddbc_bindings.SqlHandle)
    assert "_cursors" in Connection.__init__.__code__.co_names
    assert "hstmt" in Cursor.__init__.__code__.co_names


def test_a_server_that_does_not_answer_is_unreachable() -> None:
    pool = ResolvedPool("erp", "mssql://u:p@127.0.0.1:1/erp?Encrypt=no")
    settings = ConnectorSettings("erp", "sql", SqlDefinition(pool="erp"), pool)
    with pytest.raises(Unreachable, match="Connector 'erp': Client unable to establish connection"):
        SqlConnector(settings, DIALECT.engine).check()


def test_a_mirror_in_sql_server_is_refused() -> None:
    with pytest.raises(StepRefused, match="ldap_sync into SQL Server"):
        DIALECT.mirror(object())
