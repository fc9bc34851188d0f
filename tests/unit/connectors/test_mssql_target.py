"""Copies into SQL Server without a server: what is said, in which order, and with which values."""

import re
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import mssql_python
import pytest
import sqlglot
from mssql_python.connection import Connection
from mssql_python.cursor import Cursor
from tests.unit.connectors.recorded import Session, copied_into, doubles, order_of

from nomaflow.connectors.copies import TableLocked, Way
from nomaflow.connectors.dialects.mssql.dialect import DIALECT
from nomaflow.connectors.dialects.mssql.target import MssqlTarget
from nomaflow.connectors.dialects.mssql.types import TYPES, column_type
from nomaflow.connectors.tables import ColumnType, Kind, Table, TableName
from nomaflow.connectors.values import BadValue
from nomaflow.copying.shape import ColumnWish, Wishes
from nomaflow.errors import StepFailed, StepRefused

STASH = re.compile(r"nomaflow_stash_[0-9a-f]{16}")
COLUMNS = [
    ("Id", "int", 4, 10, 0, False, 0, 0),
    ("Name", "varchar", 40, 0, 0, True, 0, 0),
    ("Price", "decimal", 9, 15, 2, True, 0, 0),
    ("Seen", "datetimeoffset", 10, 34, 7, True, 0, 0),
]
XML = ("Seen", "xml", -1, 0, 0, True, 0, 0)
ADMINISTRATION = ("SET ", "DECLARE", "DISABLE", "ENABLE", "bulk", "commit", "rollback")
QUESTIONS = ("SELECT s.", "SELECT c.", "SELECT i.", "SELECT name FROM sys", "SELECT COUNT")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    file = tmp_path / "s.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(
            "CREATE TABLE t (id INT PRIMARY KEY, name VARCHAR(40), price DECIMAL(15,2),"
            " seen TIMESTAMPTZ)"
        )
        connection.execute("INSERT INTO t VALUES (1, 'Ada', 12.5, '2026-03-29 00:30:00+00:00')")
        connection.execute("INSERT INTO t VALUES (2, '', NULL, '2026-03-29 00:30:00.5+00:00')")
        connection.commit()
    return file


class Server:
    """Says what a server would say about one table, or that there is none."""

    def __init__(self, *, columns: Sequence[Any] = COLUMNS, **more: Any) -> None:
        self.columns = columns
        self.more = more
        self.session: Session

    def answer(self, statement: str, params: Any) -> list[Any]:
        for part, rows in self.more.items():
            if part in statement:
                if isinstance(rows, Exception):
                    raise rows
                return list(rows)
        if "count(*) FROM" in statement:
            known = "WHERE EXISTS" in statement
            return [(0 if known else len(self.session.written),)]
        if "FROM sys.objects" in statement:
            is_there = params[1].lower() == "orders" and self.columns
            return [("dbo", "Orders", "U ", 42, "HOST", "erp")] if is_there else []
        found = {
            "ROWCOUNT_BIG": [(2,)],
            "sp_getapplock": [(0,)],
            "FROM sys.schemas WHERE": [("dbo",)],
            "FROM sys.columns AS c": self.columns,
            "FROM sys.indexes": [(True, 1, "Id")],
            "FROM sys.foreign_keys": [(0,)],
        }
        return next((rows for part, rows in found.items() if part in statement), [])


def run(server: Server, source: Path, mode: Any, **more: Any) -> tuple[Any, list[str]]:
    """The step's output, and what was said since the stash was made, in short."""
    connection, server.session = doubles(Connection, Cursor, server.answer)
    output = copied_into(DIALECT, connection, source, order_of(mode, "Orders", **more))
    said = [" ".join(line.split()) for line in server.session.said]
    stashes = [n for n, line in enumerate(said) if STASH.search(line)]
    short = [STASH.sub("STASH", line).replace("[dbo].", "") for line in said[stashes[1] :]]
    for line in short:
        parse(line)
    told = [line.removesuffix("; SELECT ROWCOUNT_BIG()") for line in short]
    return output, [line for line in told if not line.startswith(QUESTIONS)]


def parse(line: str) -> None:
    """A second opinion: another program's grammar of Transact-SQL."""
    if not line.startswith(ADMINISTRATION):
        known = line.replace(" WITH (TABLOCK) (", " (").replace(" NONCLUSTERED", "")
        sqlglot.parse(known, dialect="tsql")


