"""Every event that the code logs is worded in the one table, with fields that it has."""

import ast
from collections.abc import Iterator
from string import Formatter

from tests.architecture.source import modules, name_of, tree

from nomaflow.log import WORDING

LEVELS = {"debug", "info", "warning", "error", "exception", "critical"}


def logged() -> Iterator[tuple[str, str, set[str]]]:
    """Place, event and field names of each call of a module's `log`."""
    for path in modules():
        for node in ast.walk(tree(path)):
            match node:
                case ast.Call(
                    func=ast.Attribute(value=ast.Name(id="log"), attr=level),
                    args=[ast.Constant(value=str(event))],
                    keywords=fields,
                ) if level in LEVELS:
                    yield name_of(path), event, {field.arg or "**" for field in fields}


def named_in(wording: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(wording) if name}


def test_every_event_is_worded() -> None:
    events = list(logged())

    assert len(events) > 10
    assert [(place, event) for place, event, _ in events if event not in WORDING] == []


def test_every_wording_is_used() -> None:
    assert set(WORDING) - {event for _, event, _ in logged()} == set()


def test_every_event_has_the_fields_of_its_wording() -> None:
    missing = [
        (place, event, absent)
        for place, event, fields in logged()
        if (absent := named_in(WORDING.get(event, "")) - fields)
    ]
    assert missing == []
