"""The commands that look after a home folder: init, validate, secrets, tokens, and its key."""

import hashlib
import shutil
from pathlib import Path

import pytest
from tests.commands import nomaflow, serving, started
from tests.homes import a_home, a_query_job

COMMANDS = [
    ["init"], ["validate"], ["demo"], ["serve"], ["run"], ["jobs"], ["runs"], ["show"], ["logs"],
    ["cancel"], ["schedule", "preview"], ["secrets", "encrypt"], ["secrets", "rotate"],
    ["secrets", "check"], ["tokens", "create"], ["tokens", "list"], ["tokens", "revoke"],
]  # fmt: skip


def test_init_makes_a_home_that_the_server_starts_and_its_token_opens(tmp_path: Path) -> None:
    folder = tmp_path / "home"
    made = nomaflow("init", folder)
    token = made.out.split()[-1]
    before = contents(folder)
    again = nomaflow("init", folder)

    assert made.code == 0
    assert again.code == 2
    assert "a home already" in again.err
    assert contents(folder) == before
    with serving(folder, token) as server:
        assert server.ended(server.run("hello"))["state"] == "SUCCEEDED"
    assert {path.name: f"{path.stat().st_mode & 0o077:o}" for path in secret_files(folder)} == {
        ".env": "0", "master.key": "0",
    }  # fmt: skip


def test_a_folder_that_is_no_home_is_a_problem_for_every_command(tmp_path: Path) -> None:
    checked = nomaflow("validate", "--home", tmp_path, "--json")
    ran = nomaflow("run", "hello", "--home", tmp_path, "--wait", "--json")

    assert checked.code == ran.code == 3
    assert "no home" in checked.json["problems"][0]["message"]
    assert ran.out == ""
    assert "nomaflow init" in ran.err
    assert list(tmp_path.iterdir()) == []


def test_validate_lists_each_problem_by_file_line_job_step_and_field(tmp_path: Path) -> None:
    jobs = a_query_job("one", "SELECT 1", colour="red") + a_query_job("two", "SELECT 1")
    home = a_home(tmp_path / "home", jobs.replace('connector = "default"', 'connector = "no"', 1))
    broken = nomaflow("validate", "--home", home, "--json")
    shown = nomaflow("validate", "--home", home)

    problems = broken.json["problems"]
    assert broken.code == shown.code == 3
    assert [(p["file"], p["job"], p["step"], p["field"]) for p in problems] == [
        ("jobs.toml", "one", None, "colour"),
        ("jobs.toml", "one", "step-1", "connector"),
    ]
    assert [p["line"] for p in problems] == [3, 7]
    assert list(problems[0]) == ["file", "line", "job", "step", "field", "message"]
    assert "jobs.toml:3" in shown.err


def test_a_store_that_does_not_answer_is_one_sentence_and_exit_code_4(tmp_path: Path) -> None:
    home = a_home(
        tmp_path / "home",
        a_query_job("good", "SELECT 1"),
        connectors="""
        [pools.default]
        url = "postgresql://nobody@127.0.0.1:1/none"
        password = "${env:PASSWORD}"
        """,
        env="PASSWORD=swordfish-in-the-moat",
    )
    ran = nomaflow("run", "good", "--home", home, "--wait", "--json")
    with started("serve", "--home", home, "--port", "0", files=tmp_path / "serve") as command:
        served = command.ended(seconds=30)

    for ended in (ran, served):
        assert ended.code == 4, ended.err
        assert ended.out == ""
        assert "Traceback" not in ended.err
        assert "swordfish" not in ended.err
    assert ran.err.count("\n") == 1
    assert "127.0.0.1:1" in ran.err
    assert "pool 'default'" in ran.err


def test_the_wrong_master_key_is_told_at_start_and_nothing_is_touched(tmp_path: Path) -> None:
    home = a_home(tmp_path / "home", a_query_job("good", "SELECT 1"))
    other = a_home(tmp_path / "other")
    key = (home / "master.key").read_bytes()
    assert nomaflow("run", "good", "--home", home).code == 0
    shutil.copy2(other / "master.key", home / "master.key")
    before = contents(home)
    attempts = [
        nomaflow(*command, "--home", home)
        for command in (
            ["serve", "--port", "0"],
            ["run", "good", "--json"],
            ["secrets", "rotate"],
        )
    ]

    for ended in attempts:
        assert ended.code == 3, ended.err
        assert ended.out == ""
        assert ended.err.count("\n") == 1
        assert "The master key does not fit" in ended.err
    assert contents(home) == before
    (home / "master.key").write_bytes(key)
    assert nomaflow("run", "good", "--home", home).code == 0


