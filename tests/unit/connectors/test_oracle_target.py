"""Copies into Oracle without a server: what is said, in which order, and with which values."""

import re
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import oracledb
import pytest
import sqlglot
from tests.unit.connectors.recorded import Session, copied_into, doubles, order_of

from nomaflow.connectors.copies import TableLocked, Way
from nomaflow.connectors.dialects.oracle.catalogue import home
from nomaflow.connectors.dialects.oracle.comparing import stamp_of
from nomaflow.connectors.dialects.oracle.creating import declared_type
from nomaflow.connectors.dialects.oracle.dialect import DIALECT
from nomaflow.connectors.dialects.oracle.target import OracleTarget
from nomaflow.connectors.dialects.oracle.types import TYPES, column_type
from nomaflow.connectors.tables import Column, ColumnType, Kind, Table, TableName
from nomaflow.connectors.values import BadValue
from nomaflow.errors import StepFailed, StepRefused

STASH = re.compile(r"NOMAFLOW_STASH_[0-9A-F]{13}")
COLUMNS = [
    ("ID", "NUMBER", 22, 0, 10, 0, "N", "NO", None),
    ("NAME", "VARCHAR2", 160, 40, None, None, "Y", "NO", None),
    ("NOTE", "CLOB", 4000, 0, None, None, "Y", "NO", None),
    ("SEEN", "TIMESTAMP(6)", 11, 0, None, 6, "Y", "NO", None),
]
ADMINISTRATION = ("ALTER SESSION", "BEGIN :1", "DECLARE", "direct", "LOCK", "commit", "rollback")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    file = tmp_path / "s.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(
            "CREATE TABLE t (id INTEGER PRIMARY KEY, name VARCHAR(40), note TEXT, seen TIMESTAMP)"
        )
        connection.execute("INSERT INTO t VALUES (1, 'Ada', 'first', '2026-03-29 02:30:00')")
        connection.execute("INSERT INTO t VALUES (2, '', NULL, '2026-03-29 02:30:00.5')")
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
                return list(rows)
        if "count(*) FROM" in statement:
            known = "WHERE EXISTS" in statement or "DISTINCT" in statement
            return [(0 if known and "DISTINCT" not in statement else len(self.session.written),)]
        if "all_objects" in statement:
            is_there = params[2] == "ORDERS" and self.columns
            return [("ERP", "ORDERS", "TABLE")] if is_there else []
        found = {
            "all_users": [("ERP",)],
            "all_tab_cols": self.columns,
            "all_constraints k\nJOIN": [("P", "ORDERS_PK", "ID")],
            "all_constraints f": [(0,)],
            "DB_UNIQUE_NAME": [("ORCL", "ERP")],
        }
        return next((rows for part, rows in found.items() if part in statement), [])


def run(server: Server, source: Path, mode: Any, **more: Any) -> tuple[Any, list[str]]:
    """The step's output, and what was said since the stash was made, in short."""
    connection, server.session = doubles(oracledb.Connection, oracledb.Cursor, server.answer)
    output = copied_into(DIALECT, connection, source, order_of(mode, "orders", **more))
    said = [" ".join(line.split()) for line in server.session.said]
    begin = next(n for n, line in enumerate(said) if line.startswith("CREATE TABLE"))
    short = [STASH.sub("STASH", line).replace('"ERP".', "") for line in said[begin:]]
    for line in short:
        parse(line)
    return output, [line for line in short if "all_" not in line and "USERENV" not in line]


def parse(line: str) -> None:
    """A second opinion: another program's grammar of Oracle."""
    if not line.startswith(ADMINISTRATION):
        sqlglot.parse_one(re.sub(r":\d+", "?", line), dialect="oracle")


def test_a_first_copy_makes_the_table_that_sql_without_quotes_would_make(source: Path) -> None:
    output, said = run(Server(columns=[]), source, "overwrite")
    assert (output["way"], output["source_rows"], output["target_rows"]) == ("create", 2, 2)
    assert said[0] == (
        'CREATE TABLE "STASH" ("ID" NUMBER(19,0) NOT NULL, "NAME" VARCHAR2(40 CHAR), "NOTE" CLOB,'
        ' "SEEN" TIMESTAMP(6))'
    )
    assert said[-4:-1] == [
        'ALTER TABLE "STASH" ADD PRIMARY KEY ("ID")',
        "commit",
        'ALTER TABLE "STASH" RENAME TO "ORDERS"',
    ]


