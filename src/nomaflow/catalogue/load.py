"""From the files of a home folder to the catalogue: read, merge, check, name every problem."""

from collections.abc import Mapping
from typing import Any

from nomaflow.catalogue import connectors_toml, jobs_toml
from nomaflow.catalogue.app_toml import read_settings
from nomaflow.catalogue.env_file import read_env
from nomaflow.catalogue.home import Home
from nomaflow.catalogue.model import Catalogue
from nomaflow.catalogue.toml_source import read_source
from nomaflow.connectors.base import ConnectorType
from nomaflow.connectors.registry import ConnectorTypes
from nomaflow.errors import InvalidConfiguration, Problem
from nomaflow.steps.base import StepType
from nomaflow.steps.registry import StepTypes


def load(
    home: Home,
    step_types: Mapping[str, StepType[Any]] | None = None,
    connector_types: Mapping[str, ConnectorType[Any]] | None = None,
) -> Catalogue:
    """Everything sound in the home folder, and every problem of the rest.

    The kinds are the installed ones unless others are given. Raises InvalidConfiguration only
    when the folder is no home at all.
    """
    _refuse_strange_folder(home)
    app = read_source(home.app_toml)
    settings, problems = read_settings(app)
    connectors = read_source(home.connectors_toml, connectors_toml.BLOCKS)
    reach = connectors_toml.read_reach(connectors, connector_types or ConnectorTypes.discover())
    jobs = read_source(home.jobs_toml, jobs_toml.BLOCKS)
    declared = jobs_toml.read_jobs(jobs, step_types or StepTypes.discover(), reach)
    problems += [*read_env(home.env_file).problems, *reach.problems, *declared.problems]
    problems += [problem for job in declared.broken for problem in job.problems]
    return Catalogue(
        home=home,
        jobs=declared.jobs,
        broken=tuple(declared.broken),
        connectors=reach.connectors,
        pools=reach.pools,
        broken_connectors=frozenset(reach.broken_connectors),
        broken_pools=frozenset(reach.broken_pools),
        settings=settings,
        problems=tuple(sorted(problems, key=_place)),
        texts={source.file: source.text for source in (app, connectors, jobs)},
    )


def _refuse_strange_folder(home: Home) -> None:
    if not home.exists:
        message = "this folder is no home: expected app.toml, connectors.toml and jobs.toml"
        hint = f"{message}. Make a home with `nomaflow init DIR`, or name one with --home DIR"
        raise InvalidConfiguration([Problem(str(home.path), None, None, None, None, hint)])


def _place(problem: Problem) -> tuple[str, int]:
    return problem.file, problem.line or 0