def test_a_first_copy_makes_the_table_in_the_transaction_that_fills_it(source: Path) -> None:
    output, said = run(Server(columns=[]), source, "overwrite")
    assert (output["way"], output["source_rows"], output["target_rows"]) == ("create", 2, 2)
    assert said[0] == (
        "CREATE TABLE [STASH] ([id] bigint NULL, [name] nvarchar(40) NULL,"
        " [price] decimal(15,2) NULL, [seen] datetimeoffset(6) NULL)"
    )
    made = next(n for n, line in enumerate(said) if line.startswith("CREATE TABLE [Orders]"))
    assert said[made].endswith("PRIMARY KEY ([id]))")
    assert said[made + 1 : made + 3] == [
        "INSERT INTO [Orders] WITH (TABLOCK) ([id], [name], [price], [seen])"
        " SELECT [id], [name], [price], [seen] FROM [STASH]",
        "commit",
    ]
    assert said[made - 1] == "SET LOCK_TIMEOUT 10000"


def test_rows_go_as_arrays_of_said_types(source: Path) -> None:
    server = Server()
    _, said = run(server, source, "overwrite")
    assert said[0] == (
        "SELECT TOP (0) [Id], CAST([Name] AS nvarchar(40)) AS [Name], [Price], [Seen] INTO [STASH]"
        " FROM [Orders] UNION ALL SELECT TOP (0) [Id], CAST([Name] AS nvarchar(40)) AS [Name],"
        " [Price], [Seen] FROM [Orders]"
    )
    assert said[2] == (
        "INSERT INTO [STASH] ([Id], [Name], [Price], [Seen]) VALUES (?, ?, ?,"
        " CAST(? + N':00' AS datetimeoffset(7)))"
    )
    assert server.session.written == [
        (1, "Ada", Decimal("12.50"), "2026-03-29 00:30:00+00"),
        (2, "", None, "2026-03-29 00:30:00.500000+00"),
    ]
    assert server.session.sizes == [
        [
            (mssql_python.SQL_BIGINT, 0, 0),
            (mssql_python.SQL_WVARCHAR, 3, 0),
            (mssql_python.SQL_DECIMAL, 15, 2),
            (mssql_python.SQL_WVARCHAR, 29, 0),
        ]
    ]


def test_record_batches_go_by_the_bulk_interface(source: Path) -> None:
    server = Server(columns=[*COLUMNS[:1], ("Name", "nvarchar", 80, 0, 0, True, 0, 0), COLUMNS[2]])
    output, said = run(server, source, "overwrite", wishes=Wishes({"seen": ColumnWish(drop=True)}))
    assert (output["lane"], output["target_rows"]) == ("arrow", 2)
    assert server.session.written == [(1, "Ada", Decimal("12.50")), (2, "", None)]
    assert said[2] == (
        "bulk [STASH] {'timeout': 0, 'column_mappings': ['Id', 'Name', 'Price'],"
        " 'table_lock': True, 'keep_nulls': True}"
    )


def test_what_the_bulk_interface_refuses_goes_row_by_row(source: Path) -> None:
    class Refusing(Server):
        def answer(self, statement: str, params: Any) -> list[Any]:
            if statement.startswith("bulk"):
                raise RuntimeError("Unsupported conversion")
            return super().answer(statement, params)

    columns = [*COLUMNS[:1], ("Name", "nvarchar", 80, 0, 0, True, 0, 0), COLUMNS[2]]
    wishes = Wishes({"seen": ColumnWish(drop=True)})
    output, _ = run(Refusing(columns=columns), source, "overwrite", wishes=wishes)
    assert (output["lane"], output["lanes_passed_over"]) == ("rows", ["Unsupported conversion"])