def test_rows_go_as_arrays_with_long_values_last_and_an_empty_text_is_told(source: Path) -> None:
    server = Server()
    output, said = run(server, source, "overwrite")
    assert said[1] == (
        'INSERT INTO "STASH" ("ID", "NAME", "SEEN", "NOTE") VALUES (:1, :2,'
        " TO_TIMESTAMP(:3, 'YYYY-MM-DD HH24:MI:SS.FF9'), :4)"
    )
    assert server.session.written == [
        (Decimal(1), "Ada", "2026-03-29 02:30:00.0", "first"),
        (Decimal(2), None, "2026-03-29 02:30:00.500000", None),
    ]
    assert server.session.sizes == [
        oracledb.DB_TYPE_NUMBER,
        oracledb.DB_TYPE_VARCHAR,
        oracledb.DB_TYPE_VARCHAR,
        oracledb.DB_TYPE_LONG,
    ]
    assert output["became_null"] == {"NAME": 1}


def test_record_batches_take_the_direct_path_and_an_empty_text_is_told(source: Path) -> None:
    server = Server(columns=[])
    output, said = run(server, source, "overwrite")
    assert (output["lane"], output["became_null"]) == ("arrow", {"NAME": 1})
    direct = "'table_name': 'STASH', 'column_names': ['ID', 'NAME', 'NOTE', 'SEEN']"
    assert said[1] == f"direct {{'schema_name': 'ERP', {direct}}}"
    assert [str(value) for value in server.session.written[1]] == [
        *("2", "None", "None"),
        "2026-03-29 02:30:00.500000",
    ]


def test_an_overwrite_merges_in_one_transaction_and_compares_long_values(source: Path) -> None:
    output, said = run(Server(), source, "overwrite")
    assert output["way"] == "merge"
    lock = said.index('LOCK TABLE "ORDERS" IN SHARE ROW EXCLUSIVE MODE NOWAIT')
    change = [line for line in said[lock + 1 :] if not line.startswith("SELECT")]
    assert change[0] == (
        'DELETE FROM "ORDERS" t WHERE NOT EXISTS (SELECT 1 FROM "STASH" s WHERE t."ID" = s."ID")'
    )
    assert change[1] == (
        'MERGE INTO "ORDERS" t USING "STASH" s ON (t."ID" = s."ID") WHEN MATCHED THEN UPDATE SET'
        ' t."NAME" = s."NAME", t."NOTE" = s."NOTE", t."SEEN" = s."SEEN" WHERE'
        ' DECODE(t."NAME", s."NAME", 0, 1) = 1 OR (t."NOTE" IS NULL AND s."NOTE" IS NOT NULL OR'
        ' t."NOTE" IS NOT NULL AND s."NOTE" IS NULL OR DBMS_LOB.COMPARE(t."NOTE", s."NOTE") <> 0)'
        ' OR DECODE(t."SEEN", s."SEEN", 0, 1) = 1 WHEN NOT MATCHED THEN INSERT'
        ' ("ID", "NAME", "NOTE", "SEEN") VALUES (s."ID", s."NAME", s."NOTE", s."SEEN")'
    )
    assert change[2:] == ["commit", "rollback", 'DROP TABLE "STASH" PURGE']


def test_an_append_and_its_receipt_are_one_transaction(source: Path) -> None:
    output, said = run(Server(), source, "append")
    assert output["way"] == "insert"
    insert = next(n for n, line in enumerate(said) if line.startswith('INSERT INTO "ORDERS"'))
    assert "EXECUTE IMMEDIATE 'CREATE TABLE" in said[insert + 1]
    assert "VARCHAR2(255 CHAR)" in said[insert + 1], "in a transaction apart"
    first_words = [line.split()[0] for line in said[insert + 2 : insert + 6]]
    assert first_words == ["DELETE", "INSERT", "DELETE", "commit"]


def test_a_kept_version_is_filled_in_the_transaction_and_named_after_it(source: Path) -> None:
    _, said = run(Server(), source, "overwrite", keep=2)
    old = next(line for line in said if line.startswith("CREATE TABLE") and "NOMAFLOW_OLD" in line)
    assert old.endswith('AS SELECT * FROM "ORDERS" WHERE 1 = 0')
    filled = next(n for n, line in enumerate(said) if 'INSERT INTO "NOMAFLOW_OLD' in line)
    assert said[filled - 1].startswith("LOCK TABLE")
    committed = said.index("commit", filled)
    assert re.fullmatch(
        r'ALTER TABLE "NOMAFLOW_OLD_\w+" RENAME TO "ORDERS_before_1_0"', said[committed + 1]
    )


