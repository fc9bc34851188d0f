"""A home folder becomes a catalogue."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.unit.catalogue.kinds import CONNECTOR_TYPES, HEALTHY_JOB, STEP_TYPES, load_texts

from nomaflow.catalogue.home import Home
from nomaflow.catalogue.load import load
from nomaflow.errors import InvalidConfiguration, NotFound

COPY_STEP = """
[[jobs.steps]]
name = "copy"
type = "sql_copy"
source = { table = "a" }
target = { connector = "default", table = "b" }
"""


def test_a_job_takes_the_defaults_of_every_field_that_it_leaves_out(tmp_path: Path) -> None:
    job = load_texts(tmp_path, jobs=HEALTHY_JOB).job("healthy")
    assert (job.enabled, job.schedule, job.overlap, job.log_level) == (True, None, "skip", "INFO")
    assert job.run_timeout_seconds == 14400
    (step,) = job.steps
    assert (step.enabled, step.timeout_seconds, step.continue_on_error) == (True, 3600, False)
    assert step.settings == {"connector": "default", "query": "SELECT 1"}


def test_a_run_may_take_as_long_as_its_longest_step(tmp_path: Path) -> None:
    jobs = f"{HEALTHY_JOB}timeout_seconds = 20000\n"
    assert load_texts(tmp_path, jobs=jobs).job("healthy").run_timeout_seconds == 20000


def test_a_default_time_out_of_a_step_does_not_forbid_a_shorter_run(tmp_path: Path) -> None:
    jobs = HEALTHY_JOB.replace('id = "healthy"', 'id = "healthy"\ntimeout_seconds = 2')
    assert load_texts(tmp_path, jobs=jobs).job("healthy").timeout_seconds == 2


def test_the_store_is_a_pool_and_a_connector_without_being_declared(tmp_path: Path) -> None:
    catalogue = load_texts(tmp_path)
    assert catalogue.pools["default"].url == "sqlite:///data/nomaflow.db"
    assert catalogue.connectors["default"].pool == "default"


def test_the_store_may_be_declared(tmp_path: Path) -> None:
    text = '[pools.default]\nurl = "postgresql://me@db/store"\npassword = "${env:PW}"\n'
    catalogue = load_texts(tmp_path, connectors=text)
    assert catalogue.problems == ()
    assert catalogue.pools["default"].url == "postgresql://me@db/store"


@pytest.mark.parametrize(
    "text",
    [
        '[pools.default]\nurl = "postgresql://me@db/store\n',
        "[pools.default]\nurl = 3\n",
        '[pools.default\nurl = "postgresql://me@db/store"\n',
        '[pools.erp]\nurl = \npools.default.url = "x"\n',
        '[pool.default]\nurl = "postgresql://me@db/store"\n',
        'pools.default = "postgresql://me@db/store"\n',
        'pools = "postgresql://me@db/store"\n',
    ],
)
def test_a_declared_store_with_a_problem_is_never_replaced_by_the_embedded_one(
    text: str, tmp_path: Path
) -> None:
    catalogue = load_texts(tmp_path, jobs=HEALTHY_JOB, connectors=text)
    assert "default" not in catalogue.pools
    assert "default" in catalogue.broken_pools
    assert [broken.id for broken in catalogue.broken] == ["healthy"]


def test_a_connector_on_a_broken_pool_is_broken_too(tmp_path: Path) -> None:
    connectors = '[pools.erp]\nurl = 3\n[connectors.erp]\ntype = "sql"\npool = "erp"\n'
    jobs = HEALTHY_JOB.replace('"default"', '"erp"')
    catalogue = load_texts(tmp_path, jobs=jobs, connectors=connectors)
    (broken,) = catalogue.broken
    (problem,) = broken.problems
    assert "see its problems in connectors.toml" in problem.message


def test_a_connector_of_another_type_does_not_fit(tmp_path: Path) -> None:
    connectors = '[connectors.inbox]\ntype = "files"\nfolder = "in"\n'
    jobs = HEALTHY_JOB.replace('"default"', '"inbox"')
    catalogue = load_texts(tmp_path, jobs=jobs, connectors=connectors)
    (problem,) = catalogue.problems
    assert "of type files; expected one of type sql" in problem.message


def test_a_connector_named_by_a_token_is_judged_at_the_run(tmp_path: Path) -> None:
    jobs = HEALTHY_JOB.replace('"default"', '"${env:TARGET}"')
    assert load_texts(tmp_path, jobs=jobs).problems == ()


def test_a_value_with_a_token_is_judged_at_the_run(tmp_path: Path) -> None:
    jobs = f'{HEALTHY_JOB}limit = "${{kw:limit}}"\n'
    step = load_texts(tmp_path, jobs=jobs).job("healthy").steps[0]
    assert step.settings["limit"] == "${kw:limit}"


def test_text_that_takes_no_tokens_is_left_alone(tmp_path: Path) -> None:
    jobs = HEALTHY_JOB.replace("SELECT 1", "SELECT '${anything}'")
    assert load_texts(tmp_path, jobs=jobs).problems == ()


def test_an_output_may_be_that_of_any_step_before(tmp_path: Path) -> None:
    second = HEALTHY_JOB.partition("[[jobs.steps]]")[2].replace('"ask"', '"then"')
    jobs = f'{HEALTHY_JOB}[[jobs.steps]]{second}params = {{ n = "${{out:ask.first_row.n}}" }}\n'
    assert load_texts(tmp_path, jobs=jobs).problems == ()


def test_the_anchor_of_an_interval_may_be_a_date_of_toml(tmp_path: Path) -> None:
    jobs = HEALTHY_JOB.replace(
        "[[jobs.steps]]", 'interval = "4h"\ninterval_anchor = 2026-01-01T06:00:00Z\n[[jobs.steps]]'
    )
    job = load_texts(tmp_path, jobs=jobs).job("healthy")
    assert job.interval_anchor == "2026-01-01T06:00:00+00:00"


def test_defaults_of_the_steps_reach_those_that_know_the_field(tmp_path: Path) -> None:
    jobs = (
        '[step_defaults]\nmode = "append"\ntimeout_seconds = 60\n'
        f"{HEALTHY_JOB}{COPY_STEP}"
        'mode = "upsert"\n[jobs.step_defaults]\nsource = { connector = "default" }\n'
        "timeout_seconds = 30\n"
    )
    query, copy = load_texts(tmp_path, jobs=jobs).job("healthy").steps
    assert query.timeout_seconds == copy.timeout_seconds == 30
    assert "mode" not in query.settings
    assert copy.settings["mode"] == "upsert"
    assert copy.settings["source"] == {"connector": "default", "table": "a"}


def test_no_job_runs_when_the_defaults_of_all_have_a_problem(tmp_path: Path) -> None:
    catalogue = load_texts(tmp_path, jobs=f'[step_defaults]\nmdoe = "append"\n{HEALTHY_JOB}')
    assert [broken.id for broken in catalogue.broken] == ["healthy"]
    assert "did you mean 'mode'?" in catalogue.problems[0].message


def test_no_job_runs_when_the_defaults_of_all_are_no_toml(tmp_path: Path) -> None:
    catalogue = load_texts(tmp_path, jobs=f'step_defaults = {{ mode = "append"\n{HEALTHY_JOB}')
    assert [broken.id for broken in catalogue.broken] == ["healthy"]


def test_what_this_version_does_anyway_may_be_written_down(tmp_path: Path) -> None:
    jobs = HEALTHY_JOB.replace(
        "[[jobs.steps]]",
        'misfire = "skip"\nmisfire_grace = "60s"\non_crash = "fail"\nlimits = []\n[[jobs.steps]]',
    )
    assert load_texts(tmp_path, jobs=jobs).problems == ()


def test_a_mistyped_header_of_a_step_breaks_the_job_around_it(tmp_path: Path) -> None:
    stray = '[[job.steps]]\nname = "then"\n'
    after = HEALTHY_JOB.replace("healthy", "after")
    catalogue = load_texts(tmp_path, jobs=f"{HEALTHY_JOB}{stray}{after}")
    (problem,) = catalogue.problems
    assert (problem.job, problem.line) == ("healthy", HEALTHY_JOB.count("\n") + 1)
    assert list(catalogue.jobs) == ["after"]


def test_an_unknown_table_above_all_jobs_breaks_none(tmp_path: Path) -> None:
    catalogue = load_texts(tmp_path, jobs=f"[meta]\nversion = 1\n{HEALTHY_JOB}")
    assert [problem.field for problem in catalogue.problems] == ["meta"]
    assert list(catalogue.jobs) == ["healthy"]


def test_all_problems_are_listed_at_once_by_file_and_line(tmp_path: Path) -> None:
    catalogue = load_texts(
        tmp_path,
        jobs='[[jobs]]\nid = "a"\nenabled = 1\nowner = 2\n[[jobs]]\nid = "b"\n',
        connectors="[pools.x]\nsize = 0\n",
        app="[server]\nport = -1\n",
    )
    places = [(problem.file, problem.line) for problem in catalogue.problems]
    assert places == [
        ("app.toml", 2),
        ("connectors.toml", 1),
        ("connectors.toml", 2),
        ("jobs.toml", 1),
        ("jobs.toml", 3),
        ("jobs.toml", 4),
        ("jobs.toml", 5),
    ]


def test_a_name_in_another_block_is_no_reason_to_lose_a_job(tmp_path: Path) -> None:
    jobs = f'[[jobs]]\nname = "x"\nid = "sick"\n{HEALTHY_JOB}'
    assert list(load_texts(tmp_path, jobs=jobs).jobs) == ["healthy"]


def test_a_broken_job_that_is_asked_for_says_why(tmp_path: Path) -> None:
    catalogue = load_texts(tmp_path, jobs='[[jobs]]\nid = "sick"\nenabled = 1\n')
    with pytest.raises(InvalidConfiguration, match="true or false"):
        catalogue.job("sick")


def test_an_unknown_job_that_is_asked_for_has_a_likely_name(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="did you mean 'healthy'"):
        load_texts(tmp_path, jobs=HEALTHY_JOB).job("helthy")


def test_windows_line_ends_and_a_byte_order_mark_do_no_harm(tmp_path: Path) -> None:
    home = Home(tmp_path)
    text = HEALTHY_JOB + '[[jobs]]\nid = "sick"\nenabled = 1\n'
    home.jobs_toml.write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    catalogue = load(home, STEP_TYPES, CONNECTOR_TYPES)
    assert list(catalogue.jobs) == ["healthy"]
    assert {problem.line for problem in catalogue.problems} == {
        text.count("\n"),
        text.count("\n") - 2,
    }


def test_a_file_that_is_no_text_is_a_problem_with_its_line(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.jobs_toml.write_bytes(b'[[jobs]]\nid = "\xff"\n')
    (problem,) = load(home, STEP_TYPES, CONNECTOR_TYPES).problems
    assert (problem.file, problem.line) == ("jobs.toml", 2)
    assert "UTF-8" in problem.message


def a_large_file(path: Path) -> None:
    path.touch()
    os.truncate(path, 2**40)


@pytest.mark.parametrize(
    ("put", "words"),
    [
        (Path.mkdir, "Is a directory"),
        (os.mkfifo, "a pipe or a device"),
        (lambda path: path.symlink_to("/dev/zero"), "a pipe or a device"),
        (a_large_file, "larger than 32 MiB"),
    ],
)
def test_what_is_no_file_of_this_kind_is_a_problem_and_is_not_waited_for(
    tmp_path: Path, put: Callable[[Path], None], words: str
) -> None:
    home = Home(tmp_path)
    home.app_toml.touch()
    put(home.jobs_toml)
    (problem,) = load(home, STEP_TYPES, CONNECTOR_TYPES).problems
    assert problem.file == "jobs.toml"
    assert problem.message.startswith("cannot be read: ")
    assert words in problem.message


def test_a_folder_without_any_of_the_files_is_no_home(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfiguration, match="nomaflow init"):
        load(Home(tmp_path), STEP_TYPES, CONNECTOR_TYPES)


def test_a_line_of_the_env_file_that_cannot_be_read_is_a_problem(tmp_path: Path) -> None:
    Home(tmp_path).env_file.write_text("A=1\nnonsense\n", encoding="utf-8")
    (problem,) = load_texts(tmp_path).problems
    assert (problem.file, problem.line) == (".env", 2)


def test_settings_keep_the_sound_part_of_app_toml(tmp_path: Path) -> None:
    catalogue = load_texts(tmp_path, app='[server]\nport = 9000\n[log]\nlevel = "LOUD"\n')
    assert catalogue.settings.server.port == 9000
    assert catalogue.settings.log.level == "INFO"


def test_the_texts_are_kept_as_they_were_read(tmp_path: Path) -> None:
    text = HEALTHY_JOB + 'description = "${env:SECRET}'
    catalogue = load_texts(tmp_path, jobs=text)
    assert catalogue.source_text == text
