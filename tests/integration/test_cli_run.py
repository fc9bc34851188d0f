"""`nomaflow run` as a process: one object on stdout, a telling exit code, nothing left behind."""

import signal
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.commands import Started, lives, living_children, nomaflow, started
from tests.homes import a_home, a_query_job
from tests.waiting import eventually

ENDLESS = (
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000000000) "
    "SELECT max(i) FROM n"
)
JOBS = f"""
{a_query_job("good", "SELECT 1", "SELECT 2", "SELECT 3")}
{a_query_job("sad", "SELECT * FROM nowhere", "SELECT 1")}
{a_query_job("bad", "SELECT 1", schedule="0 0 31 2 *")}
{a_query_job("endless", ENDLESS)}

[[jobs]]
id = "typed"
params = {{ n = 1, text = "t", list = [] }}
[[jobs.steps]]
name = "show"
type = "python"
callable = "stubborn:show"

[[jobs]]
id = "sleeper"
[[jobs.steps]]
name = "sleep"
type = "python"
callable = "stubborn:sleep"

[[jobs]]
id = "stubborn"
[[jobs.steps]]
name = "spin"
type = "python"
callable = "stubborn:spin"
"""
PLUGIN = """
import subprocess
import time

def show(ctx, **params):
    ctx.log.debug("at debug")
    ctx.log.info("at info")
    print("printed")
    return {key: [type(value).__name__, value] for key, value in params.items()}

def sleep(ctx):
    ctx.log.info("sleeping")
    while not ctx.is_cancelled():
        time.sleep(0.05)
    raise SystemExit("was asked to stop")

def spin(ctx):
    subprocess.Popen(["sleep", "600"])
    ctx.log.info("spinning")
    while True:
        pass
"""
SHAPE = [
    "run_id", "job_id", "state", "reason", "triggered_by", "scheduled_at", "started_at",
    "finished_at", "params", "steps",
]  # fmt: skip
STEP_SHAPE = [
    "name", "type", "state", "reason", "attempts", "started_at", "finished_at", "output", "error",
]  # fmt: skip


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return a_home(tmp_path_factory.mktemp("run") / "home", JOBS, plugins={"stubborn.py": PLUGIN})


def test_a_run_prints_exactly_one_object_and_all_else_goes_to_stderr(home: Path) -> None:
    ended = nomaflow("run", "good", "--home", home, "--wait", "--json", "--step-off", "step-2")

    run = ended.json
    assert ended.code == 0
    assert list(run) == SHAPE
    assert (run["job_id"], run["state"], run["reason"]) == ("good", "SUCCEEDED", None)
    assert run["triggered_by"].startswith("cli:")
    assert run["started_at"].endswith("Z")
    assert [list(step) for step in run["steps"]] == [STEP_SHAPE] * 3
    assert [(step["state"], step["reason"], step["attempts"]) for step in run["steps"]] == [
        ("SUCCEEDED", None, 1),
        ("CANCELED", "skipped: disabled", 0),
        ("SUCCEEDED", None, 1),
    ]
    assert "run succeeded after" in ended.err


def test_a_job_that_fails_exits_1_and_names_step_and_cause(home: Path) -> None:
    ended = nomaflow("run", "sad", "--home", home, "--wait", "--json")

    assert ended.code == 1
    assert ended.json["state"] == "FAILED"
    assert ended.json["reason"] == "step 'step-1' failed: no such table: nowhere"
    assert ended.json["steps"][0]["error"]["type"] == "OperationalError"
    assert "no such table: nowhere" in ended.err


def test_parameters_keep_their_types_and_the_log_level_counts(home: Path) -> None:
    given = [
        "n=7",
        "text=seven",
        'list=[1, "a"]',
        "flag=true",
        'quoted="7"',
        "equation=a=b",
        "nan=NaN",
    ]
    options = [word for pair in given for word in ("--param", pair)]
    ended = nomaflow(
        "run", "typed", "--home", home, "--wait", "--json", "--log-level", "debug", *options
    )

    assert ended.code == 0, ended.err
    assert ended.json["steps"][0]["output"] == {
        "n": ["int", 7],
        "text": ["str", "seven"],
        "list": ["list", [1, "a"]],
        "flag": ["bool", True],
        "quoted": ["str", "7"],
        "equation": ["str", "a=b"],
        "nan": ["str", "NaN"],
    }
    assert ended.json["params"]["n"] == 7
    assert "at debug" in ended.err
    assert "printed" in ended.err


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["run", "nobody"], 2, "Unknown job 'nobody'"),
        (["run", "good", "--step-off", "step-9"], 2, "no step 'step-9'"),
        (["run", "good", "--param", "lonely"], 2, "'lonely' is not k=v"),
        (["run", "good", "--log-level", "LOUD"], 2, "expected DEBUG, INFO or WARNING"),
        (["run", "bad"], 3, "schedule"),
        (["show", "999999"], 2, "no run 999999"),
        (["logs", "9" * 30], 2, "RUN"),
    ],
)
def test_what_cannot_be_done_is_one_clear_message(
    home: Path, arguments: list[str], code: int, words: str
) -> None:
    ended = nomaflow(*arguments, "--home", home)

    assert ended.code == code, ended.err
    assert ended.out == ""
    assert words in ended.err
    assert "Traceback" not in ended.err