def test_an_overwrite_merges_in_one_transaction_and_compares_texts_by_bytes(source: Path) -> None:
    output, said = run(Server(), source, "overwrite")
    assert output["way"] == "merge"
    lock = said.index("SELECT TOP (1) 1 FROM [Orders] WITH (TABLOCK, HOLDLOCK)")
    assert said[lock - 1] == "SET LOCK_TIMEOUT 100"
    change = [line for line in said[lock + 1 :] if not line.startswith("SELECT count")]
    assert change[:4] == [
        "SET LOCK_TIMEOUT 10000",
        "DELETE t FROM [Orders] AS t WHERE NOT EXISTS"
        " (SELECT 1 FROM [STASH] s WHERE t.[Id] = s.[Id])",
        "UPDATE t SET t.[Name] = s.[Name], t.[Price] = s.[Price], t.[Seen] = s.[Seen]"
        " FROM [Orders] AS t JOIN [STASH] AS s ON t.[Id] = s.[Id] WHERE EXISTS"
        " (SELECT CAST(CAST(s.[Name] AS nvarchar(max)) AS varbinary(max)), s.[Price], s.[Seen]"
        " EXCEPT SELECT CAST(CAST(t.[Name] AS nvarchar(max)) AS varbinary(max)), t.[Price],"
        " t.[Seen])",
        "INSERT INTO [Orders] ([Id], [Name], [Price], [Seen])"
        " SELECT s.[Id], s.[Name], s.[Price], s.[Seen] FROM [STASH] AS s"
        " WHERE NOT EXISTS (SELECT 1 FROM [Orders] AS t WHERE t.[Id] = s.[Id])",
    ]
    assert change[4:6] == ["commit", "rollback"]
    assert change[-2:] == ["DROP TABLE IF EXISTS [STASH]", "commit"]


def test_triggers_rest_and_numbers_of_the_server_are_given(source: Path) -> None:
    server = Server(
        **{"sys.triggers": [("audit",), ("log",)], "identity_columns": [("Id",)]},
    )
    _, said = run(server, source, "overwrite")
    rest = said.index("DISABLE TRIGGER [audit], [log] ON [Orders]")
    again = said.index("ENABLE TRIGGER [audit], [log] ON [Orders]")
    insert = next(n for n, line in enumerate(said) if line.startswith("SET IDENTITY_INSERT"))
    assert rest < insert < again < said.index("commit", rest)
    assert said[insert].startswith("SET IDENTITY_INSERT [Orders] ON; INSERT INTO [Orders] ([Id]")


def test_an_append_and_its_receipt_are_one_transaction(source: Path) -> None:
    output, said = run(Server(), source, "append")
    assert (output["way"], output["inserted"]) == ("insert", 2)
    insert = next(n for n, line in enumerate(said) if line.startswith("INSERT INTO [Orders]"))
    assert "(receipt nvarchar(255) COLLATE Latin1_General_100_BIN2" in said[insert + 1]
    assert "PRIMARY KEY NONCLUSTERED (receipt, started_at)" in said[insert + 1]
    assert [line.split()[0] for line in said[insert + 2 : insert + 6]] == [
        *("DELETE", "INSERT", "DELETE"),
        "commit",
    ]


def test_a_kept_version_is_made_in_the_same_transaction_and_later_ones_pruned(source: Path) -> None:
    _, said = run(Server(), source, "overwrite", keep=2)
    kept = said.index("SELECT * INTO [Orders_before_1_0] FROM [Orders]")
    assert said[kept - 2].startswith("SELECT TOP (1) 1 FROM [Orders] WITH")
    pruned = next(line for line in said if "ORDER BY kept_at DESC" in line)
    assert pruned.endswith("version DESC OFFSET 2 ROWS FETCH NEXT 1 ROWS ONLY")
    assert any("HASHBYTES('SHA2_256', j.doc)" in line for line in said)


def test_a_character_that_the_code_page_lacks_is_refused(source: Path) -> None:
    server = Server(**{"LEFT([Name]": [("Ωmega",)]})
    with pytest.raises(StepFailed, match=r"'Name' is varchar\(40\).*'Ωmega'.*nvarchar\(40\)"):
        run(server, source, "overwrite")
    assert not any("HOLDLOCK" in line for line in server.session.said)


def test_a_refused_row_is_found_and_named(source: Path) -> None:
    said = "String or binary data would be truncated in table 'STASH', column 'Name'."

    class Choosy(Server):
        def answer(self, statement: str, params: Any) -> list[Any]:
            if statement.startswith("INSERT INTO [dbo].[nomaflow_stash") and params[-1][0] == 2:
                raise mssql_python.DataError("String data, right truncated", said)
            return super().answer(statement, params)

    server = Choosy()
    with pytest.raises(StepFailed, match=r"'Name' does not fit: String or binary.*\(Id = 2\)"):
        run(server, source, "overwrite")
    assert "commit" not in server.session.said[-8:-2], "nothing of the batch stays"


