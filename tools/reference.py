"""Writes docs/reference/ from the code: `reference.py`, or `reference.py --check` in the tests."""

import json
import re
import sys
from collections.abc import AsyncIterator, Container, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, get_args, get_origin

import typer
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from nomaflow.api.http import http_app
from nomaflow.cli.main import cli
from nomaflow.config import Settings
from nomaflow.connectors.base import PoolDefinition
from nomaflow.connectors.registry import ConnectorTypes
from nomaflow.domain.job import Job, RetryPolicy, StepDefinition
from nomaflow.domain.parameters import Parameter
from nomaflow.domain.states import RUN_MOVES, STEP_MOVES
from nomaflow.steps.base import StepType
from nomaflow.steps.registry import StepTypes

_NULL = {"type": "null"}
_WORDS = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "object": "table",
}
_TOLD_APART = (RetryPolicy, Parameter)
FOLDER = Path(__file__).resolve().parent.parent / "docs" / "reference"
MADE = "<!-- Made from the code by tools/reference.py: change the code, then run it. -->\n"


def pages() -> dict[str, str]:
    """The text of each page by its file name."""
    return {
        "jobs.md": _page("Jobs: jobs.toml", _jobs()),
        "steps.md": _page("Step types", _steps()),
        **{
            f"steps/{name}.md": _page(f"`{name}`: {step_type.title}", _step(step_type))
            for name, step_type in StepTypes.discover().items()
        },
        "connectors.md": _page("Pools and connectors: connectors.toml", _connectors()),
        "settings.md": _page("Settings: app.toml", _settings()),
        "states.md": _page("States", _states()),
        "cli.md": _page("The command nomaflow", _commands()),
        "api.md": _page("The HTTP API", _routes()),
    }


def outdated() -> list[str]:
    """The pages that do not say what the code says."""
    return [name for name, text in pages().items() if _stored(name) != text]


def _stored(name: str) -> str:
    page = FOLDER / name
    return page.read_text(encoding="utf-8") if page.is_file() else ""


def _page(title: str, parts: Iterator[str]) -> str:
    return "\n".join([MADE, f"# {title}\n", *parts])


def _jobs() -> Iterator[str]:
    yield "One `[[jobs]]` block for each job, one `[[jobs.steps]]` block for each of its steps.\n"
    yield from _model("[[jobs]]", Job)
    yield from _model("[[jobs.steps]]", StepDefinition, without={"settings"})
    yield "Further fields: see [Step types](steps.md).\n"
    yield from _model("retry", RetryPolicy)
    yield from _model("[jobs.params_schema.NAME]", Parameter)


def _steps() -> Iterator[str]:
    yield "| Type | What it does |\n| --- | --- |"
    for name, step_type in StepTypes.discover().items():
        purpose = " ".join(_text(type(step_type)).partition("\n\n")[0].split())
        yield f"| [`{name}`](steps/{name}.md) | {purpose} |"
    yield ""
    yield from _model("Fields that every step has", StepDefinition, without={"settings"})
    yield "`retry`: see [Jobs](jobs.md).\n"


def _step(step_type: StepType[Any]) -> Iterator[str]:
    """Purpose, fields, and what else the docstring has: Output, Errors, an Example."""
    purpose, *sections = _sections(_text(type(step_type)))
    yield f"{purpose[1]}\n"
    yield "## Fields\n"
    yield "Beside [those that every step has](../steps.md).\n"
    yield from _table(step_type.Spec)
    for title, text in sections:
        yield f"## {title}\n"
        yield f"```toml\n{text}\n```\n" if title == "Example" else f"{text}\n"


def _sections(docstring: str) -> list[tuple[str, str]]:
    """The parts of a step type's docstring by their titles; the first one has none."""
    parts = re.split(r"^(Output|Errors|Example):\s+", docstring, flags=re.MULTILINE)
    texts = [part.strip() for part in parts[0::2]]
    capital = [text[:1].upper() + text[1:] for text in texts]
    return list(zip(["", *parts[1::2]], capital, strict=True))


def _connectors() -> Iterator[str]:
    yield from _model("[pools.NAME]", PoolDefinition)
    for name, connector_type in ConnectorTypes.discover().items():
        yield f'## [connectors.NAME] with type = "{name}"\n'
        yield f"{_text(connector_type.Definition)}\n"
        yield from _table(connector_type.Definition)


def _settings() -> Iterator[str]:
    for name, field in Settings.model_fields.items():
        section = field.annotation
        if isinstance(section, type) and issubclass(section, BaseModel):
            yield f"## [{name}]\n"
            yield f"{field.description}\n"
            yield from _table(section)
        else:
            yield f"## [{name}]\n"
            yield f"{field.description}\n"
            yield from _named_tables(name, section)


