"""The catalogue: what the home folder declares, as far as it is sound."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from nomaflow.catalogue.home import JOBS_TOML, Home
from nomaflow.catalogue.toml.words import sentence, unknown_name
from nomaflow.config import Settings
from nomaflow.connectors.base import PoolDefinition
from nomaflow.domain.definition import Definition
from nomaflow.domain.job import After, Job, JobId
from nomaflow.errors import InvalidConfiguration, NotFound, Problem

Model = type[Definition]
STORE = "default"
EMBEDDED_STORE = PoolDefinition(url="sqlite:///data/nomaflow.db")


@dataclass(frozen=True)
class BrokenJob:
    """A job that does not run until its problems are solved; `id` is '#3' where it has none."""

    id: str
    problems: tuple[Problem, ...]


@dataclass(frozen=True)
class HeldJob:
    """A job that goes on as it was in `source_text`, and why its text of now is not in force."""

    problems: tuple[Problem, ...]
    source_text: str


@dataclass(frozen=True)
class DeclaredConnector:
    """A block [connectors.NAME]; its values may still hold tokens."""

    name: str
    type: str
    values: Mapping[str, Any]
    model: Model

    @property
    def pool(self) -> str | None:
        """The pool that it uses, if it uses one."""
        pool = self.values.get("pool")
        return pool if isinstance(pool, str) else None


@dataclass(frozen=True)
class Catalogue:
    """All that is sound in app.toml, connectors.toml and jobs.toml, and all that is not.

    `settings` holds the sound part of app.toml. `connectors` and `pools` hold only usable ones,
    `broken_connectors` and `broken_pools` name the others. `problems` lists every problem of every
    file, those of the broken jobs too. `texts` are the files as they were read, by file name.
    `held` are those of the jobs that a reload left as they were.
    """

    home: Home
    jobs: Mapping[JobId, Job] = field(default_factory=dict)
    broken: tuple[BrokenJob, ...] = ()
    held: Mapping[JobId, HeldJob] = field(default_factory=dict)
    connectors: Mapping[str, DeclaredConnector] = field(default_factory=dict)
    pools: Mapping[str, PoolDefinition] = field(default_factory=dict)
    broken_connectors: frozenset[str] = frozenset()
    broken_pools: frozenset[str] = frozenset()
    settings: Settings = field(default_factory=Settings)
    problems: tuple[Problem, ...] = ()
    texts: Mapping[str, str] = field(default_factory=dict)

    @property
    def source_text(self) -> str:
        """jobs.toml as it was read."""
        return self.texts.get(JOBS_TOML, "")

    @cached_property
    def followers(self) -> Mapping[str, Sequence[tuple[Job, After]]]:
        """The enabled jobs that come after a job, by its id, each with the entry that says so."""
        followers: dict[str, list[tuple[Job, After]]] = {}
        for job in self.jobs.values():
            for entry in job.after if job.enabled else ():
                followers.setdefault(entry.job, []).append((job, entry))
        return followers

    @cached_property
    def limited(self) -> Mapping[str, Sequence[str]]:
        """The limits of each job that has some, as far as there are such."""
        known = self.settings.limits
        named = {
            job.id: [name for name in job.limits if name in known] for job in self.jobs.values()
        }
        return {job_id: names for job_id, names in named.items() if names}

    def source_of(self, job_id: JobId) -> str:
        """The text of jobs.toml that holds the definition in force."""
        held = self.held.get(job_id)
        return held.source_text if held else self.source_text

    def problems_of(self, job_id: JobId) -> tuple[Problem, ...]:
        """Why the job's text of now is not in force; empty when it is."""
        held = self.held.get(job_id)
        return held.problems if held else ()

    def job(self, name: str) -> Job:
        """The job of that id. Raises NotFound; InvalidConfiguration when the job is broken."""
        job = self.jobs.get(JobId(name))
        if job is not None:
            return job
        for broken in self.broken:
            if broken.id == name:
                raise InvalidConfiguration(broken.problems)
        raise NotFound(f"{sentence(unknown_name('job', name, self.jobs))}")
