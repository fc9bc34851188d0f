"""From the files of a home folder to the catalogue: read, merge, check, name every problem."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nomaflow.catalogue import connectors_toml
from nomaflow.catalogue.app_toml import read_settings
from nomaflow.catalogue.home import JOBS_TOML, Home
from nomaflow.catalogue.jobs import jobs_toml
from nomaflow.catalogue.model import Catalogue
from nomaflow.catalogue.toml.isolate import BlockRule
from nomaflow.catalogue.toml.source import TomlSource, parse, read_source
from nomaflow.catalogue.values.env_file import read_env
from nomaflow.connectors.base import ConnectorType
from nomaflow.connectors.registry import ConnectorTypes
from nomaflow.domain.job import Job, JobId
from nomaflow.errors import InvalidConfiguration, Problem
from nomaflow.steps.base import StepType
from nomaflow.steps.registry import StepTypes


def load(
    home: Home,
    step_types: Mapping[str, StepType[Any]] | None = None,
    connector_types: Mapping[str, ConnectorType[Any]] | None = None,
    texts: Mapping[str, str] | None = None,
) -> Catalogue:
    """Everything sound in the home folder, and every problem of the rest.

    The kinds are the installed ones unless others are given. `texts` stand in for files of those
    names. Raises InvalidConfiguration only when the folder is no home at all.
    """
    _refuse_strange_folder(home)
    texts = texts or {}
    app = _source(home.app_toml, None, texts)
    settings, problems = read_settings(app)
    connectors = _source(home.connectors_toml, connectors_toml.BLOCKS, texts)
    reach = connectors_toml.read_reach(connectors, connector_types or ConnectorTypes.discover())
    reach.calendars, reach.limits = settings.calendars.keys(), settings.limits.keys()
    jobs = _source(home.jobs_toml, jobs_toml.BLOCKS, texts)
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


def jobs_in(
    text: str, catalogue: Catalogue, types: Mapping[str, StepType[Any]]
) -> dict[JobId, Job]:
    """The sound jobs of a text as if it were jobs.toml beside that catalogue's connectors."""
    reach = connectors_toml.Reach(
        pools=dict(catalogue.pools),
        connectors=dict(catalogue.connectors),
        broken_pools=set(catalogue.broken_pools),
        broken_connectors=set(catalogue.broken_connectors),
        calendars=catalogue.settings.calendars.keys(),
        limits=catalogue.settings.limits.keys(),
    )
    return jobs_toml.read_jobs(parse(JOBS_TOML, text, jobs_toml.BLOCKS), types, reach).jobs


def _source(path: Path, rule: BlockRule | None, texts: Mapping[str, str]) -> TomlSource:
    return (
        parse(path.name, texts[path.name], rule) if path.name in texts else read_source(path, rule)
    )


def _refuse_strange_folder(home: Home) -> None:
    if not home.exists:
        message = "this folder is no home: expected app.toml, connectors.toml and jobs.toml"
        hint = f"{message}. Make a home with `nomaflow init DIR`, or name one with --home DIR"
        raise InvalidConfiguration([Problem(str(home.path), None, None, None, None, hint)])


def _place(problem: Problem) -> tuple[str, int]:
    return problem.file, problem.line or 0
