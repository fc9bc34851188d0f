from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.integration.copying import jde
from tests.integration.copying.conftest import Desk, Place

from nomaflow.connectors.jde_dictionary import JdeDictionary
from nomaflow.errors import StepFailed, StepRefused

Places = Callable[[str, str], tuple[Place, Place]]
DIRECTIONS = [(a, b) for a in ("sqlite", "postgresql") for b in ("sqlite", "postgresql")]
DIRECTIONS += [("duckdb", "postgresql"), ("sqlite", "duckdb"), ("mariadb", "postgresql")]
DIRECTIONS += [("sqlite", "mariadb"), ("postgresql", "mariadb"), ("mariadb", "mariadb")]
TABLES = ("f0101", "f0911")
LANES = {
    ("postgresql", "postgresql"): "raw",
    ("postgresql", "sqlite"): "csv",
    ("postgresql", "mariadb"): "csv",
    ("sqlite", "postgresql"): "arrow",
    ("sqlite", "duckdb"): "arrow",
}


@pytest.fixture(params=DIRECTIONS)
def pair(request: pytest.FixtureRequest, places: Places, desk: Desk) -> tuple[Place, Place]:
    here, there = places(*request.param)
    jde.make(here)
    desk.dictionary = JdeDictionary()
    return here, there


def values(place: Place, query: str) -> list[tuple[Any, ...]]:
    """Numbers as decimals, days as ISO texts."""
    return [tuple(map(_plain, row)) for row in place.rows(query)]


def _plain(value: Any) -> Any:
    if isinstance(value, int | float):
        return Decimal(str(value))
    return str(value) if hasattr(value, "isoformat") else value


def test_addresses_arrive_with_dates_decimals_and_trimmed_texts(
    pair: tuple[Place, Place], desk: Desk
) -> None:
    _, there = pair
    for _ in range(2):
        output = desk.copy("F0101", "f0101", type_coercion="jde", strip_both_columns=["ABMCU"])
    query = "SELECT aban8, abalky, abalph, abmcu, abupmj, aburat, abxyz FROM f0101 ORDER BY aban8"
    assert values(there, query) == [
        (1, "KEY 1", "Ada Lovelace", "M30", "2026-11-22", Decimal("12345.67"), 42),
        (2, "", "  Bob", "1", None, Decimal("-0.01"), None),
        (3, None, "Zoë 'x' \\", None, None, None, 0),
        (8, "KEY 8", "End of days", "", "2024-12-31", 0, 1),
        (9, "KEY 9", "Leap day", "", "2000-02-29", Decimal("0.99"), 1),
    ]
    kinds = (pair[0].kind, there.kind)
    assert output["lane"] == LANES.get(kinds, "rows")
    assert output["left_alone"] == ["abxyz"]
    assert output["coercions"]["Julian date"] == ["abupmj"]
    assert output["coercions"]["2 decimals"] == ["aburat"]
    assert output["coercions"]["right-trimmed"] == ["abalky", "abalph"]
    assert output["coercions"]["stripped"] == ["abmcu"]


def test_the_ledger_keeps_its_key_of_five(pair: tuple[Place, Place], desk: Desk) -> None:
    _, there = pair
    for mode in ("overwrite", "upsert"):
        output = desk.copy("F0911", "f0911", type_coercion="jde", mode=mode)
    query = "SELECT glkco, gldct, gldoc, gldgj, gljeln, glaa, glu, glexa FROM f0911"
    assert sorted(values(there, query), key=str) == [
        ("00001", "JE", 10, "2026-01-01", 1, Decimal("9999999999999.99"), 1, "first"),
        ("00001", "JE", 10, "2026-01-01", Decimal("2.5"), Decimal("-0.01"), 0, ""),
        ("00010", "PV", 11, "1999-12-31", 1, 0, None, None),
    ]  # fmt: skip
    rates = values(there, "SELECT glcrr FROM f0911 WHERE glcrr IS NOT NULL")
    assert sorted(Decimal(rate) for (rate,) in rates) == [0, Decimal("1.1234567")]
    assert (output["inserted"], output["updated"]) == (0, 0)
    with pytest.raises(Exception, match=r"(?i)unique|duplicate"):
        there.run("INSERT INTO f0911 SELECT * FROM f0911")


def test_truncate_drops_decimals_toward_zero(pair: tuple[Place, Place], desk: Desk) -> None:
    _, there = pair
    desk.copy("F0101", "f0101", type_coercion="jde", decimal_mode="truncate")
    query = "SELECT aburat FROM f0101 ORDER BY aban8"
    assert values(there, query) == [(12345,), (0,), (None,), (0,), (0,)]


def test_every_lane_coerces_alike(pair: tuple[Place, Place], desk: Desk) -> None:
    here, there = pair
    note = "\u2003 both \u3000\t"
    here.run(f'UPDATE "F0101" SET "ABALPH" = \'{note}\' WHERE "ABAN8" = 2')
    for mode in ("preserve", "truncate"):
        found = []
        for lane in ("auto", "rows"):
            for table in TABLES:
                desk.copy(
                    table.upper(),
                    table,
                    lane=lane,
                    type_coercion="jde",
                    decimal_mode=mode,
                    strip_both_columns=["ABALPH"] if table == "f0101" else [],
                )
            found.append([sorted(map(repr, there.rows(f"SELECT * FROM {t}"))) for t in TABLES])
            there.run(*(f"DROP TABLE {table}" for table in TABLES))
        assert found[0] == found[1]