def test_a_password_is_sealed_rotated_and_checked_and_its_job_runs(
    tmp_path: Path, postgresql_url: str
) -> None:
    home = a_home(tmp_path / "home")
    sealed = nomaflow("secrets", "encrypt", "--home", home, stdin="sesame-street\n").out.strip()
    (home / "connectors.toml").write_text(
        f'[pools.erp]\nurl = "{postgresql_url}"\npassword = "{sealed}"\n'
        '[connectors.erp]\ntype = "sql"\npool = "erp"\n'
    )
    job = a_query_job("count", "SELECT 1").replace('"default"', '"erp"')
    (home / "jobs.toml").write_text(job)
    first = nomaflow("run", "count", "--home", home, "--json")
    rotated = nomaflow("secrets", "rotate", "--home", home)
    after = (home / "connectors.toml").read_text()
    second = nomaflow("run", "count", "--home", home, "--json")
    checked = nomaflow("secrets", "check", "--home", home, "--json")

    assert sealed.startswith("ENC:v1:")
    assert (first.code, rotated.code, second.code, checked.code) == (0, 0, 0, 0)
    assert sealed not in after
    assert after.count("ENC:v1:") == 1
    assert [value["problem"] for value in checked.json["sealed"]] == [None, None]
    assert len({value["key_id"] for value in checked.json["sealed"]}) == 1
    (home / "connectors.toml").write_text(after.replace("ENC:v1:", "ENC:v1:x", 1))
    assert nomaflow("secrets", "check", "--home", home).code == 3


def test_tokens_are_made_listed_and_revoked(tmp_path: Path) -> None:
    home = a_home(tmp_path / "home")
    made = nomaflow("tokens", "create", "deploy", "--home", home, "--json")
    twice = nomaflow("tokens", "create", "deploy", "--home", home)
    revoked = nomaflow("tokens", "revoke", "deploy", "--home", home)
    listed = nomaflow("tokens", "list", "--home", home, "--json")

    assert made.json["token"].startswith("nomaflow_")
    assert (twice.code, revoked.code) == (2, 0)
    (row,) = listed.json["tokens"]
    assert row["name"] == "deploy"
    assert row["revoked_at"] is not None
    assert made.json["token"] not in listed.out


def test_a_preview_prints_local_times_with_their_offset() -> None:
    options = ["--timezone", "Europe/Paris", "--from", "2026-03-28T00:00:00Z", "--count", "2"]
    ended = nomaflow("schedule", "preview", "30 2 * * *", *options, "--json")
    never = nomaflow("schedule", "preview", "0 0 31 2 *", "--json")
    nowhere = nomaflow("schedule", "preview", "@daily", "--timezone", "Mars/Base")

    assert ended.json["fires"] == ["2026-03-28T02:30:00+01:00", "2026-03-29T03:00:00+02:00"]
    assert len(ended.json["remarks"]) == 1
    assert (never.code, nowhere.code) == (2, 2)
    assert never.out == ""
    assert "Mars/Base" in nowhere.err


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_the_help_of_a_command_says_what_it_does(command: list[str]) -> None:
    from typer.testing import CliRunner

    from nomaflow.cli.main import cli

    shown = CliRunner().invoke(cli, [*command, "--help"])

    assert shown.exit_code == 0
    usage, *rest = [line.strip() for line in shown.output.splitlines() if line.strip()]
    assert " ".join(command) in usage
    assert rest[0].endswith((".", ",")) or len(rest[0]) > 40
    undescribed = [line for line in rest if line.startswith("--") and len(line.split()) < 2]
    assert undescribed == []


def contents(folder: Path) -> dict[str, str]:
    """Each file with a digest of its bytes; the store's own side files come and go."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.endswith(("-wal", "-shm"))
    }


def secret_files(folder: Path) -> list[Path]:
    return [folder / ".env", folder / "master.key"]
