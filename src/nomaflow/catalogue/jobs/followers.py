"""Jobs that start jobs: by `after`, and by steps that call. None may start itself in the end."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

from nomaflow.catalogue.model import BrokenJob
from nomaflow.catalogue.toml import words
from nomaflow.catalogue.toml.place import Place
from nomaflow.catalogue.toml.positions import KeyPath
from nomaflow.catalogue.toml.source import TomlSource
from nomaflow.domain.job import Job, JobId
from nomaflow.errors import Problem

Called = tuple[KeyPath, JobId]
"""A job that a step calls, and where in the caller's block that is said."""
CallsOf = Callable[[Job], Sequence[Called]]


def broken_followers(
    source: TomlSource,
    jobs: Mapping[JobId, Job],
    broken: Collection[BrokenJob],
    calls_of: CallsOf,
) -> list[BrokenJob]:
    """The jobs that name a job that is not there, or start themselves in the end."""
    linked = [(job, calls_of(job)) for job in jobs.values()]
    linked = [(job, calls) for job, calls in linked if job.after or calls]
    links = _Links({*jobs, *(job.id for job in broken)}, linked)
    found = []
    for job, calls in linked:
        place = Place(source, ("jobs", _index(source, job.id)), job=job.id)
        problems = (*links.after_problems(job, place), *links.call_problems(job, calls, place))
        if problems:
            found.append(BrokenJob(job.id, problems))
    return found


class _Links:
    """Which jobs a run of each job may start."""

    def __init__(
        self, known: Collection[str], linked: Sequence[tuple[Job, Sequence[Called]]]
    ) -> None:
        self._known = known
        self._starts: dict[JobId, list[JobId]] = {}
        for job, calls in linked:
            for entry in job.after:
                self._starts.setdefault(JobId(entry.job), []).append(job.id)
            self._starts.setdefault(job.id, []).extend(callee for _, callee in calls)

    def after_problems(self, job: Job, place: Place) -> Iterator[Problem]:
        for number, entry in enumerate(job.after):
            here = place.at("after", number, "job")
            yield from self._problems(JobId(entry.job), job.id, here)
            if entry in job.after[:number]:
                yield here.problem(f"'{entry.job}' with on = '{entry.on}' is named twice")

    def call_problems(self, job: Job, calls: Sequence[Called], place: Place) -> Iterator[Problem]:
        for path, callee in calls:
            here = _step_place(job, place, path)
            yield from self._problems(job.id, callee, here, other=callee)

    def _problems(
        self, starter: JobId, started: JobId, here: Place, other: JobId | None = None
    ) -> Iterator[Problem]:
        """What is wrong with a link; `other` is its end that the place names, else the starter."""
        named = other or starter
        if named not in self._known:
            yield here.problem(words.unknown_name("job", named, self._known))
        elif way := self._way(started, starter):
            circle = " → ".join(f"'{name}'" for name in (starter, *way))
            yield here.problem(f"the job would start itself ({circle}); expected no circle")

    def _way(self, start: JobId, goal: JobId) -> tuple[JobId, ...]:
        """The shortest way from a job to one that it starts, both included; empty: none."""
        ways: list[tuple[JobId, ...]] = [(start,)]
        seen = {start}
        for way in ways:
            if way[-1] == goal:
                return way
            fresh = [job for job in self._starts.get(way[-1], ()) if job not in seen]
            seen |= set(fresh)
            ways += [(*way, job) for job in fresh]
        return ()


def _step_place(job: Job, place: Place, path: KeyPath) -> Place:
    """The place of a field of a step, whose name is told too."""
    _, number, *field = path
    step = job.steps[int(number)].name
    return Place(place.source, (*place.root, *path[:2]), tuple(field), job=job.id, step=step)


def _index(source: TomlSource, job_id: JobId) -> int:
    ids = [block.get("id") if isinstance(block, dict) else None for block in source.values["jobs"]]
    return ids.index(job_id)
