"""Bind names are found where they are ones, and nowhere else."""

import pytest

from nomaflow.connectors.statement import parse
from nomaflow.errors import StepRefused


@pytest.mark.parametrize(
    ("sql", "names"),
    [
        ("SELECT 1", set()),
        ("SELECT :a, :b_2, :a", {"a", "b_2"}),
        ("SELECT :été", {"été"}),
        ("SELECT ':a', :b", {"b"}),
        ("SELECT 'it''s :a', :b", {"b"}),
        (r"SELECT E'it\'s :a', :b", {"b"}),
        (r"SELECT 'back\', :b, 'slash'", {"b"}),
        ('SELECT ":a" FROM "t "" :c" WHERE x = :b', {"b"}),
        ("SELECT `:a` FROM t WHERE x = :b", {"b"}),
        ("SELECT a::text, :b::int, '12:30'::time", {"b"}),
        ("SELECT @x := 1, :b", {"b"}),
        ("SELECT arr[1:n], :b", {"b"}),
        ("SELECT 1 -- :a\n, :b", {"b"}),
        ("SELECT 1 /* :a */, :b", {"b"}),
        ("SELECT 1 /* :a /* :c */ :d */, :b", {"b"}),
        ("SELECT $$ :a $$, :b", {"b"}),
        ("SELECT $tag$ :a $$ ' $tag$, :b", {"b"}),
        ("SELECT a$b, :b, c$d", {"b"}),
        ("SELECT :b;", {"b"}),
    ],
)
def test_bind_names_are_found_outside_of_quotes_comments_and_casts(
    sql: str, names: set[str]
) -> None:
    assert parse(sql).names == names


@pytest.mark.parametrize(
    "sql", ["SELECT 1;", "SELECT 1 ; ", "SELECT 1;;", "SELECT 1; -- done", "SELECT 1; /* done */"]
)
def test_a_semicolon_at_the_end_is_fine_and_dropped(sql: str) -> None:
    assert parse(sql).text == "SELECT 1"


@pytest.mark.parametrize(
    "sql", ["SELECT 1; SELECT 2", "SELECT ';'; DROP TABLE t", "SELECT 1; /* x */ SELECT 2 -- y"]
)
def test_a_second_statement_is_refused(sql: str) -> None:
    with pytest.raises(StepRefused, match="More than one SQL statement"):
        parse(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT ';', $$;$$ -- ;",
        "CREATE TRIGGER g AFTER INSERT ON t BEGIN DELETE FROM a; DELETE FROM b; END",
        "CREATE OR REPLACE PROCEDURE p() BEGIN SELECT 1; SELECT 2; END",
    ],
)
def test_semicolons_inside_of_one_statement_stay(sql: str) -> None:
    assert parse(sql).text == sql


@pytest.mark.parametrize("sql", ["", "  ", ";", "-- nothing", "/* nothing */ ;"])
def test_an_empty_statement_is_refused(sql: str) -> None:
    with pytest.raises(StepRefused, match="empty"):
        parse(sql)


def test_only_named_parameters_are_bound() -> None:
    assert parse("SELECT :a").bound({"a": 1, "b": 2}) == {"a": 1}


def test_names_without_a_value_are_refused_and_the_known_ones_listed() -> None:
    with pytest.raises(StepRefused, match=r":b, :c without a value. Known parameters: 'a', 'd'"):
        parse("SELECT :a, :c, :b").bound({"d": 1, "a": 2})


def test_binds_are_rendered_in_order_with_the_drivers_own_places() -> None:
    statement = parse("SELECT :b, '%' || :a, :b::int")
    names, text = statement.rendered(lambda n: f"${n}", lambda sql: sql.replace("%", "%%"))
    assert names == ("b", "a", "b")
    assert text == "SELECT $1, '%%' || $2, $3::int"
