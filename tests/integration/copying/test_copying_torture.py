import json
from collections.abc import Callable
from typing import Any

import pytest
from tests.integration.copying import torture
from tests.integration.copying.conftest import Desk, Place

KINDS = ("sqlite", "postgresql", "mariadb")
DIRECTIONS = [(a, b) for a in KINDS for b in KINDS]
DIRECTIONS += [
    *((kind, "duckdb") for kind in (*KINDS, "duckdb")),
    *(("duckdb", kind) for kind in KINDS),
]
MODES = ["overwrite", "append", "upsert"]
Places = Callable[[str, str], tuple[Place, Place]]

both_ways = pytest.mark.parametrize(("source", "target"), DIRECTIONS)


def fill(place: Place, rows: list[dict[str, Any]]) -> None:
    definition, stored = torture.FORMS[place.kind]
    place.run(definition)
    place.insert('"Order Items ""x"""', [stored(row) for row in rows])


def found(place: Place) -> list[dict[str, Any]]:
    """The table as an independent reader sees it."""
    names = ", ".join('"' + name.replace('"', '""') + '"' for name in torture.NAMES)
    casts = names.replace('"doc"', '"doc"::text').replace('"docb"', '"docb"::text')
    listed = {"postgresql": casts, "duckdb": torture.as_duckdb_shows(names)}.get(place.kind, names)
    query = f'SELECT {listed} FROM "Order Items ""x""" ORDER BY "Id"'
    return [
        {name: torture.meant(name, value) for name, value in zip(torture.NAMES, row, strict=True)}
        for row in place.rows(query)
    ]


def expected(*kinds: str) -> list[dict[str, Any]]:
    return [
        {name: torture.meant(name, row.get(name)) for name in torture.NAMES}
        for row in torture.rows(*kinds)
    ]


@both_ways
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("lane", ["auto", "rows"])
def test_every_value_arrives_as_it_was(
    places: Places, desk: Desk, source: str, target: str, mode: str, lane: str
) -> None:
    here, there = places(source, target)
    fill(here, torture.rows(source, target))
    output = desk.copy(torture.TABLE, mode=mode, batch_size=16, lane=lane)
    assert found(there) == expected(source, target)
    assert found(here) == expected(source, target)
    assert output["source_rows"] == output["target_rows"] == len(torture.rows(source, target))
    assert desk.port.lines[-3] == "▶ batch 4 of 4 · 64 rows"


@both_ways
@pytest.mark.parametrize("mode", MODES)
def test_a_second_run_changes_nothing(
    places: Places, desk: Desk, source: str, target: str, mode: str
) -> None:
    here, there = places(source, target)
    fill(here, torture.rows(source, target))
    desk.copy(torture.TABLE, mode=mode)
    again = desk.copy(torture.TABLE, mode=mode)
    assert found(there) == expected(source, target)
    if mode == "upsert":
        assert (again["inserted"], again["updated"]) == (0, 0)


@both_ways
@pytest.mark.parametrize("mode", MODES)
def test_a_table_that_the_user_made_is_filled(
    places: Places, desk: Desk, source: str, target: str, mode: str
) -> None:
    here, there = places(source, target)
    fill(here, torture.rows(source, target))
    fill(
        there,
        torture.rows(source, target)[:0] if mode == "append" else torture.rows(source, target)[-3:],
    )
    output = desk.copy(torture.TABLE, mode=mode)
    assert found(there) == expected(source, target)
    if mode == "upsert":
        assert (output["inserted"], output["updated"]) == (len(torture.rows(source, target)) - 3, 0)


@both_ways
def test_a_round_trip_gives_the_same_table(
    places: Places, desk: Desk, source: str, target: str
) -> None:
    here, there = places(source, target)
    fill(here, torture.rows(source, target))
    desk.copy(torture.TABLE)
    desk.urls.update(source=there.url, target=here.url)
    desk.copy(torture.TABLE, mode="overwrite")
    assert found(here) == expected(source, target)


@both_ways
def test_the_first_run_makes_types_keys_and_not_null(
    places: Places, desk: Desk, source: str, target: str
) -> None:
    here, there = places(source, target)
    fill(here, torture.rows(source, target))
    desk.copy(torture.TABLE)
    with pytest.raises(Exception, match=r"(?i)unique|duplicate"):
        there.run('INSERT INTO "Order Items ""x""" ("Id", flag) VALUES (1, TRUE)')
    with pytest.raises(Exception, match=r"(?i)null|default value"):
        there.run('INSERT INTO "Order Items ""x""" ("Id") VALUES (1000)')
    with pytest.raises(Exception, match=r"(?i)unique|duplicate"):
        there.run(
            'INSERT INTO "Order Items ""x""" ("Id", flag, code, born)'
            " VALUES (1000, TRUE, '', '9999-12-31')"
        )


@both_ways
def test_a_table_of_200_columns_is_copied(
    places: Places, desk: Desk, source: str, target: str
) -> None:
    here, there = places(source, target)
    columns = ", ".join(f"c{n} integer" for n in range(200))
    here.run(f"CREATE TABLE wide (id integer PRIMARY KEY, {columns})")
    here.insert("wide", [(row, *range(row, row + 200)) for row in range(300)])
    for mode in MODES[::2]:
        desk.copy("wide", mode=mode)
        assert there.rows("SELECT * FROM wide ORDER BY id") == [
            (row, *range(row, row + 200)) for row in range(300)
        ]


def test_json_keeps_its_text(places: Places, desk: Desk) -> None:
    here, there = places("postgresql", "sqlite")
    document = '{"b": 1, "a": 1.50, "b": 2}'
    here.run("CREATE TABLE docs (id int PRIMARY KEY, doc json)")
    here.insert("docs", [(1, document), (2, json.dumps(None))])
    desk.copy("docs")
    assert there.rows("SELECT * FROM docs ORDER BY id") == [(1, document), (2, "null")]
