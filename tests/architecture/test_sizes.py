"""The size budget. A long function is an exception with a name, not a habit."""

import ast
from statistics import median, quantiles

from tests.architecture.source import Function, functions, modules, name_of

LONG_ON_PURPOSE: set[str] = set()


def length(node: Function) -> int:
    """Lines of a function without its docstring."""
    docstring = ast.get_docstring(node, clean=False) or ""
    return (node.end_lineno or 0) - node.lineno + 1 - len(docstring.splitlines())


def test_half_of_the_functions_are_at_most_8_lines_long() -> None:
    assert median(length(node) for _, node in functions()) <= 8


def test_19_of_20_functions_are_at_most_20_lines_long() -> None:
    assert quantiles([length(node) for _, node in functions()], n=20)[-1] <= 20


def test_no_function_is_longer_than_60_lines() -> None:
    assert {name for name, node in functions() if length(node) > 60} == LONG_ON_PURPOSE


def test_no_file_is_longer_than_450_lines() -> None:
    lines = {name_of(path): path.read_text(encoding="utf-8").count("\n") for path in modules()}
    assert {name: count for name, count in lines.items() if count > 450} == {}
