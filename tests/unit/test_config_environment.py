"""The environment: NOMAFLOW_ variables are for this process alone."""

from pathlib import Path

import pytest

from nomaflow.config import Environment, child_environment, system_timezone
from nomaflow.errors import InvalidConfiguration


def test_an_empty_environment_means_the_current_folder_and_nothing_else() -> None:
    assert Environment.read({}) == Environment(home=Path(), port=None, master_key=None, token=None)


def test_variables_are_read_by_their_names() -> None:
    environment = Environment.read(
        {
            "NOMAFLOW_HOME": "/srv/flow",
            "NOMAFLOW_PORT": "9000",
            "NOMAFLOW_MASTER_KEY": "key",
            "NOMAFLOW_TOKEN": "token",
        }
    )

    assert environment == Environment(Path("/srv/flow"), 9000, "key", "token")


def test_an_empty_variable_counts_as_unset() -> None:
    empty = dict.fromkeys(
        ("NOMAFLOW_HOME", "NOMAFLOW_PORT", "NOMAFLOW_MASTER_KEY", "NOMAFLOW_TOKEN"), ""
    )

    assert Environment.read(empty) == Environment.read({})


@pytest.mark.parametrize("text", ["http", "-1", "65536", "80.0", "٨٠"])
def test_a_port_that_is_none_is_a_problem_that_names_the_variable(text: str) -> None:
    with pytest.raises(InvalidConfiguration) as refusal:
        Environment.read({"NOMAFLOW_PORT": text})

    (problem,) = refusal.value.problems
    assert problem.field == "NOMAFLOW_PORT"
    assert text in problem.message


def test_keys_and_tokens_are_not_shown() -> None:
    shown = repr(Environment(master_key="the key", token="the token"))

    assert "the key" not in shown
    assert "the token" not in shown


def test_children_do_not_inherit_our_variables() -> None:
    variables = {"PATH": "/bin", "NOMAFLOW_MASTER_KEY": "key", "NOMAFLOW_X": "", "NOMAFLOWER": "1"}

    assert child_environment(variables) == {"PATH": "/bin", "NOMAFLOWER": "1"}


def test_the_zone_comes_from_tz_before_all_else(tmp_path: Path) -> None:
    (tmp_path / "timezone").write_text("Europe/Paris\n")

    assert system_timezone({"TZ": ":Asia/Kathmandu"}, tmp_path) == "Asia/Kathmandu"


def test_the_zone_comes_from_the_name_in_etc(tmp_path: Path) -> None:
    (tmp_path / "timezone").write_text("Europe/Paris\n")

    assert system_timezone({"TZ": "CET-1CEST"}, tmp_path) == "Europe/Paris"


def test_the_zone_comes_from_the_link_in_etc(tmp_path: Path) -> None:
    zone = tmp_path / "zoneinfo" / "Australia" / "Lord_Howe"
    zone.parent.mkdir(parents=True)
    zone.touch()
    (tmp_path / "localtime").symlink_to(zone)

    assert system_timezone({}, tmp_path) == "Australia/Lord_Howe"


def test_the_zone_is_utc_when_the_machine_names_none(tmp_path: Path) -> None:
    assert system_timezone({}, tmp_path) == "UTC"
