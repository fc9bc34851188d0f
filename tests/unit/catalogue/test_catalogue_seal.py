"""Sealed values are found, tried and put under a new key together."""

import stat
from pathlib import Path

import pytest
from tests.unit.catalogue.kinds import CONNECTOR_TYPES, STEP_TYPES

from nomaflow.catalogue import seal
from nomaflow.catalogue.home import Home
from nomaflow.catalogue.init import init
from nomaflow.catalogue.load import load
from nomaflow.errors import SecretsError
from nomaflow.security.keys import add_key, read_keys
from nomaflow.security.vault import Vault, sealing_key_id


def vault_of(home: Home) -> Vault:
    return Vault(read_keys(home.master_key))


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = init(tmp_path)
    vault = vault_of(made)
    password = vault.seal("one")
    made.connectors_toml.write_text(
        f'# kept\n[pools.erp]\r\nurl = "postgresql://me@db/erp"\npassword = "{password}"\n',
        encoding="utf-8",
        newline="",
    )
    made.jobs_toml.write_text(
        '[[jobs]]\nid = "mirror"\n[[jobs.steps]]\nname = "people"\ntype = "ldap_sync"\n'
        f"bind_password = '{vault.seal('two')}'\n",
        encoding="utf-8",
    )
    return made


def test_every_sealed_value_is_listed_with_its_place_and_key(home: Home) -> None:
    report = seal.check(home, vault_of(home))
    key = read_keys(home.master_key).newest.id
    assert report.problems == ()
    assert [(v.file, v.line, v.job, v.step, v.field, v.key_id) for v in report.sealed] == [
        ("app.toml", 12, None, None, "secrets.canary", key),
        ("connectors.toml", 4, None, None, "pools.erp.password", key),
        ("jobs.toml", 6, "mirror", "people", "bind_password", key),
    ]


def test_a_value_that_does_not_open_is_a_problem(home: Home) -> None:
    stranger = vault_of(init(home.path / "elsewhere")).seal("x")
    home.connectors_toml.write_text(f'[pools.erp]\npassword = "{stranger}"\n', encoding="utf-8")
    (problem,) = seal.check(home, vault_of(home)).problems
    assert (problem.file, problem.line, problem.field) == (
        "connectors.toml",
        2,
        "pools.erp.password",
    )


def test_a_password_in_plain_text_is_a_problem_that_does_not_show_it(home: Home) -> None:
    home.connectors_toml.write_text('[pools.erp]\npassword = "hunter2"\n', encoding="utf-8")
    (problem,) = seal.check(home, vault_of(home)).problems
    assert "nomaflow secrets encrypt" in problem.message
    assert "hunter2" not in str(problem)


def test_a_value_in_an_odd_place_has_a_place_all_the_same(home: Home) -> None:
    sealed = vault_of(home).seal("x")
    home.jobs_toml.write_text(f'jobs = [["{sealed}"], 3]\n', encoding="utf-8")
    home.connectors_toml.write_text(f'[jobs]\nx = "{sealed}"\n', encoding="utf-8")
    fields = [value.field for value in seal.check(home, vault_of(home)).sealed]
    assert fields == ["secrets.canary", "jobs.x", "0"]


def test_a_file_that_is_no_toml_is_a_problem(home: Home) -> None:
    home.jobs_toml.write_text("[[jobs]]\nid = \n", encoding="utf-8")
    (problem,) = seal.check(home, vault_of(home)).problems
    assert (problem.file, problem.line) == ("jobs.toml", 2)


def test_a_rotation_changes_sealed_values_and_nothing_else(home: Home) -> None:
    before = {path: path.read_bytes() for path in home.path.iterdir() if path.is_file()}
    old_key = read_keys(home.master_key).newest.id
    new_key = add_key(home.master_key).newest.id
    changed = seal.rotate(home, vault_of(home))
    assert changed == [home.app_toml, home.connectors_toml, home.jobs_toml]
    assert {value.key_id for value in seal.check(home, vault_of(home)).sealed} == {new_key}
    for path in changed:
        assert masked(path.read_bytes(), new_key) == masked(before[path], old_key)


def masked(text: bytes, key_id: str) -> list[bytes]:
    return [part for part in text.split() if key_id.encode() not in part]


def test_the_canary_is_rotated_too(home: Home) -> None:
    add_key(home.master_key)
    seal.rotate(home, vault_of(home))
    canary = load(home, STEP_TYPES, CONNECTOR_TYPES).settings.secrets.canary
    assert canary is not None
    vault_of(home).check_canary(canary)
    assert sealing_key_id(canary) == read_keys(home.master_key).newest.id


def test_a_second_rotation_changes_nothing(home: Home) -> None:
    add_key(home.master_key)
    seal.rotate(home, vault_of(home))
    assert seal.rotate(home, vault_of(home)) == []


def test_one_value_that_does_not_open_leaves_every_file_as_it_was(home: Home) -> None:
    stranger = vault_of(init(home.path / "elsewhere")).seal("x")
    text = home.jobs_toml.read_text(encoding="utf-8")
    home.jobs_toml.write_text(f'{text}password = "{stranger}"\n', encoding="utf-8")
    before = {path: path.read_bytes() for path in home.path.iterdir() if path.is_file()}
    add_key(home.master_key)
    with pytest.raises(SecretsError, match=r"jobs\.toml: Line 7: "):
        seal.rotate(home, vault_of(home))
    after = {path: path.read_bytes() for path in home.path.iterdir() if path.is_file()}
    assert {**after, home.master_key: b""} == {**before, home.master_key: b""}


def test_a_rotation_keeps_the_mode_of_a_file(home: Home) -> None:
    home.connectors_toml.chmod(0o640)
    add_key(home.master_key)
    seal.rotate(home, vault_of(home))
    assert stat.S_IMODE(home.connectors_toml.stat().st_mode) == 0o640


def test_a_file_that_cannot_be_written_leaves_every_other_as_it_was(home: Home) -> None:
    before = home.app_toml.read_bytes(), home.connectors_toml.read_bytes()
    folder = moved_behind_a_link(home.jobs_toml)
    in_the_way = folder / ".jobs.toml.aside"
    in_the_way.symlink_to(folder / "nowhere" / "else")
    add_key(home.master_key)
    with pytest.raises(OSError, match="aside"):
        seal.rotate(home, vault_of(home))
    assert (home.app_toml.read_bytes(), home.connectors_toml.read_bytes()) == before
    assert not list(home.path.glob(".*.aside"))


def test_a_linked_file_is_changed_where_it_really_is(home: Home) -> None:
    folder = moved_behind_a_link(home.jobs_toml)
    add_key(home.master_key)
    seal.rotate(home, vault_of(home))
    assert home.jobs_toml.is_symlink()
    new_key = read_keys(home.master_key).newest.id
    assert new_key in (folder / "jobs.toml").read_text(encoding="utf-8")


def moved_behind_a_link(path: Path) -> Path:
    folder = path.parent / "linked"
    folder.mkdir()
    path.rename(folder / path.name)
    path.symlink_to(folder / path.name)
    return folder
