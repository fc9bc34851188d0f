"""Jobs after jobs: what each `after` names, and that nothing follows itself."""

from collections.abc import Collection, Iterator, Mapping

from nomaflow.catalogue import words
from nomaflow.catalogue.model import BrokenJob
from nomaflow.catalogue.place import Place
from nomaflow.catalogue.toml_source import TomlSource
from nomaflow.domain.job import Job, JobId
from nomaflow.errors import Problem


def broken_followers(
    source: TomlSource, jobs: Mapping[JobId, Job], broken: Collection[BrokenJob]
) -> list[BrokenJob]:
    """The jobs of the file that follow a job that is not there, or themselves in the end."""
    known = {*jobs, *(job.id for job in broken)}
    found = []
    for job in filter(follows, jobs.values()):
        place = Place(source, ("jobs", _index(source, job.id)), job=job.id)
        if problems := tuple(_problems(job, jobs, known, place)):
            found.append(BrokenJob(job.id, problems))
    return found


def follows(job: Job) -> bool:
    """Whether the job comes after another; few do, and only they are looked for in the file."""
    return bool(job.after)


def _problems(
    job: Job, jobs: Mapping[JobId, Job], known: Collection[str], place: Place
) -> Iterator[Problem]:
    for number, entry in enumerate(job.after):
        here = place.at("after", number, "job")
        if entry.job not in known:
            yield here.problem(words.unknown_name("job", entry.job, known))
        elif way := _way(JobId(entry.job), job.id, jobs):
            circle = " → ".join(f"'{name}'" for name in (job.id, *way))
            yield here.problem(f"the job would follow itself ({circle}); expected no circle")
        if entry in job.after[:number]:
            yield here.problem(f"'{entry.job}' with on = '{entry.on}' is named twice")


def _way(start: JobId, goal: JobId, jobs: Mapping[JobId, Job]) -> tuple[JobId, ...]:
    """The shortest way from a job to one that it follows, both included; empty: there is none."""
    ways: list[tuple[JobId, ...]] = [(start,)]
    seen = {start}
    for way in ways:
        if way[-1] == goal:
            return way
        parents = [JobId(entry.job) for entry in jobs[way[-1]].after] if way[-1] in jobs else []
        fresh = [parent for parent in parents if parent not in seen]
        seen |= set(fresh)
        ways += [(*way, parent) for parent in fresh]
    return ()


def _index(source: TomlSource, job_id: JobId) -> int:
    ids = [block.get("id") if isinstance(block, dict) else None for block in source.values["jobs"]]
    return ids.index(job_id)
