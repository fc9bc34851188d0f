"""Each key and item of a TOML text has its line."""

import pytest

from nomaflow.catalogue.toml.positions import KeyPath, Positions

TEXT = """\
# a comment
top = 1
a."b c".d = 2
list = [
  # a comment between
  { x = 1 },
  "two",
]

[[jobs]]
id = "first"
retry = { attempts = 3, wait.base = 2 }
[jobs.params]
region = "EU"
[[jobs.steps]]
name = "é"
[[jobs.steps]]
name = "second"
[[jobs]]
id = "next"
[[jobs.steps]]
name = "third"
[pools."dotted.name"]
url = 'x'
"""


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("top",), 2),
        (("a", "b c", "d"), 3),
        (("list",), 4),
        (("list", 0, "x"), 6),
        (("list", 1), 7),
        (("jobs", 0), 10),
        (("jobs", 0, "retry", "attempts"), 12),
        (("jobs", 0, "retry", "wait", "base"), 12),
        (("jobs", 0, "params", "region"), 14),
        (("jobs", 0, "steps", 0, "name"), 16),
        (("jobs", 0, "steps", 1, "name"), 18),
        (("jobs", 1), 19),
        (("jobs", 1, "steps", 0, "name"), 22),
        (("pools", "dotted.name", "url"), 24),
        (("jobs", 2), None),
        (("jobs", 0, "id", "deeper"), None),
    ],
)
def test_a_path_leads_to_its_line(path: KeyPath, line: int | None) -> None:
    assert Positions(TEXT).line(path) == line


def test_a_missing_key_counts_as_the_table_that_should_hold_it() -> None:
    assert Positions(TEXT).nearest(("jobs", 0, "steps", 1, "type")) == 17


def test_what_is_nowhere_counts_as_the_first_line() -> None:
    assert Positions(TEXT).nearest(("nowhere",)) == 1
