"""The catalogue with the step and connector types that are really installed."""

import shutil
from pathlib import Path

import pytest

from nomaflow.catalogue.home import Home
from nomaflow.catalogue.init import init
from nomaflow.catalogue.load import load
from nomaflow.catalogue.values.schema import connector_fields
from nomaflow.steps.registry import StepTypes

TEMPLATE = Path(__file__).parents[2] / "src/nomaflow/cli/demo/template"


def test_a_fresh_home_is_sound(tmp_path: Path) -> None:
    catalogue = load(init(tmp_path))
    assert catalogue.problems == ()
    assert list(catalogue.jobs) == ["hello"]


def test_the_home_of_the_demo_is_sound(tmp_path: Path) -> None:
    shutil.copytree(TEMPLATE, tmp_path, dirs_exist_ok=True)
    catalogue = load(Home(tmp_path))
    assert catalogue.problems == ()
    assert "nightly-refresh" in catalogue.jobs


@pytest.mark.parametrize(
    ("step_type", "fields"),
    [
        ("sql_query", {("connector",)}),
        ("sql_copy", {("source", "connector"), ("target", "connector")}),
        ("python", set()),
    ],
)
def test_fields_that_name_a_connector_are_known(step_type: str, fields: set[object]) -> None:
    spec = StepTypes.discover()[step_type].Spec
    assert {path for path, wanted in connector_fields(spec) if wanted == "sql"} == fields


@pytest.mark.parametrize(
    ("line", "field", "message"),
    [
        ('callable = "reports.summary.generate"', "callable", "module.path:function"),
        ('callable = "a:b"\nop_kwargs = [1]', "op_kwargs", "expected a table"),
        ('callable = "a:b"\nhost = "elsewhere"', "host", "inline"),
        ('callable = "a:b"\nconnector = "default"', "connector", "unknown key"),
    ],
)
def test_a_mistake_in_a_python_step_is_named(
    line: str, field: str, message: str, tmp_path: Path
) -> None:
    home = init(tmp_path)
    with home.jobs_toml.open("a", encoding="utf-8") as file:
        file.write(f'[[jobs]]\nid = "p"\n[[jobs.steps]]\nname = "p"\ntype = "python"\n{line}\n')
    (problem,) = load(home).problems
    assert (problem.job, problem.step, problem.field) == ("p", "p", field)
    assert message in problem.message


@pytest.mark.parametrize(("query", "problems"), [("put", 0), ("put_all", 1), ("${kw:query}", 0)])
def test_a_query_that_its_connector_does_not_have_is_named(
    query: str, problems: int, tmp_path: Path
) -> None:
    home = init(tmp_path)
    home.connectors_toml.write_text(
        '[pools.app]\nurl = "sqlite:///data/app.db"\n'
        '[connectors.app]\ntype = "sql"\npool = "app"\n'
        '[connectors.app.queries.put]\nsql = "INSERT INTO people VALUES (:uid)"\n'
    )
    home.jobs_toml.write_text(
        '[[jobs]]\nid = "mirror"\nparams = { query = "put" }\n[[jobs.steps]]\nname = "people"\n'
        'type = "ldap_sync"\nserver = "ldaps://ldap.example.com"\nbind_dn = "cn=sync"\n'
        'bind_password = "${env:PATH}"\nsearch_base = "dc=example"\n'
        f'target_connector = "app"\ntarget_query = "{query}"\n'
    )
    found = load(home).problems
    assert [problem.field for problem in found] == ["target_query"] * problems
    assert all("unknown query 'put_all' (there are: put)" in each.message for each in found)