def test_a_refused_row_is_named_by_column_and_key(source: Path) -> None:
    message = 'ORA-12899: value too large for column "ERP"."STASH"."NAME" (actual: 41, maximum: 40)'
    refusal = SimpleNamespace(offset=1, message=f"{message}\nHelp: https://example.com")
    server = Server(**{"INSERT INTO": [refusal]})
    with pytest.raises(StepFailed, match=r"'NAME' does not fit: ORA-12899.*40\) \(ID = 2\)"):
        run(server, source, "overwrite")
    assert server.session.said[-1].startswith("DROP TABLE")
    assert not any(line.startswith(("LOCK", "MERGE")) for line in server.session.said)


def test_a_locked_table_is_waited_for() -> None:
    code = oracledb.DatabaseError(SimpleNamespace(message="ORA-00054: busy", full_code="ORA-00054"))
    tries: list[str] = []

    def busy(statement: str, _: Any) -> list[Any]:
        if statement.startswith("LOCK"):
            tries.append(statement)
            raise code
        return []

    connection, _ = doubles(oracledb.Connection, oracledb.Cursor, busy)
    target, table = OracleTarget(connection), Table(TableName("T", "ERP"), [])
    with pytest.raises(TableLocked, match="ORA-00054"):
        target.enter(table, Way.MERGE, None)
    assert len(tries) == 1


def test_the_right_to_lock_is_asked_for_by_name() -> None:
    missing = SimpleNamespace(message="ORA-06550: PLS-00201", full_code="ORA-06550")

    def refuse(statement: str, _: Any) -> list[Any]:
        if "DBMS_LOCK" in statement:
            raise oracledb.DatabaseError(missing)
        return []

    connection, _ = doubles(oracledb.Connection, oracledb.Cursor, refuse)
    with pytest.raises(StepRefused, match=r"GRANT EXECUTE ON SYS\.DBMS_LOCK"):
        OracleTarget(connection).begin(TableName("T", "ERP"))


@pytest.mark.parametrize(
    ("answers", "match"),
    [
        ({"ALWAYS": [("ID",)]}, "GENERATED ALWAYS AS IDENTITY.*GENERATED BY DEFAULT"),
        ({"all_tab_cols": [*COLUMNS[:3], ("SEEN", "INTERVAL DAY(2) TO SECOND(6)", *[None] * 4, "Y",
                                          "NO", None)]}, "TIMESTAMP does not become INTERVAL"),
        ({"all_tab_cols": [*COLUMNS[:2], ("NOTE", "LONG", *[None] * 4, "Y", "NO", None),
                           COLUMNS[3]]}, "'NOTE' of the target is LONG"),
        ({"all_constraints f": [(1,)], "all_constraints k\nJOIN": []}, "no key that the source"),
    ],
)  # fmt: skip
def test_what_cannot_be_right_is_refused_before_a_row_moves(
    source: Path, answers: dict[str, Any], match: str
) -> None:
    server = Server(**answers)
    with pytest.raises(StepRefused, match=match):
        run(server, source, "overwrite")
    assert server.session.written == []


@pytest.mark.parametrize(
    ("foreign", "native"),
    [
        (ColumnType(Kind.INTEGER, "integer", 32), "NUMBER(10,0)"),
        (ColumnType(Kind.DECIMAL, "numeric(15,2)", 15, 2), "NUMBER(15,2)"),
        (ColumnType(Kind.DECIMAL, "numeric"), "NUMBER"),
        (ColumnType(Kind.FLOAT, "real", 32), "BINARY_FLOAT"),
        (ColumnType(Kind.TEXT, "text"), "CLOB"),
        (ColumnType(Kind.TEXT, "char(3)", 3, padded=True), "CHAR(3)"),
        (ColumnType(Kind.TIMESTAMP, "timestamptz", 6, zoned=True), "TIMESTAMP(6) WITH TIME ZONE"),
        (ColumnType(Kind.DATE, "date"), "DATE"),
        (ColumnType(Kind.UUID, "uuid"), "VARCHAR2(36)"),
        (ColumnType(Kind.NATIVE, "interval", readable=True), "CLOB"),
    ],
)
def test_every_foreign_type_has_a_carrier(foreign: ColumnType, native: str) -> None:
    carrier = TYPES.carrier(foreign)
    assert carrier is not None
    assert carrier.native == native
    if foreign.kind is Kind.TIMESTAMP:
        assert carrier == column_type(native), "its digits decide how it is written"