@pytest.mark.parametrize(
    ("job", "begun"), [("endless", "step 1 of 1 started"), ("stubborn", "spinning")]
)
def test_an_interrupt_cancels_the_run_within_5_seconds_and_leaves_no_process(
    home: Path, tmp_path: Path, job: str, begun: str
) -> None:
    with started("run", job, "--home", home, "--wait", "--json", files=tmp_path / job) as command:
        command.said(begun)
        family = everyone_below(command)
        asked_at = datetime.now(UTC)
        command.signal(signal.SIGINT)
        ended = command.ended(seconds=20)

    assert ended.code == 1
    assert ended.json["state"] == "CANCELED"
    assert ended.json["reason"].startswith("cancelled by cli:")
    assert datetime.fromisoformat(ended.json["finished_at"]) - asked_at < timedelta(seconds=5)
    assert "Canceling the run" in ended.err
    assert "Traceback" not in ended.err
    eventually(lambda: not any(lives(pid) for pid in family))


def test_terminate_cancels_the_run_as_an_interrupt_does(home: Path, tmp_path: Path) -> None:
    with started("run", "endless", "--home", home, "--json", files=tmp_path / "run") as command:
        command.said("step 1 of 1 started")
        command.signal(signal.SIGTERM)
        ended = command.ended(seconds=20)

    assert (ended.code, ended.json["state"]) == (1, "CANCELED")


def test_a_second_run_of_a_busy_job_is_refused_and_another_process_cancels_the_first(
    home: Path, tmp_path: Path
) -> None:
    with started("run", "sleeper", "--home", home, "--json", files=tmp_path / "run") as command:
        command.said("sleeping")
        (busy,) = nomaflow("runs", "--home", home, "--state", "running", "--json").json["runs"]
        second = nomaflow("run", "sleeper", "--home", home, "--json")
        follower = nomaflow_following(home, busy["run_id"], tmp_path)
        with follower as following:
            following.said("sleeping")
            asked = nomaflow("cancel", str(busy["run_id"]), "--home", home, "--json")
            asked_at = datetime.now(UTC)
            ended = command.ended(seconds=20)
            followed = following.ended(seconds=20)
    again = nomaflow("cancel", str(busy["run_id"]), "--home", home)

    assert second.code == 1
    assert f"run {busy['run_id']}" in second.err
    assert (asked.code, asked.json["run_id"]) == (0, busy["run_id"])
    assert (ended.code, ended.json["state"]) == (1, "CANCELED")
    assert datetime.fromisoformat(ended.json["finished_at"]) - asked_at < timedelta(seconds=5)
    assert followed.code == 1
    assert "run cancelled by cli:" in followed.out
    assert again.code == 2
    assert "final" in again.err or "CANCELED" in again.err


def test_runs_are_listed_by_text_and_time(home: Path) -> None:
    ran = nomaflow("run", "good", "--home", home, "--json").json
    options = ("--text", "GOOD", "--since", "2026-01-01T00:00:00Z", "--json")

    listed = nomaflow("runs", "--home", home, *options).json["runs"]
    none = nomaflow("runs", "--home", home, "--text", "never said", "--json").json["runs"]
    before = nomaflow("runs", "--home", home, "--until", "2026-01-01", "--json").json["runs"]
    wrong = nomaflow("runs", "--home", home, "--since", "yesterday")

    assert ran["run_id"] in [run["run_id"] for run in listed]
    assert none == before == []
    assert (wrong.code, "is no ISO instant" in wrong.err) == (2, True)


def test_a_killed_run_is_closed_by_the_next_command_that_runs(home: Path, tmp_path: Path) -> None:
    with started("run", "sleeper", "--home", home, files=tmp_path / "run") as command:
        command.said("sleeping")
        family = everyone_below(command)
        command.signal(signal.SIGKILL)
        command.ended()
    after = nomaflow("run", "good", "--home", home, "--json")
    rows = nomaflow("runs", "--home", home, "--job", "sleeper", "--json").json["runs"]
    detail = nomaflow("show", str(rows[0]["run_id"]), "--home", home, "--json").json

    assert after.json["state"] == "SUCCEEDED"
    assert (rows[0]["state"], rows[0]["reason"]) == ("FAILED", "lost in restart")
    assert detail["steps"][0]["state"] == "FAILED"
    assert detail["finished_at"] is not None
    eventually(lambda: not any(lives(pid) for pid in family))


def nomaflow_following(home: Path, run_id: int, files: Path) -> AbstractContextManager[Started]:
    return started("logs", str(run_id), "--home", home, "--follow", files=files / "follow")


def everyone_below(command: Started) -> list[int]:
    """The command's children and theirs."""
    found: list[int] = []
    fresh = [command.pid]
    while fresh:
        fresh = [child for pid in fresh for child in living_children(pid)]
        found += fresh
    return found


def test_a_failed_run_is_resumed_replayed_and_retried_from_the_command_line(
    tmp_path: Path,
) -> None:
    home = a_home(tmp_path / "home", a_query_job("sad", "SELECT * FROM nowhere"))
    failed = nomaflow("run", "sad", "--home", home, "--json").json["run_id"]
    resumed = nomaflow("resume", str(failed), "--home", home, "--json")
    replayed = nomaflow("replay", str(failed), "--param", "a=1", "--home", home, "--json")
    retried = nomaflow("retry", "--job", "sad", "--limit", "1", "--home", home, "--json")

    assert (resumed.code, resumed.json["triggered_by"]) == (1, f"resume:{failed}")
    assert (replayed.code, replayed.json["params"]) == (1, {"a": 1})
    assert [run["run_id"] for run in retried.json["runs"]] == [replayed.json["run_id"]]
