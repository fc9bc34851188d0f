"""A syntax error costs the block where it stands."""

import tomllib

from nomaflow.catalogue.connectors_toml import BLOCKS as CONNECTOR_BLOCKS
from nomaflow.catalogue.jobs.jobs_toml import BLOCKS as JOB_BLOCKS
from nomaflow.catalogue.toml.isolate import isolated
from nomaflow.catalogue.toml.source import parse
from nomaflow.catalogue.toml.syntax import syntax_problem


def ids(text: str) -> list[str]:
    return [job["id"] for job in parse("jobs.toml", text, JOB_BLOCKS).values.get("jobs", [])]


def test_every_block_but_the_broken_one_is_read() -> None:
    text = '[[jobs]]\nid = "a"\n[[jobs]]\nid = "b\n[[jobs]]\nid = "c"\n'
    assert ids(text) == ["a", "c"]


def test_line_numbers_stay_when_a_block_is_blanked() -> None:
    text = '[[jobs]]\nid = "a\n[[jobs]]\nid = "b"\n'
    assert isolated(text, JOB_BLOCKS).text == '\n\n[[jobs]]\nid = "b"\n'


def test_the_line_of_the_error_counts_from_the_top_of_the_file() -> None:
    text = '[[jobs]]\nid = "a"\n[[jobs]]\n\nid = \n'
    ((_, problem),) = isolated(text, JOB_BLOCKS).broken
    assert (problem.line, problem.key) == (5, "id")


def test_a_header_inside_a_text_begins_no_block() -> None:
    text = '[[jobs]]\nid = "a"\nrunbook = """\n[[jobs]]\n"""\n[[jobs]]\nid = "b\n'
    source = parse("jobs.toml", text, JOB_BLOCKS)
    assert [job["id"] for job in source.values["jobs"]] == ["a"]
    assert [block.number for block, _ in source.broken] == [2]


def test_a_text_that_never_ends_swallows_no_other_job() -> None:
    text = '[[jobs]]\nid = "a"\nrunbook = """\nCall.\n[[jobs]]\nid = "b"\n[[jobs]]\nid = "c"\n'
    assert ids(text) == ["b", "c"]


def test_blocks_that_do_not_fit_together_lose_the_later_one() -> None:
    text = '[pools.a]\nurl = "x"\n[pools.b]\nurl = "y"\n[pools.a]\nurl = "z"\n'
    sound = isolated(text, CONNECTOR_BLOCKS)
    assert tomllib.loads(sound.text) == {"pools": {"a": {"url": "x"}, "b": {"url": "y"}}}


def test_what_stands_above_the_first_header_is_a_block_too() -> None:
    assert ids('oops\n[[jobs]]\nid = "a"\n') == ["a"]


def test_a_file_of_nothing_but_noise_gives_nothing_and_does_not_fail() -> None:
    source = parse("jobs.toml", "]]\n\x00\n[[jobs]\n[[jobs]]\n=\n[jobs]\n", JOB_BLOCKS)
    assert source.values == {}
    assert len(source.broken) == 4


def test_lists_nested_too_deeply_are_a_problem_of_their_block() -> None:
    deep = "[" * 100_000 + "]" * 100_000
    source = parse("jobs.toml", f'[[jobs]]\nid = {deep}\n[[jobs]]\nid = "b"\n', JOB_BLOCKS)
    assert [job["id"] for job in source.values["jobs"]] == ["b"]
    ((_, problem),) = source.broken
    assert "too deeply" in problem.message


def test_a_text_that_swallows_many_lines_is_named_where_it_begins() -> None:
    swallowed = "".join(f"key{n} = {n}\n" for n in range(50))
    problem = syntax_problem(f'first = 1\nrunbook = """\n{swallowed}')
    assert problem is not None
    assert (problem.line, problem.key) == (2, "runbook")
