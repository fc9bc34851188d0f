"""Names say what a thing is; names that say nothing are refused."""

import ast
import re
from pathlib import Path

from tests.architecture.source import classes, modules, name_of, tree

VAGUE_FILES = {"utils", "util", "helpers", "helper", "common", "misc"}
VAGUE_CLASSES = re.compile(r"(Manager|Factory|Helper|Util|Utils|Mixin|Wrapper|Impl|V2)$")
PUBLIC_FACE = "nomaflow/__init__.py"
GENERATIONS = re.compile(r"(^|_)(v2|new|legacy|old)(_|$)")


def test_no_file_is_a_drawer_for_everything() -> None:
    assert [name_of(path) for path in modules() if path.stem in VAGUE_FILES] == []


def test_no_file_is_named_after_its_generation() -> None:
    assert [name_of(path) for path in modules() if GENERATIONS.search(path.stem)] == []


def test_no_class_is_named_after_a_pattern() -> None:
    assert [name for name, node in classes() if VAGUE_CLASSES.search(node.name)] == []


def test_every_module_says_in_one_line_what_it_is() -> None:
    assert [name_of(path) for path in modules() if not first_line(path)] == []
    assert [name_of(path) for path in modules() if len(first_line(path)) > 100] == []


def test_a_package_file_names_things_and_defines_none() -> None:
    packages = {name_of(path): tree(path).body for path in modules() if path.stem == "__init__"}
    del packages[PUBLIC_FACE]
    logic = {name for name, body in packages.items() if not all(map(is_naming, body))}
    assert logic == set()


def is_naming(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr | ast.Import | ast.ImportFrom | ast.Assign | ast.AnnAssign)


def first_line(path: Path) -> str:
    docstring = ast.get_docstring(tree(path)) or ""
    return docstring.partition("\n")[0]
