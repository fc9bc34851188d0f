"""What is in force after the files changed: nothing that works is lost to a mistake in a file."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from nomaflow.catalogue.builtin import PREFIX
from nomaflow.catalogue.home import APP_TOML, CONNECTORS_TOML, JOBS_TOML
from nomaflow.catalogue.model import EMBEDDED_STORE, STORE, Catalogue, HeldJob
from nomaflow.config import Settings
from nomaflow.domain.job import JobId
from nomaflow.errors import Problem

CATALOGUE_FILES = (CONNECTORS_TOML, JOBS_TOML)
LOST = "not to be found while the files have problems; it goes on as it was"
EMPTY = (
    "empty or gone; what it held goes on as it was. To empty it on purpose, leave a comment in it"
)


def taken_over(old: Catalogue, fresh: Catalogue) -> Catalogue:
    """`fresh`, with what of `old` goes on.

    A job, connector or pool whose text is broken now goes on as it was, and while connectors.toml
    or jobs.toml has a problem nothing ends: what is gone from them may be gone by mistake. Of an
    app.toml with a problem nothing is taken.
    """
    fresh = replace(fresh, problems=(*fresh.problems, *_emptied(old, fresh)))
    if _has_problems(fresh, (APP_TOML,)):
        fresh = replace(fresh, settings=old.settings)
    return _with_the_old(old, fresh) if _has_problems(fresh, CATALOGUE_FILES) else fresh


def _with_the_old(old: Catalogue, fresh: Catalogue) -> Catalogue:
    held = dict(_held(old, fresh))
    connectors = {**old.connectors, **fresh.connectors}
    pools = {**old.pools, **fresh.pools}
    return replace(
        fresh,
        jobs={**fresh.jobs, **{job_id: old.jobs[job_id] for job_id in held}},
        broken=tuple(job for job in fresh.broken if JobId(job.id) not in held),
        held=held,
        connectors=connectors,
        pools=pools,
        broken_connectors=fresh.broken_connectors - connectors.keys(),
        broken_pools=fresh.broken_pools - pools.keys(),
        problems=tuple(dict.fromkeys((*fresh.problems, *_problems_of(held)))),
    )


def _held(old: Catalogue, fresh: Catalogue) -> Iterator[tuple[JobId, HeldJob]]:
    broken = {job.id: job.problems for job in reversed(fresh.broken)}
    for job_id in old.jobs:
        if job_id not in fresh.jobs and not job_id.startswith(PREFIX):
            lost = (Problem(JOBS_TOML, None, job_id, None, None, LOST),)
            yield job_id, HeldJob(broken.get(job_id, lost), old.source_of(job_id))


def _problems_of(held: Mapping[JobId, HeldJob]) -> Iterator[Problem]:
    return (problem for job in held.values() for problem in job.problems)


def _has_problems(catalogue: Catalogue, files: tuple[str, ...]) -> bool:
    return any(problem.file in files for problem in catalogue.problems)


def _emptied(old: Catalogue, fresh: Catalogue) -> Iterator[Problem]:
    """An editor that saves, or a disk that is full, leaves an empty file for a moment or longer."""
    holds_something = {
        APP_TOML: old.settings != Settings(),
        CONNECTORS_TOML: _reaches_out(old),
        JOBS_TOML: any(not job_id.startswith(PREFIX) for job_id in old.jobs),
    }
    for file, held in holds_something.items():
        if held and not fresh.texts.get(file, "").strip():
            yield Problem(file, None, None, None, None, EMPTY)


def _reaches_out(catalogue: Catalogue) -> bool:
    """Whether a pool or connector is declared, beside the store that always is."""
    declared = catalogue.pools.keys() | catalogue.connectors.keys()
    return declared != {STORE} or catalogue.pools.get(STORE) != EMBEDDED_STORE
