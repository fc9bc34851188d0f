"""Any mixture of pieces: exactly the binds are found, and the rest comes back untouched."""

import sqlite3
from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

from nomaflow.connectors.statement import parse
from nomaflow.errors import StepRefused

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=12)
NAMES = st.sampled_from(["a", "b", "region", "x_1", "été"])


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _identifier(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _comment(text: str) -> str:
    return (
        "/* " + text.replace("*/", "").replace("/*", "").replace("*", "").replace("/", "") + " */"
    )


def _line(text: str) -> str:
    return "-- " + text.replace("\n", " ") + "\n"


SILENT = st.one_of(
    TEXT.map(_literal),
    TEXT.map(_identifier),
    TEXT.map(_comment),
    TEXT.map(_line),
    TEXT.map(lambda text: "$q$" + text.replace("$", "") + "$q$"),
    st.sampled_from(
        ["a::text", "f(1, 2)", "'12:30'::time", "@x := 1", "arr[1:2]", "100 % 3", "<>"]
    ),
)
BIND = NAMES.map(lambda name: f":{name}")
PIECES = st.lists(st.tuples(st.booleans(), SILENT, BIND), min_size=1, max_size=12)


@given(PIECES)
def test_exactly_the_binds_are_found_in_order(pieces: list[tuple[bool, str, str]]) -> None:
    sql = "SELECT " + " ".join(bind if is_bind else silent for is_bind, silent, bind in pieces)
    wanted = [bind[1:] for is_bind, _, bind in pieces if is_bind]
    names, _ = parse(sql).rendered(lambda _: "?")
    assert list(names) == wanted


@given(PIECES)
def test_the_text_between_the_binds_is_untouched(pieces: list[tuple[bool, str, str]]) -> None:
    sql = "SELECT " + " ".join(bind if is_bind else silent for is_bind, silent, bind in pieces)
    statement = parse(sql)
    names, _ = statement.rendered(lambda _: "?")
    again = iter(names)
    assert statement.rendered(lambda _: f":{next(again)}")[1] == sql.rstrip()


@given(st.lists(st.one_of(TEXT.map(_literal), BIND), min_size=1, max_size=8), TEXT)
def test_a_database_gets_literals_and_values_as_they_were(pieces: list[str], value: str) -> None:
    statement = parse("SELECT " + ", ".join(pieces))
    names, text = statement.rendered(lambda _: "?")
    row = sqlite3.connect(":memory:").execute(text, [value for _ in names]).fetchone()
    wanted = [
        value if piece.startswith(":") else piece[1:-1].replace("''", "'") for piece in pieces
    ]
    assert list(row) == wanted


@given(TEXT)
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(StepRefused):
        assert parse(text).text in text