def test_a_locked_table_is_waited_for() -> None:
    busy = mssql_python.OperationalError("Timeout", "Lock request time out period exceeded.")
    server = Server(HOLDLOCK=busy)
    connection, session = doubles(Connection, Cursor, server.answer)
    target = MssqlTarget(connection)
    with pytest.raises(TableLocked, match="time out period"):
        target.enter(Table(TableName("T", "dbo"), []), Way.MERGE, None)
    assert session.said[-1] == "rollback"


@pytest.mark.parametrize(
    ("mode", "answers", "match"),
    [
        ("upsert", {"identity_columns": [("Price",)]}, "'Price' of 'dbo.Orders' is an IDENTITY"),
        ("overwrite", {"foreign_keys": [(1,)], "FROM sys.indexes": []}, "no key to merge by"),
        ("overwrite", {"sys.columns AS c\nJOIN": [*COLUMNS[:3], XML]}, "'Seen' of.* is xml"),
        ("overwrite", {"FROM sys.schemas WHERE": []}, "There is no schema"),
    ],
)  # fmt: skip
def test_what_cannot_be_right_is_refused_before_a_row_moves(
    source: Path, mode: Any, answers: dict[str, Any], match: str
) -> None:
    server = Server(**answers)
    with pytest.raises(StepRefused, match=match):
        run(server, source, mode)
    assert server.session.written == []


@pytest.mark.parametrize(
    ("foreign", "native"),
    [
        (ColumnType(Kind.INTEGER, "smallint", 16), "smallint"),
        (ColumnType(Kind.DECIMAL, "numeric(15,2)", 15, 2), "decimal(15,2)"),
        (ColumnType(Kind.DECIMAL, "numeric"), "nvarchar(max)"),
        (ColumnType(Kind.FLOAT, "real", 32), "real"),
        (ColumnType(Kind.TEXT, "text"), "nvarchar(max)"),
        (ColumnType(Kind.TEXT, "char(3)", 3, padded=True), "nchar(3)"),
        (ColumnType(Kind.TIME, "time", 6), "time(6)"),
        (ColumnType(Kind.TIMESTAMP, "timestamp(9)", 9), "datetime2(7)"),
        (ColumnType(Kind.TIMESTAMP, "timestamptz", 6, zoned=True), "datetimeoffset(6)"),
        (ColumnType(Kind.UUID, "uuid"), "uniqueidentifier"),
        (ColumnType(Kind.NATIVE, "interval", readable=True), "nvarchar(max)"),
    ],
)
def test_every_foreign_type_has_a_carrier(foreign: ColumnType, native: str) -> None:
    carrier = TYPES.carrier(foreign)
    assert carrier is not None
    assert carrier.native == native
    assert column_type(native).native == native, "the catalogue spells it so, too"


@pytest.mark.parametrize(
    ("native", "given", "refusal"),
    [
        ("decimal(10,2)", "12.50", None),
        ("decimal(10,2)", "NaN", "no finite number"),
        ("float", float("inf"), "no finite number"),
        ("datetime", "2026-03-29 02:30:00.127", None),
        ("datetime", "2026-03-29 02:30:00", None),
        ("datetime", "2026-03-29 02:30:00.001", "between two ticks"),
        ("smalldatetime", "2026-03-29 02:30:00", None),
        ("smalldatetime", "2026-03-29 02:30:31", "has seconds"),
        ("datetime2(7)", "infinity", "years 1 to 9999"),
        ("date", "0044-03-15 BC", "years 1 to 9999"),
        ("binary(4)", b"\x00\x01\x02\x03", None),
        ("binary(4)", b"\x00", "does not fill"),
    ],
)
def test_what_sql_server_would_round_or_fill_up_is_refused(
    native: str, given: Any, refusal: str | None
) -> None:
    (encode,) = TYPES.encode(column_type(native))
    if refusal is None:
        assert encode([given, None])[1] is None
    else:
        with pytest.raises(BadValue, match=refusal):
            encode([given])
