"""`init` makes a home that works at once, and never harms one."""

import stat
from pathlib import Path

import pytest
from tests.unit.catalogue.kinds import CONNECTOR_TYPES, STEP_TYPES

from nomaflow.catalogue.init import init
from nomaflow.catalogue.load import load
from nomaflow.errors import Refused
from nomaflow.security.keys import read_keys
from nomaflow.security.vault import Vault


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_fresh_home_has_no_problem_and_one_job(tmp_path: Path) -> None:
    catalogue = load(init(tmp_path / "home"), STEP_TYPES, CONNECTOR_TYPES)
    assert catalogue.problems == ()
    (job,) = catalogue.jobs.values()
    assert job.id == "hello"
    assert job.schedule is None


def test_every_commented_example_is_sound(tmp_path: Path) -> None:
    home = init(tmp_path)
    for path in (home.jobs_toml, home.connectors_toml):
        path.write_text(uncommented(path.read_text(encoding="utf-8")), encoding="utf-8")
    types = {**STEP_TYPES, "python": STEP_TYPES["sql_query"]}
    catalogue = load(home, types, CONNECTOR_TYPES)
    fields = {problem.field for problem in catalogue.problems}
    assert fields <= {"callable", "op_kwargs", "connector", "query"}
    assert set(catalogue.connectors) == {"default", "erp"}


def uncommented(text: str) -> str:
    """The examples: commented lines that are TOML by their look."""
    lines = (line.removeprefix("# ") for line in text.splitlines())
    return "\n".join(line for line in lines if line.startswith("[") or " = " in line)


def test_the_canary_fits_the_key(tmp_path: Path) -> None:
    home = init(tmp_path)
    canary = load(home, STEP_TYPES, CONNECTOR_TYPES).settings.secrets.canary
    assert canary is not None
    Vault(read_keys(home.master_key)).check_canary(canary)


def test_secrets_are_for_their_owner_alone(tmp_path: Path) -> None:
    home = init(tmp_path)
    assert (mode(home.env_file), mode(home.master_key)) == (0o600, 0o600)
    ignored = (home.path / ".gitignore").read_text(encoding="utf-8").split()
    assert {".env", "master.key", "data/"} <= set(ignored)


def test_a_home_is_never_overwritten(tmp_path: Path) -> None:
    home = init(tmp_path)
    before = {path: path.read_bytes() for path in home.path.iterdir() if path.is_file()}
    with pytest.raises(Refused, match="is a home already"):
        init(tmp_path)
    assert {path: path.read_bytes() for path in before} == before


def test_other_files_of_the_folder_stay(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("A=1\n", encoding="utf-8")
    init(tmp_path)
    assert (tmp_path / ".env").read_text(encoding="utf-8") == "A=1\n"
