"""The env file is read line by line, and its values are secrets."""

from pathlib import Path

import pytest

from nomaflow.catalogue.values.env_file import Variables, parse_env, read_env


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("KEY=plain", "plain"),
        ("KEY=", ""),
        ("  export KEY = spaced out  ", "spaced out"),
        ("KEY=a=b", "a=b"),
        ("KEY=with # a comment", "with"),
        ("KEY=pass#word", "pass#word"),
        ("KEY=it's", "it's"),
        ("KEY='single ${x} \\n'", "single ${x} \\n"),
        ('KEY="double \\"quoted\\" \\n"', 'double "quoted" \n'),
        ("KEY='quoted' # a comment", "quoted"),
        ('KEY="over\ntwo lines"', "over\ntwo lines"),
        ("KEY=é", "é"),
    ],
)
def test_a_line_gives_a_value(line: str, value: str) -> None:
    read = parse_env(f"# first\n\n{line}\nLAST=1\n")
    assert read.problems == ()
    assert read.values == {"KEY": value, "LAST": "1"}


@pytest.mark.parametrize("line", ["no equals", "1KEY=x", "=x", 'KEY="open', "KEY='a' b", "K-Y=1"])
def test_a_line_that_cannot_be_read_is_named_and_costs_itself_alone(line: str) -> None:
    read = parse_env(f"FIRST=1\n{line}\nLAST=1\n")
    assert [problem.line for problem in read.problems] == [2]
    assert read.values == {"FIRST": "1", "LAST": "1"}


def test_a_problem_does_not_show_the_line() -> None:
    (problem,) = parse_env("PASSWORD 'hunter2'\n").problems
    assert "hunter2" not in str(problem)


def test_the_last_of_two_lines_wins() -> None:
    assert parse_env("A=1\nA=2").values == {"A": "2"}


def test_a_missing_file_is_an_empty_one(tmp_path: Path) -> None:
    assert read_env(tmp_path / ".env").values == {}


def test_the_file_wins_over_the_process(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("A=file\n", encoding="utf-8")
    variables = Variables(file, {"A": "process", "B": "process"}, lambda _: None)
    assert (variables("A"), variables("B"), variables("C")) == ("file", "process", None)


def test_a_changed_file_counts_at_once(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    variables = Variables(file, {}, lambda _: None)
    assert variables("A") is None
    file.write_text("A=one\n", encoding="utf-8")
    assert variables("A") == "one"
    file.unlink()
    assert variables("A") is None


def test_every_value_of_the_file_and_every_value_asked_for_is_kept_secret(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("A=from-file\n", encoding="utf-8")
    secrets: set[str] = set()
    variables = Variables(file, {"B": "asked-for", "C": "never-asked"}, secrets.add)
    variables("B")
    assert secrets == {"from-file", "asked-for"}