@pytest.mark.parametrize("julian", [124367, 999999, 99366, 366, -1])
def test_a_bad_date_is_named_with_its_key(
    pair: tuple[Place, Place], desk: Desk, julian: int
) -> None:
    here, there = pair
    desk.copy("F0101", "f0101", type_coercion="jde")
    before = values(there, "SELECT * FROM f0101 ORDER BY aban8")
    here.run(f'UPDATE "F0101" SET "ABUPMJ" = {julian}, "ABALPH" = \'new\' WHERE "ABAN8" = 3')
    with pytest.raises(StepFailed) as caught:
        desk.copy("F0101", "f0101", type_coercion="jde")
    assert f"Column 'abupmj' holds {julian}, which is no Julian date CYYDDD" in str(caught.value)
    assert "aban8 = " in str(caught.value)
    assert values(there, "SELECT * FROM f0101 ORDER BY aban8") == before


def test_an_empty_date_in_a_key_is_named(pair: tuple[Place, Place], desk: Desk) -> None:
    here, _ = pair
    here.run('UPDATE "F0911" SET "GLDGJ" = 0 WHERE "GLDOC" = 11')
    with pytest.raises(StepFailed, match="Column 'gldgj' is NULL, which the target does not allow"):
        desk.copy("F0911", "f0911", type_coercion="jde")


def test_the_step_overrides_the_dictionary(pair: tuple[Place, Place], desk: Desk) -> None:
    _, there = pair
    columns = {
        "ABXYZ": {"scale": 1},
        "ABURAT": {"scale": 0},
        "ABUPMJ": {"julian": False, "rename": "Updated"},
    }
    output = desk.copy("F0101", "f0101", type_coercion="jde", columns=columns)
    query = 'SELECT abxyz, aburat, "Updated" FROM f0101 WHERE aban8 = 1'
    assert values(there, query) == [(Decimal("4.2"), 1234567, 126326)]
    assert output["left_alone"] == []


def test_a_query_and_a_condition_are_coerced_too(pair: tuple[Place, Place], desk: Desk) -> None:
    here, there = pair
    mark = "`" if here.kind == "mariadb" else '"'
    where = '"ABUPMJ" > :since'.replace('"', mark)
    desk.copy("F0101", "a", type_coercion="jde", where=where, params={"since": 126000})
    query = 'SELECT "ABAN8", "ABUPMJ", "ABURAT" FROM "F0101" WHERE "ABAN8" = 1'
    desk.copy({"query": query.replace('"', mark)}, "q", type_coercion="jde")
    for table in ("a", "q"):
        assert values(there, f"SELECT abupmj, aburat FROM {table}") == [
            ("2026-11-22", Decimal("12345.67"))
        ]


def test_names_that_collide_in_lower_case_are_refused(places: Places, desk: Desk) -> None:
    here, _ = places("postgresql", "sqlite")
    here.run('CREATE TABLE t ("ABAN8" integer, "abAN8" integer)')
    desk.dictionary = JdeDictionary(csv="nowhere.csv")
    with pytest.raises(StepRefused, match=r"nowhere\.csv cannot be read: No such file"):
        desk.copy("t", type_coercion="jde")
    desk.dictionary = None
    with pytest.raises(StepRefused, match="would have the name 'aban8'"):
        desk.copy("t", type_coercion="jde")


def test_nul_bytes_are_dropped(places: Places, desk: Desk) -> None:
    here, there = places("sqlite", "postgresql")
    here.run("CREATE TABLE t (id INTEGER PRIMARY KEY, n TEXT)")
    here.insert("t", [(1, "a\0b\0 "), (2, "\0"), (3, None)])
    desk.copy("t", type_coercion="jde")
    assert there.rows("SELECT n FROM t ORDER BY id") == [("ab",), ("",), (None,)]


def test_the_dictionary_may_be_a_csv_file_with_columns_of_its_own(
    pair: tuple[Place, Place], desk: Desk, tmp_path: Path
) -> None:
    _, there = pair
    file = tmp_path / "dictionary.csv"
    file.write_text("name,kind,places\nURAT,N,3\nupmj,D,\n", encoding="utf-8")
    desk.dictionary = JdeDictionary(
        csv=str(file), item="name", type="kind", decimals="places",
        numeric_types=("N",), date_types=("D",),
    )  # fmt: skip
    desk.copy("F0101", "f0101", type_coercion="jde")
    query = "SELECT aburat, abupmj FROM f0101 WHERE aban8 = 1"
    assert values(there, query) == [(Decimal("1234.567"), "2026-11-22")]


def test_the_dictionary_may_stand_at_another_connector(places: Places, desk: Desk) -> None:
    here, there = places("postgresql", "sqlite")
    jde.make(here)
    there.run(jde.DICTIONARY.format(name="DD"))
    there.insert("DD", jde.ITEMS)
    here.run('DROP TABLE "F9210"')
    desk.dictionary = JdeDictionary(connector="target", table="dd")
    desk.copy("F0101", "f0101", type_coercion="jde")
    assert there.rows("SELECT aburat FROM f0101 WHERE aban8 = 1") == [(12345.67,)]


def test_a_dictionary_that_is_not_there_is_named(pair: tuple[Place, Place], desk: Desk) -> None:
    desk.dictionary = JdeDictionary(table="F9200")
    with pytest.raises(StepRefused, match="'source' has no table 'F9200' for the data dictionary"):
        desk.copy("F0101", type_coercion="jde")
    desk.dictionary = JdeDictionary(decimals="FRDEC")
    with pytest.raises(StepRefused, match="has no column FRDEC for the data dictionary"):
        desk.copy("F0101", type_coercion="jde")


def test_without_a_dictionary_numbers_are_left_alone_and_listed(
    pair: tuple[Place, Place], desk: Desk
) -> None:
    desk.dictionary = None
    output = desk.copy("F0101", type_coercion="jde")
    assert output["left_alone"] == ["aban8", "abupmj", "abupmt", "aburat", "abxyz"]
    assert any("no jde_dictionary" in line for line in desk.port.lines)
