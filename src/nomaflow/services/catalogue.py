"""Use cases on the catalogue: take over changed files, and know by which text a run goes."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from nomaflow.catalogue.builtin import PREFIX, with_builtin_jobs
from nomaflow.catalogue.home import JOBS_TOML
from nomaflow.catalogue.in_force import taken_over
from nomaflow.catalogue.model import STORE, Catalogue
from nomaflow.catalogue.values.secret_values import REFUSED
from nomaflow.domain.events import CatalogueChanged
from nomaflow.domain.job import Job, JobId
from nomaflow.domain.run import Run
from nomaflow.errors import InvalidConfiguration, NotFound, Problem, Refused, Unreachable
from nomaflow.events.bus import Bus
from nomaflow.history.revisions import RevisionHistory
from nomaflow.log import FactLog

READ_AT_START = ("server", "scheduler", "runner", "executor", "log", "secrets", "traces")
"""The sections of app.toml that take a restart."""
TEXTS_AT_HAND = 8
MOST_PROBLEMS_LOGGED = 20
FROM_DISK = "file"

K = TypeVar("K")
V = TypeVar("V")

log = FactLog()


@dataclass(frozen=True)
class CatalogueParts:
    """What the use cases work with.

    `read` loads the files, with texts in the place of some; `replace` gives a file a new text;
    `jobs_in` reads the jobs of a text as if it were jobs.toml. `swap` puts a catalogue in force
    for everybody, `rearm` lets the scheduler take it over.
    """

    in_force: Callable[[], Catalogue]
    read: Callable[[Mapping[str, str]], Catalogue]
    replace: Callable[[str, str], None]
    jobs_in: Callable[[str, Catalogue], Mapping[JobId, Job]]
    swap: Callable[[Catalogue], None]
    rearm: Callable[[], Awaitable[None]]
    revisions: RevisionHistory
    bus: Bus


@dataclass(frozen=True)
class CatalogueState:
    """The catalogue in force in a few facts; `restart_needed` names settings that wait for one."""

    jobs: int
    held: tuple[str, ...]
    broken: tuple[str, ...]
    restart_needed: tuple[str, ...]
    problems: tuple[Problem, ...]


class CatalogueKeeper:
    """The one place that replaces the catalogue in force."""

    def __init__(self, parts: CatalogueParts) -> None:
        self._parts = parts
        self._at_start = parts.in_force()
        self._revision_ids: Mapping[str, int] = {}
        self._past: Mapping[int, Mapping[JobId, Job]] = {}
        self._reloading = asyncio.Lock()

    def state(self) -> CatalogueState:
        """What is in force, and what is wrong with the files."""
        catalogue = self._parts.in_force()
        return CatalogueState(
            jobs=len(catalogue.jobs),
            held=tuple(catalogue.held),
            broken=tuple(job.id for job in catalogue.broken),
            restart_needed=tuple(_restart_needed(self._at_start, catalogue)),
            problems=catalogue.problems,
        )

    async def reload(self) -> CatalogueState:
        """Read the files again: what is sound of them is in force from now on, all at once.

        Runs in flight keep their definition. Nothing that works ends by a mistake in a file.
        """
        async with self._reloading:
            old = self._parts.in_force()
            fresh = await asyncio.to_thread(self._read, old)
            if fresh != old:
                self._parts.swap(fresh)
                await self._parts.rearm()
                await self.keep_texts()
                self._parts.bus.publish(CatalogueChanged())
                self._say(old, fresh)
            return self.state()

    async def save(
        self, file: str, text: str, *, by: str, note: str | None = None
    ) -> CatalogueState:
        """Give a file a new text, make it a revision, and take it over.

        Raises InvalidConfiguration when the text brings problems, Refused when the file is not
        what was last read, or has that text already; then nothing was changed.
        """
        async with self._reloading:
            await self._keep_replaced(file)
            await asyncio.to_thread(self._write, file, text)
            await self._parts.revisions.save(file, text, who=by, note=note)
        return await self.reload()

    async def keep_texts(self) -> None:
        """A revision of each file that is sound; of the others none before a run goes by them."""
        catalogue = self._parts.in_force()
        unsound = {problem.file for problem in catalogue.problems}
        try:
            for file in catalogue.texts.keys() - unsound:
                await self._keep(file, catalogue.texts[file])
        except Unreachable as error:
            log.warning("revisions_not_saved", reason=str(error))

    async def _keep_replaced(self, file: str) -> None:
        """The text that goes is a revision too, if what it holds may be stored."""
        catalogue = self._parts.in_force()
        is_sound = all(problem.file != file for problem in catalogue.problems)
        if is_sound or (file == JOBS_TOML and not _shows_a_secret(catalogue)):
            await self._keep(file, catalogue.texts[file])

    async def _keep(self, file: str, text: str) -> int:
        revision_id = await self._parts.revisions.save(file, text, who=FROM_DISK)
        if file == JOBS_TOML:
            self._revision_ids = {**_latest(self._revision_ids), text: revision_id}
        return revision_id

    async def revision_of(self, job_id: JobId) -> int | None:
        """The revision that holds the definition in force; None for the engine's own jobs."""
        catalogue = self._parts.in_force()
        text = catalogue.source_of(job_id)
        if job_id.startswith(PREFIX):
            return None
        if text in self._revision_ids:
            return self._revision_ids[text]
        return None if _shows_a_secret(catalogue) else await self._keep(JOBS_TOML, text)

    def known_revision_of(self, job_id: JobId) -> int | None:
        """The same without asking the store; None for a text that no run went by yet."""
        return self._revision_ids.get(self._parts.in_force().source_of(job_id))

    async def definition_of(self, run: Run) -> Job | None:
        """The job as the run's revision has it; None when it cannot run any more.

        What has not begun goes by the definition in force when its own no longer fits.
        """
        catalogue = self._parts.in_force()
        in_force = catalogue.jobs.get(run.job_id)
        text = catalogue.source_of(run.job_id)
        if run.revision_id is None or run.revision_id == self._revision_ids.get(text):
            return in_force
        past = (await self._past_jobs(run.revision_id)).get(run.job_id)
        return past or (in_force if run.attempt <= 1 else None)

    async def _past_jobs(self, revision_id: int) -> Mapping[JobId, Job]:
        if revision_id not in self._past:
            jobs = await self._jobs_as_of(revision_id)
            self._past = {**_latest(self._past), revision_id: jobs}
        return self._past[revision_id]

    async def _jobs_as_of(self, revision_id: int) -> Mapping[JobId, Job]:
        try:
            revision = await self._parts.revisions.get(revision_id)
        except NotFound:
            return {}
        catalogue = self._parts.in_force()
        return await asyncio.to_thread(self._parts.jobs_in, revision.text, catalogue)

    def _write(self, file: str, text: str) -> None:
        now = self._parts.read({})
        if now.texts[file] != self._parts.in_force().texts[file]:
            raise Refused(
                f"{file} was changed on disk since it was last read. Look at it, let it be read"
                " again (`nomaflow reload`), then repeat this."
            )
        if now.texts[file] == text:
            raise Refused(f"{file} has that text already.")
        known = set(now.problems)
        then = self._parts.read({file: text})
        if brought := [problem for problem in then.problems if problem not in known]:
            raise InvalidConfiguration(brought)
        self._parts.replace(file, text)

    def _read(self, old: Catalogue) -> Catalogue:
        try:
            return with_builtin_jobs(taken_over(old, self._parts.read({})))
        except InvalidConfiguration as error:
            return replace(old, problems=error.problems)

    def _say(self, old: Catalogue, fresh: Catalogue) -> None:
        log.info("catalogue_reloaded", jobs=len(fresh.jobs), problems=len(fresh.problems))
        known = set(old.problems)
        found = [problem for problem in fresh.problems if problem not in known]
        for problem in found[:MOST_PROBLEMS_LOGGED]:
            log.warning("catalogue_problem", problem=str(problem))
        if waiting := list(_restart_needed(self._at_start, fresh)):
            log.warning("restart_needed", settings=", ".join(waiting))


def _restart_needed(first: Catalogue, now: Catalogue) -> Iterator[str]:
    """What was changed since the start and is not in force before the next one."""
    for section in READ_AT_START:
        before, after = (getattr(catalogue.settings, section) for catalogue in (first, now))
        changed = (name for name, value in after if getattr(before, name) != value)
        yield from (f"{section}.{name}" for name in changed)
    if first.pools.get(STORE) != now.pools.get(STORE):
        yield f"pools.{STORE}"


def _shows_a_secret(catalogue: Catalogue) -> bool:
    """Whether jobs.toml holds a password in plain text, which is stored nowhere else."""
    return any(p.file == JOBS_TOML and p.message == REFUSED for p in catalogue.problems)


def _latest(known: Mapping[K, V]) -> dict[K, V]:
    """The entries that were added last, with room for one more."""
    return dict(list(known.items())[1 - TEXTS_AT_HAND :])
