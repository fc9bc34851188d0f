"""The tables that are copied: orders, 12 mixed columns; wide, 120 in the manner of JD Edwards."""

from dataclasses import dataclass, replace

_TYPES = {
    "postgresql": {
        "bigint": "bigint", "integer": "integer", "code": "varchar(20)", "date": "date",
        "timestamp": "timestamp", "timestamptz": "timestamptz", "amount": "numeric(15,2)",
        "smallint": "smallint", "double": "double precision", "boolean": "boolean",
        "text": "text", "uuid": "uuid",
    },
    "sqlite": {
        "bigint": "INTEGER", "integer": "INTEGER", "code": "VARCHAR(20)", "date": "DATE",
        "timestamp": "TIMESTAMP", "timestamptz": "TIMESTAMPTZ", "amount": "DECIMAL(15,2)",
        "smallint": "SMALLINT", "double": "REAL", "boolean": "BOOLEAN", "text": "TEXT",
        "uuid": "UUID",
    },
    "mysql": {
        "bigint": "BIGINT", "integer": "INT", "code": "VARCHAR(20)", "date": "DATE",
        "timestamp": "DATETIME(6)", "timestamptz": "TIMESTAMP(6) NULL", "amount": "DECIMAL(15,2)",
        "smallint": "SMALLINT", "double": "DOUBLE", "boolean": "BOOLEAN", "text": "TEXT",
        "uuid": "UUID",
    },
}  # fmt: skip
ORDERS = """
id {bigint} PRIMARY KEY, customer {integer}, code {code}, ordered {date}, created {timestamp},
changed {timestamptz}, amount {amount}, quantity {smallint}, weight {double}, paid {boolean},
note {text}, ident {uuid}
"""
FILL_ORDERS = """
INSERT INTO orders SELECT n, n % 10007, 'ORD-' || n, date '2020-01-01' + (n % 2000)::int,
  timestamp '2020-01-01' + (n % 99991) * interval '61.5 s',
  timestamptz '2020-01-01+00' + (n % 99991) * interval '1 min', (n % 1000003) / 100.0,
  (n % 30)::smallint, n * 1.37, n % 3 = 0,
  CASE WHEN n % 5 > 0 THEN 'a note of some length, number ' || n END,
  overlay(overlay(md5(n::text) PLACING '4' FROM 13) PLACING '8' FROM 17)::uuid
FROM generate_series(1, {rows}) AS n
"""
AS_TEXT = """
id, customer, code, ordered, created, to_char(changed AT TIME ZONE 'UTC',
'YYYY-MM-DD HH24:MI:SS') || '{offset}', amount, quantity, weight, paid::int, note, ident
"""
_TEXTS, _NUMBERS, _DATES = 60, 44, 15
_DESCRIBED = """
INSERT INTO f9210 SELECT '{letter}' || lpad(n::text, 3, '0'), '{type}', '2'
FROM generate_series(0, {last}) AS n
"""
_DICTIONARY = (
    "CREATE TABLE f9210 (frdtai varchar(10) PRIMARY KEY, frowtp varchar(2), frcdec varchar(1))",
    _DESCRIBED.format(letter="N", type="9", last=_NUMBERS - 1),
    _DESCRIBED.format(letter="D", type="11", last=_DATES - 1),
)


@dataclass(frozen=True)
class Subject:
    """A table: its definitions by kind of database, how PostgreSQL fills it, what it needs beside
    it, and the indexes that its copy has beside its key.
    """

    name: str
    columns: dict[str, str]
    fill: str
    indexes: tuple[str, ...]
    beside: tuple[str, ...] = ()

    def bare(self, kind: str) -> str:
        """Without a key where that can be added later."""
        columns = self.columns[kind]
        return columns.replace(" PRIMARY KEY", "") if kind == "postgresql" else columns

    def finish(self, kind: str, table: str) -> list[str]:
        """The statements that give a bare table its key and its indexes."""
        key = [f"ALTER TABLE {table} ADD PRIMARY KEY (id)"] if kind == "postgresql" else []
        return [*key, *self.index(table)]

    def index(self, table: str) -> list[str]:
        return [index.format(name=table, table=table) for index in self.indexes]


def orders(rows: int) -> Subject:
    indexes = ("CREATE INDEX {name}_customer ON {table} (customer)",
               "CREATE INDEX {name}_ordered ON {table} (ordered)")  # fmt: skip
    columns = {kind: ORDERS.format(**types) for kind, types in _TYPES.items()}
    return Subject("orders", columns, FILL_ORDERS.format(rows=rows), indexes)


def wide(rows: int) -> Subject:
    """60 texts, 44 amounts and 15 dates CYYDDD, as numbers."""
    texts = [f"wdt{n:03} char({5 + n % 20})" for n in range(_TEXTS)]
    numbers = [f"wdn{n:03} numeric(15,0)" for n in range(_NUMBERS)]
    dates = [f"wdd{n:03} numeric(6,0)" for n in range(_DATES)]
    values = [f"'v' || (n * {n} % 991)" for n in range(1, _TEXTS + 1)]
    values += [f"n * {n} % 99991" for n in range(1, _NUMBERS + 1)]
    values += [f"126001 + n * {n} % 365" for n in range(1, _DATES + 1)]
    return Subject(
        "wide",
        {"postgresql": f"id bigint PRIMARY KEY, {', '.join(texts + numbers + dates)}"},
        f"INSERT INTO wide SELECT n, {', '.join(values)} FROM generate_series(1, {rows}) AS n",  # noqa: S608 - numbers
        ("CREATE INDEX {name}_first ON {table} (wdn000)",),
    )


def with_dictionary(rows: int) -> Subject:
    """The wide table, and what its numbers mean."""
    return replace(wide(rows), beside=_DICTIONARY)
