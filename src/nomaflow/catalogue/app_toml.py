"""app.toml: the settings of the instance."""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from nomaflow.catalogue import later
from nomaflow.catalogue.toml import words
from nomaflow.catalogue.toml.place import Place
from nomaflow.catalogue.toml.source import TomlSource
from nomaflow.catalogue.values.schema import checked, keys_of
from nomaflow.config import CalendarSettings, Settings
from nomaflow.errors import Problem
from nomaflow.triggers.base import InvalidSchedule
from nomaflow.triggers.calendar import Calendar


def read_settings(source: TomlSource) -> tuple[Settings, list[Problem]]:
    """The settings, with the default where a section has a problem, and every problem."""
    place = Place(source)
    problems = [place.syntax_problem(source.problem)] if source.problem else []
    problems += _unknown_tables(source.values, place)
    sections: dict[str, Any] = {}
    for name, field in Settings.model_fields.items():
        model = field.annotation
        if name in source.values and isinstance(model, type) and issubclass(model, BaseModel):
            section, found = _section(model, source.values[name], place.at(name))
            sections |= {name: section} if section else {}
            problems += found
        elif name in source.values:
            named, found = checked(Settings, {name: source.values[name]}, place)
            sections |= {name: getattr(named, name)} if named else {}
            problems += found
    problems += _calendar_problems(sections.get("calendars", {}), place)
    return Settings(**sections), problems


def _unknown_tables(values: dict[str, Any], place: Place) -> Iterator[Problem]:
    known = keys_of(Settings)
    for key in values.keys() - known:
        message = later.not_available(key) if key in later.APP_TABLES else None
        yield place.at(key).problem(message or words.unknown_key(key, known))


def _calendar_problems(
    calendars: Mapping[str, CalendarSettings], place: Place
) -> Iterator[Problem]:
    for name, rule in calendars.items():
        try:
            Calendar(name, rule).check()
        except InvalidSchedule as error:
            yield place.at("calendars", name, error.field).problem(str(error))


def _section(
    model: type[BaseModel], values: Any, place: Place
) -> tuple[BaseModel | None, list[Problem]]:
    if not isinstance(values, dict):
        return None, [place.problem("expected a table, such as [server]")]
    return checked(model, values, place)
