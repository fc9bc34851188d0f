"""Every mistake is named with file, line, job, step and field, and costs nothing else."""

from pathlib import Path

import pytest
from tests.unit.catalogue.broken import (
    APP,
    CONNECTORS,
    JOB_FIELDS,
    PARAMETERS,
    STEP_FIELDS,
    SYNTAX,
    Variant,
)
from tests.unit.catalogue.kinds import HEALTHY_JOB, load_texts

from nomaflow.catalogue.model import Catalogue
from nomaflow.errors import Problem

WITHOUT_STORE = {"pools that are no table", "the store on another pool"}
ON_ERP = HEALTHY_JOB.replace("healthy", "on-erp").replace('"default"', '"erp"')


def shown(problems: tuple[Problem, ...]) -> str:
    return "\n".join(map(str, problems)) or "no problem"


def expected_problem(catalogue: Catalogue, variant: Variant, file: str, line: int) -> Problem:
    wanted = (file, line, variant.job, variant.step, variant.field)
    for found in catalogue.problems:
        place = (found.file, found.line, found.job, found.step, found.field)
        if place == wanted and variant.message in found.message:
            return found
    pytest.fail(f"expected {wanted}: {variant.message}\nfound\n{shown(catalogue.problems)}")


@pytest.mark.parametrize("variant", [*JOB_FIELDS, *PARAMETERS, *STEP_FIELDS, *SYNTAX], ids=str)
def test_a_mistake_in_a_job_is_named_and_costs_that_job_alone(
    variant: Variant, tmp_path: Path
) -> None:
    after = HEALTHY_JOB.replace("healthy", "healthy-too")
    catalogue = load_texts(tmp_path, jobs=f"{HEALTHY_JOB}\n{variant.text}{after}")
    lines_before = HEALTHY_JOB.count("\n") + 1
    expected_problem(catalogue, variant, "jobs.toml", variant.line + lines_before)
    assert list(catalogue.jobs) == ["healthy", "healthy-too"]
    assert [broken.id for broken in catalogue.broken] == [variant.job]


@pytest.mark.parametrize("variant", CONNECTORS, ids=str)
def test_a_mistake_in_connectors_toml_is_named_and_leaves_the_other_jobs(
    variant: Variant, tmp_path: Path
) -> None:
    catalogue = load_texts(tmp_path, jobs=HEALTHY_JOB + ON_ERP, connectors=variant.text)
    expected_problem(catalogue, variant, "connectors.toml", variant.line)
    assert "on-erp" in {broken.id for broken in catalogue.broken}
    assert list(catalogue.jobs) == ([] if variant.title in WITHOUT_STORE else ["healthy"])


@pytest.mark.parametrize("variant", APP, ids=str)
def test_a_mistake_in_app_toml_is_named_and_leaves_the_jobs(
    variant: Variant, tmp_path: Path
) -> None:
    catalogue = load_texts(tmp_path, jobs=HEALTHY_JOB, app=variant.text)
    expected_problem(catalogue, variant, "app.toml", variant.line)
    assert list(catalogue.jobs) == ["healthy"]


@pytest.mark.parametrize("variant", [*JOB_FIELDS, *STEP_FIELDS, *CONNECTORS, *APP], ids=str)
def test_one_mistake_is_one_problem_at_its_line(variant: Variant, tmp_path: Path) -> None:
    kind = "connectors" if variant in CONNECTORS else "app" if variant in APP else "jobs"
    before = HEALTHY_JOB if kind == "jobs" else ""
    catalogue = load_texts(tmp_path, **{kind: before + variant.text})
    at_field = [found for found in catalogue.problems if found.field == variant.field]
    assert len(at_field) == 1, shown(catalogue.problems)


def test_the_table_holds_enough_variants() -> None:
    everything = [*JOB_FIELDS, *STEP_FIELDS, *SYNTAX, *CONNECTORS, *APP]
    assert len(everything) >= 100


def test_no_problem_shows_a_password(tmp_path: Path) -> None:
    variants = [*STEP_FIELDS, *CONNECTORS]
    for variant in variants:
        catalogue = load_texts(
            tmp_path,
            jobs=variant.text if variant in STEP_FIELDS else "",
            connectors="" if variant in STEP_FIELDS else variant.text,
        )
        assert "hunter2" not in shown(catalogue.problems)


def test_a_value_of_a_secret_field_is_never_quoted(tmp_path: Path) -> None:
    jobs = f"""[[jobs]]
id = "sick"
[[jobs.steps]]
name = "copy"
type = "sql_copy"
source = {{ connector = "default", table = "a" }}
target = {{ connector = "default", table = "b" }}
api_token = "hunter2-hunter2"
{HEALTHY_JOB}"""
    catalogue = load_texts(tmp_path, jobs=jobs)
    (problem,) = catalogue.problems
    assert (problem.line, problem.field) == (8, "api_token")
    assert "hunter2" not in str(problem)
    assert list(catalogue.jobs) == ["healthy"]