@pytest.mark.parametrize(
    ("native", "given", "bound"),
    [
        ("NUMBER(10,2)", "12.50", Decimal("12.50")),
        ("NUMBER", "1" + "0" * 60, Decimal("1" + "0" * 60)),
        ("NUMBER", "1" * 39, "38 digits"),
        ("NUMBER", "NaN", "no finite number"),
        ("NUMBER", "1e-200", "38 digits"),
        ("FLOAT(24)", "0.12345678", "7 digits"),
        ("DATE", "2026-03-29 02:30:00", "2026-03-29 02:30:00"),
        ("DATE", "infinity", "years 1 to 9999"),
        ("TIMESTAMP(9)", "2026-03-29 02:30:00", "2026-03-29 02:30:00.0"),
        ("TIMESTAMP(6) WITH TIME ZONE", "2026-03-29 02:30:00+00", "2026-03-29 02:30:00.0+00"),
        ("TIMESTAMP(6)", "0044-03-15 10:00:00 BC", "years 1 to 9999"),
        ("VARCHAR2", "", None),
    ],
)
def test_a_value_is_bound_exactly_or_refused(native: str, given: str, bound: object) -> None:
    (encode,) = TYPES.encode(_typed(native))
    if isinstance(bound, str) and bound != given and not bound.startswith(given[:10]):
        with pytest.raises(BadValue, match=bound):
            encode([given])
    else:
        assert list(encode([given])) == [bound]


def _typed(native: str) -> ColumnType:
    name, _, size = native.partition("(")
    if name == "NUMBER" and size:
        return column_type("NUMBER", None, 10, 2)
    return column_type(name, None, int(size[:-1])) if name == "FLOAT" else column_type(native)


@pytest.mark.parametrize(
    ("words", "described", "native"),
    [
        ("timestamp(3) with  time zone", "DB_TYPE_TIMESTAMP_TZ", "TIMESTAMP(3) WITH TIME ZONE"),
        ("timestamp", "DB_TYPE_TIMESTAMP", "TIMESTAMP(6)"),
        ("date", "DB_TYPE_DATE", "DATE"),
        ("clob", None, "CLOB"),
        ("blub", None, None),
    ],
)
def test_a_type_is_declared_in_oracles_words(
    words: str, described: str | None, native: str | None
) -> None:
    class Described:
        """A cursor after the server has described one column."""

        description: Sequence[Any] = ()

        def __enter__(self) -> "Described":
            return self

        def __exit__(self, *_: object) -> None: ...

        def execute(self, *_: Any) -> None:
            if described is None:
                raise oracledb.DatabaseError(SimpleNamespace(message="ORA-00902", full_code=""))
            self.description = [("C", getattr(oracledb, described), 7, 7, None, None, True)]

    connection = SimpleNamespace(cursor=Described)
    if native is None:
        with pytest.raises(StepRefused, match="no type 'blub'"):
            declared_type(connection, words)
    else:
        assert declared_type(connection, words).native == native


def test_a_stamp_hashes_a_row_as_a_whole_and_knows_of_long_values() -> None:
    plain = Table(TableName("T"), [Column("A", column_type("NUMBER")), Column("B", _typed("DATE"))])
    query = stamp_of(plain, '"T"')
    assert query is not None
    sqlglot.parse_one(query, dialect="oracle")
    assert query.count("ORA_HASH") == 3
    assert stamp_of(Table(TableName("T"), [Column("A", column_type("CLOB"))]), '"T"') is None


def test_a_name_that_is_there_is_taken_as_it_is() -> None:
    def answers(statement: str, params: Any) -> list[Any]:
        if "all_users" in statement:
            return [("ERP",)]
        return [("ERP", "orders", "TABLE")] if "all_objects" in statement else [("O", "C")][:0]

    connection, _ = doubles(oracledb.Connection, oracledb.Cursor, _with_database(answers))
    assert home(connection, TableName("orders")) == TableName("orders", "ERP")
    with pytest.raises(StepRefused, match="no schema 'NO'"):
        home(doubles(oracledb.Connection, oracledb.Cursor, lambda *_: [])[0], TableName("t", "NO"))


def _with_database(answers: Callable[[str, Any], list[Any]]) -> Callable[[str, Any], list[Any]]:
    return lambda statement, params: (
        [("ORCL", "ERP")] if "DB_UNIQUE_NAME" in statement else answers(statement, params)
    )
