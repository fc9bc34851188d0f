"""Settings: every key has a default and a word of explanation, and unknown ones are refused."""

from collections.abc import Iterator

import pytest
from pydantic import ValidationError

from nomaflow.config import Section, Settings


def sections(section: type[Section] = Settings) -> Iterator[type[Section]]:
    yield section
    for field in section.model_fields.values():
        if isinstance(field.annotation, type) and issubclass(field.annotation, Section):
            yield from sections(field.annotation)


def test_an_empty_file_gives_the_documented_defaults() -> None:
    settings = Settings.model_validate({})

    assert (settings.server.host, settings.server.port) == ("127.0.0.1", 8055)
    assert settings.scheduler.enabled
    assert settings.scheduler.timezone is None
    assert settings.runner.max_concurrent_runs == 16
    assert settings.runner.max_processes >= 4
    assert settings.runner.grace_seconds == 3
    assert settings.executor.kind == "local"
    assert (settings.log.level, settings.log.format) == ("INFO", "text")
    assert settings.secrets.canary is None


def test_every_key_has_a_default_and_is_explained() -> None:
    fields = [
        (section.__name__, name, field)
        for section in sections()
        for name, field in section.model_fields.items()
    ]

    assert len(fields) > 15
    assert [(where, name) for where, name, field in fields if field.is_required()] == []
    assert [(where, name) for where, name, field in fields if not field.description] == []


@pytest.mark.parametrize(
    ("broken", "place"),
    [
        ({"serve": {}}, ("serve",)),
        ({"server": {"ports": 1}}, ("server", "ports")),
        ({"server": {"port": 65536}}, ("server", "port")),
        ({"scheduler": {"timezone": "Europe/Pariss"}}, ("scheduler", "timezone")),
        ({"runner": {"max_concurrent_runs": 0}}, ("runner", "max_concurrent_runs")),
        ({"runner": {"grace_seconds": -1}}, ("runner", "grace_seconds")),
        ({"executor": {"kind": 1}}, ("executor", "kind")),
        ({"log": {"format": "xml"}}, ("log", "format")),
    ],
)
def test_a_wrong_key_or_value_is_refused_at_its_place(
    broken: dict[str, object], place: tuple[str, ...]
) -> None:
    with pytest.raises(ValidationError) as refusal:
        Settings.model_validate(broken)

    assert [error["loc"] for error in refusal.value.errors()] == [place]


def test_settings_cannot_be_changed() -> None:
    settings = Settings()

    with pytest.raises(ValidationError, match="frozen"):
        settings.server.port = 1  # type: ignore[misc]  # this is what must not work


def test_another_address_replaces_only_what_was_given() -> None:
    settings = Settings.model_validate({"server": {"host": "10.0.0.1"}, "log": {"level": "DEBUG"}})

    moved = settings.listening_on(port=9000)

    assert (moved.server.host, moved.server.port) == ("10.0.0.1", 9000)
    assert moved.log.level == "DEBUG"
    assert settings.server.port == 8055