def _named_tables(name: str, section: Any) -> Iterator[str]:
    """The tables of a section that holds one block for each name."""
    for model in get_args(section):
        if isinstance(model, type) and issubclass(model, BaseModel):
            yield f"### [{name}.NAME]\n"
            yield from _table(model)


def _states() -> Iterator[str]:
    for title, moves in (("Runs", RUN_MOVES), ("Steps", STEP_MOVES)):
        yield f"## {title}\n\n| State | may become |\n| --- | --- |"
        for state, after in moves.items():
            names = ", ".join(sorted(f"`{one.value}`" for one in after)) or "final"
            yield f"| `{state.value}` | {names} |"
        yield ""


def _commands() -> Iterator[str]:
    yield from _command(typer.main.get_command(cli), "nomaflow")


def _command(command: Any, name: str) -> Iterator[str]:
    if hasattr(command, "list_commands"):
        context = typer.Context(command)
        for word in command.list_commands(context):
            yield from _command(command.get_command(context, word), f"{name} {word}")
        return
    yield f"## `{name}`\n\n{(command.help or '').strip()}\n"
    yield "| Argument or option | Meaning |\n| --- | --- |"
    for parameter in command.params:
        yield f"| {_usage(parameter)} | {getattr(parameter, 'help', None) or ''} |"
    yield ""


def _usage(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return f"`{parameter.metavar or parameter.name.upper()}`"
    return ", ".join(f"`{option}`" for option in parameter.opts)


def _routes() -> Iterator[str]:
    yield "Send `Authorization: Bearer TOKEN`; errors are problem documents (RFC 9457).\n"
    for path, operations in http_app(_never_started).openapi()["paths"].items():
        for method, operation in operations.items():
            yield f"## `{method.upper()} {path}`\n\n{operation.get('description', '')}\n"
            for parameter in operation.get("parameters", ()):
                yield f"- `{parameter['name']}` ({parameter['in']})"
            yield ""


@asynccontextmanager
async def _never_started(_: object) -> AsyncIterator[None]:
    yield


def _model(title: str, model: type[BaseModel], without: Container[str] = ()) -> Iterator[str]:
    yield f"## {title}\n"
    yield f"{_text(model)}\n"
    yield from _table(model, without)


def _table(model: type[BaseModel], without: Container[str] = ()) -> Iterator[str]:
    kinds = model.model_json_schema()["properties"]
    yield "| Field | Type | Default | Meaning |\n| --- | --- | --- | --- |"
    for name, field in model.model_fields.items():
        if name not in without:
            shown, default = field.alias or name, _default(field)
            meaning = (field.description or "").replace("\n", " ").replace("|", "\\|")
            yield f"| `{shown}` | {_kind(kinds[shown])} | {default} | {meaning} |"
    yield ""
    for name, nested in _nested(model):
        yield from _model(f"{name} = {{ … }}", nested)


def _kind(schema: Mapping[str, Any]) -> str:
    """What may stand there, in words, from its JSON Schema."""
    match schema:
        case {"enum": [*choices]} | {"const": str() as choices}:
            listed = [choices] if isinstance(choices, str) else choices
            return ", ".join(f'`"{choice}"`' for choice in listed)
        case {"anyOf": [*kinds]}:
            return " or ".join(dict.fromkeys(_kind(kind) for kind in kinds if kind != _NULL))
        case {"type": "array", **rest}:
            item = _kind(rest.get("items", {}))
            return f"list of {item}s" if item in _WORDS.values() else f"list of {item}"
        case {"type": str(name)}:
            return _WORDS[name]
    return "table" if "$ref" in schema else "any value"


def _default(field: Any) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    if value is None or value is PydanticUndefined:
        return "none"
    if isinstance(value, BaseModel):
        return "see below"
    if value and isinstance(value, tuple):
        return f"`{json.dumps(value)}`"
    shown = f'"{value}"' if isinstance(value, str) else str(value)
    return f"`{ {'True': 'true', 'False': 'false', '()': '[]'}.get(shown, shown) }`"


def _nested(model: type[BaseModel]) -> Iterator[tuple[str, type[BaseModel]]]:
    """The tables that a field may be, and the one of each entry where it is a table of tables."""
    for name, field in model.model_fields.items():
        origin = get_origin(field.annotation)
        inside = () if origin is tuple else get_args(field.annotation)
        for kind in (field.annotation, *inside):
            if isinstance(kind, type) and issubclass(kind, BaseModel) and kind not in _TOLD_APART:
                yield f"{name}.NAME" if origin is Mapping else name, kind


def _text(documented: type) -> str:
    lines = (documented.__doc__ or "").strip().splitlines()
    return "\n".join(line.removeprefix("    ") for line in lines)


def main() -> None:
    if "--check" in sys.argv:
        if stale := outdated():
            sys.exit(f"docs/reference is stale: {', '.join(stale)}. Run tools/reference.py.")
        return
    (FOLDER / "steps").mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
