"""After the files changed: sound changes count, and nothing that works ends by a mistake."""

from pathlib import Path
from textwrap import dedent

import pytest
from tests.homes import a_home, a_query_job

from nomaflow.catalogue.home import Home
from nomaflow.catalogue.in_force import taken_over
from nomaflow.catalogue.load import load
from nomaflow.catalogue.model import Catalogue
from nomaflow.domain.job import JobId

NIGHTLY = a_query_job("nightly", "SELECT 1", schedule="0 2 * * *")
HOURLY = a_query_job("hourly", "SELECT 1", interval="1h")
POOL = '[pools.erp]\nurl = "sqlite:///data/erp.db"\n'
CONNECTOR = '[connectors.erp]\ntype = "sql"\npool = "erp"\n'


class Files:
    """A home whose files change, and what is in force."""

    def __init__(self, folder: Path) -> None:
        self.home = Home(a_home(folder, f"{NIGHTLY}\n{HOURLY}", connectors=f"{POOL}{CONNECTOR}"))
        self.in_force = load(self.home)

    def change(self, *, jobs: str | None = None, connectors: str | None = None) -> Catalogue:
        """What is in force after these texts were saved."""
        if jobs is not None:
            self.home.jobs_toml.write_text(dedent(jobs))
        if connectors is not None:
            self.home.connectors_toml.write_text(dedent(connectors))
        self.in_force = taken_over(self.in_force, load(self.home))
        return self.in_force


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path / "home")


def test_sound_changes_are_taken(files: Files) -> None:
    changed = files.change(jobs=a_query_job("nightly", "SELECT 1", schedule="0 3 * * *"))
    assert list(changed.jobs) == ["nightly"]
    assert changed.jobs[JobId("nightly")].schedule == "0 3 * * *"
    assert (changed.problems, dict(changed.held), changed.broken) == ((), {}, ())


def test_a_job_that_became_broken_goes_on_as_it_was_and_says_why(files: Files) -> None:
    text = files.home.jobs_toml.read_text()
    changed = files.change(jobs=text.replace("0 2 * * *", "61 2 * * *"))
    assert changed.jobs[JobId("nightly")].schedule == "0 2 * * *"
    [problem] = changed.problems_of(JobId("nightly"))
    assert (problem.job, problem.field) == ("nightly", "schedule")
    assert problem in changed.problems
    assert changed.broken == ()
    assert changed.source_of(JobId("nightly")) == text
    assert changed.source_of(JobId("hourly")) != text


def test_the_sound_jobs_of_a_file_with_a_problem_are_taken(files: Files) -> None:
    broken = NIGHTLY.replace("0 2 * * *", "61 2 * * *")
    changed = files.change(
        jobs=f"{broken}\n{HOURLY.replace('1h', '2h')}\n{a_query_job('fresh', 'SELECT 1')}"
    )
    assert changed.jobs[JobId("hourly")].interval == "2h"
    assert set(changed.jobs) == {"nightly", "hourly", "fresh"}


def test_a_new_job_that_is_broken_is_listed_as_broken(files: Files) -> None:
    changed = files.change(
        jobs=f"{NIGHTLY}\n{HOURLY}\n{a_query_job('fresh', 'SELECT 1', interval='0s')}"
    )
    assert [job.id for job in changed.broken] == ["fresh"]
    assert "fresh" not in changed.jobs


def test_a_job_ends_with_its_block_only_while_the_files_are_sound(files: Files) -> None:
    broken = NIGHTLY.replace("0 2 * * *", "61 2 * * *")
    assert "hourly" in files.change(jobs=broken).jobs
    assert "goes on as it was" in files.in_force.problems_of(JobId("hourly"))[0].message
    assert set(files.change(jobs=NIGHTLY).jobs) == {"nightly"}


def test_a_job_that_goes_on_is_in_force_until_its_text_is_sound_again(files: Files) -> None:
    first = files.home.jobs_toml.read_text()
    for schedule in ("61 2 * * *", "0 0 31 2 *"):
        files.change(jobs=first.replace("0 2 * * *", schedule))
    assert files.in_force.source_of(JobId("nightly")) == first
    healed = files.change(jobs=first.replace("0 2 * * *", "0 4 * * *"))
    assert healed.jobs[JobId("nightly")].schedule == "0 4 * * *"
    assert dict(healed.held) == {}


@pytest.mark.parametrize("text", ["", "\n\n", "id = = 1", "\x00\x01", "[[jobs]\n" * 50])
def test_a_file_of_which_nothing_is_left_keeps_everything(files: Files, text: str) -> None:
    for _ in range(2):
        changed = files.change(jobs=text)
        assert set(changed.jobs) == {"nightly", "hourly"}
        assert changed.problems
    changed = files.change(connectors=text)
    assert set(changed.connectors) == {"default", "erp"}
    assert any(problem.file == "connectors.toml" for problem in changed.problems)


def test_a_file_that_is_no_text_keeps_everything(files: Files) -> None:
    files.home.jobs_toml.write_bytes(b"\xff\xfe\x00")
    assert set(files.change().jobs) == {"nightly", "hourly"}


def test_a_file_that_is_gone_keeps_everything(files: Files) -> None:
    files.home.jobs_toml.unlink()
    files.home.connectors_toml.unlink()
    assert set(files.change().jobs) == {"nightly", "hourly"}
    assert "erp" in files.in_force.connectors


def test_a_catalogue_is_emptied_on_purpose_with_a_comment(files: Files) -> None:
    assert dict(files.change(jobs="# no jobs any more\n").jobs) == {}
    assert files.in_force.problems == ()


def test_a_pool_that_became_broken_stays_open_for_who_uses_it(files: Files) -> None:
    changed = files.change(connectors=f'[pools.erp]\nurl = "nonsense"\n{CONNECTOR}')
    assert changed.pools["erp"].url == "sqlite:///data/erp.db"
    assert "erp" in changed.connectors
    assert (changed.broken_pools, changed.broken_connectors) == (frozenset(), frozenset())
    assert changed.problems


def test_a_connector_that_a_job_still_names_stays(tmp_path: Path) -> None:
    files = Files(tmp_path / "home")
    on_erp = NIGHTLY.replace('"default"', '"erp"')
    assert files.change(jobs=on_erp).problems == ()
    changed = files.change(connectors=POOL)
    assert "erp" in changed.connectors
    assert [problem.job for problem in changed.problems] == ["nightly"]
    assert "nightly" in changed.jobs


def test_of_settings_with_a_problem_none_is_taken(files: Files) -> None:
    settings = files.in_force.settings
    text = files.home.app_toml.read_text()
    files.home.app_toml.write_text(f"{text}\n[retention]\ndays = 7\ndyas = 8\n")
    assert files.change().settings == settings
    files.home.app_toml.write_text(f"{text}\n[retention]\ndays = 7\n")
    assert files.change().settings.retention.days == 7
