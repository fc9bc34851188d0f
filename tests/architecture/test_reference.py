"""The reference pages say what the code says."""

from tools.reference import outdated


def test_the_reference_is_made_from_the_present_code() -> None:
    assert outdated() == [], "run .venv/bin/python tools/reference.py"
