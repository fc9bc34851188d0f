import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import ValidationError
from tests.integration.copying.conftest import Desk, Place

from nomaflow.errors import StepRefused
from nomaflow.steps.sql_copy import STEP

Places = Callable[[str, str], tuple[Place, Place]]
SIDES = ["sqlite", "postgresql", "duckdb"]


def table(place: Place, *columns: str) -> None:
    place.run(f"CREATE TABLE t (id INTEGER PRIMARY KEY, {', '.join(columns or ['n TEXT'])})")


@pytest.mark.parametrize("kind", SIDES)
def test_a_table_is_not_copied_onto_itself(places: Places, desk: Desk, kind: str) -> None:
    here, _ = places(kind, kind)
    table(here)
    desk.urls["target"] = here.url
    with pytest.raises(StepRefused, match="the same table"):
        desk.copy("t")


def test_a_sqlite_file_is_known_by_another_path(places: Places, desk: Desk, tmp_path: Path) -> None:
    here, _ = places("sqlite", "sqlite")
    table(here)
    (tmp_path / "other.db").symlink_to(tmp_path / "source.db")
    desk.urls["target"] = f"sqlite:///{tmp_path}/other.db"
    with pytest.raises(StepRefused, match="the same table"):
        desk.copy("T")


def test_a_copy_of_a_sqlite_file_is_another_one(places: Places, desk: Desk, tmp_path: Path) -> None:
    here, _ = places("sqlite", "sqlite")
    table(here)
    shutil.copy(tmp_path / "source.db", tmp_path / "target.db")
    assert desk.copy("t")["source_rows"] == 0


def test_a_database_is_known_by_another_url(places: Places, desk: Desk) -> None:
    here, _ = places("postgresql", "postgresql")
    table(here)
    desk.urls["target"] = here.url.replace("127.0.0.1", "localhost")
    with pytest.raises(StepRefused, match="the same table"):
        desk.copy({"table": "t", "schema": "public"})


@pytest.mark.parametrize("kind", SIDES)
def test_a_missing_table_is_named(places: Places, desk: Desk, kind: str) -> None:
    places(kind, "sqlite")
    with pytest.raises(StepRefused, match="'source' has no table 'orders'"):
        desk.copy("orders")


@pytest.mark.parametrize("kind", SIDES)
def test_a_missing_schema_is_named(places: Places, desk: Desk, kind: str) -> None:
    here, _ = places("sqlite", kind)
    table(here)
    with pytest.raises(StepRefused, match="schema 'sales'"):
        desk.copy("t", schema="sales")


@pytest.mark.parametrize("target", SIDES)
def test_an_upsert_needs_a_key(places: Places, desk: Desk, target: str) -> None:
    here, there = places("sqlite", target)
    table(here)
    there.run("CREATE TABLE t (id INTEGER, n TEXT)")
    with pytest.raises(StepRefused, match="no primary key"):
        desk.copy("t", mode="upsert")
    with pytest.raises(StepRefused, match=r"No unique index .* 'id'"):
        desk.copy("t", mode="upsert", key=["id"])
    there.run("CREATE UNIQUE INDEX u ON t (id)")
    assert desk.copy("t", mode="upsert", key=["id"])["updated"] == 0


@pytest.mark.parametrize(
    ("theirs", "reason"),
    [
        (["m TEXT"], r"does not have column 'n'"),
        (["n TEXT", "m TEXT NOT NULL"], r"needs column 'm'"),
        (["n BYTEA"], r"column 'n': TEXT does not become bytea"),
    ],
)
def test_a_target_of_another_shape_is_refused(
    places: Places, desk: Desk, theirs: list[str], reason: str
) -> None:
    here, there = places("sqlite", "postgresql")
    table(here)
    table(there, *theirs)
    with pytest.raises(StepRefused, match=reason):
        desk.copy("t")


@pytest.mark.parametrize(
    ("declared", "target"),
    [("int4range", "sqlite"), ("int[]", "sqlite"), ("mood", "postgresql"), ("mail", "postgresql")],
)
def test_a_type_that_the_target_does_not_have_is_refused(
    places: Places, desk: Desk, declared: str, target: str
) -> None:
    here, _ = places("postgresql", target)
    here.run("CREATE TYPE mood AS ENUM ('sad', 'ok')", "CREATE DOMAIN mail AS text")
    table(here, f"n {declared}")
    with pytest.raises(StepRefused, match=r"column 'n' is "):
        desk.copy("t")


def test_a_declared_type_that_says_nothing_is_refused(places: Places, desk: Desk) -> None:
    here, there = places("sqlite", "postgresql")
    table(here, "n GEOMETRY")
    here.insert("t", [(1, "POINT(1 1)"), (2, 5)])
    with pytest.raises(StepRefused, match=r"column 'n' is GEOMETRY"):
        desk.copy("t")
    assert there.rows("SELECT to_regclass('t')") == [(None,)]


def test_a_zone_is_never_guessed(places: Places, desk: Desk) -> None:
    here, there = places("postgresql", "postgresql")
    table(here, "n timestamp")
    table(there, "n timestamptz")
    with pytest.raises(StepRefused, match="only one has a time zone"):
        desk.copy("t")


def test_a_view_is_no_target(places: Places, desk: Desk) -> None:
    here, there = places("sqlite", "postgresql")
    table(here)
    there.run("CREATE VIEW t AS SELECT 1 AS id, 'a' AS n")
    with pytest.raises(StepRefused, match="is a view"):
        desk.copy("t")


def test_columns_that_differ_in_case_alone_do_not_fit_sqlite(places: Places, desk: Desk) -> None:
    here, _ = places("postgresql", "sqlite")
    table(here, '"N" text', "n text")
    with pytest.raises(StepRefused, match="'n' is there twice"):
        desk.copy("t")


def test_a_parameter_without_a_value_is_named(places: Places, desk: Desk) -> None:
    here, _ = places("sqlite", "sqlite")
    table(here)
    with pytest.raises(StepRefused, match=":region without a value"):
        desk.copy("t", where="n = :region")


@pytest.mark.parametrize(
    "changes",
    [
        {"type_coercion": "sap"},
        {"decimal_mode": "truncate"},
        {"columns": {"a": {}}},
        {"columns": {"a": {"drop": True, "rename": "b"}}},
        {"columns": {"a": {"scale": 2, "julian": True}}},
        {"columns": {"a": {"scale": 2, "constant": 5}}},
        {"columns": {"a": {"rename": "c"}, "b": {"rename": "c"}}},
        {"columns": {"a": {"constant": "a\0b"}}},
        {"mode": "merge"},
        {"batch_size": 0},
        {"source": {"connector": "a"}},
        {"source": {"connector": "a", "table": "t", "query": "SELECT 1"}},
        {"source": {"connector": "a", "query": "SELECT 1"}, "where": "true"},
    ],
)
def test_what_is_not_built_is_refused_on_save(changes: dict[str, object]) -> None:
    settings = {
        "source": {"connector": "a", "table": "t"},
        "target": {"connector": "b", "table": "t"},
    }
    STEP.Spec.model_validate(settings)
    with pytest.raises(ValidationError):
        STEP.Spec.model_validate({**settings, **changes})
