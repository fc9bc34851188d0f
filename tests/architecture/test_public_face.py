"""What others import: it exists, it is listed, and the old import path adds nothing."""

import ast
from importlib import import_module

from tests.architecture.source import SRC, modules, name_of, tree

import nomaflow


def test_every_public_name_can_be_imported() -> None:
    missing = [name for name in getattr(nomaflow, "__all__", ()) if not hasattr(nomaflow, name)]
    assert missing == []


def test_the_version_has_three_numbers() -> None:
    assert len([int(number) for number in nomaflow.__version__.split(".")]) == 3


def test_plugins_find_the_step_context_under_its_documented_path() -> None:
    from nomaflow.steps.context import StepContext

    assert import_module("liberty.jobs.types").StepContext is StepContext


def test_the_documented_import_path_defines_nothing_itself() -> None:
    defined = [
        name_of(path)
        for path in modules()
        if path.is_relative_to(SRC / "liberty")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    assert defined == []
