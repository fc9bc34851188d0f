"""jobs.toml: every job checked by itself, so that a broken one stops no other."""

import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from nomaflow.catalogue.connectors_toml import Reach
from nomaflow.catalogue.jobs.followers import broken_followers
from nomaflow.catalogue.jobs.job_reader import TABLES, JobReader, stray
from nomaflow.catalogue.jobs.steps_reader import StepReader
from nomaflow.catalogue.model import BrokenJob
from nomaflow.catalogue.toml.isolate import Block, BlockRule
from nomaflow.catalogue.toml.place import Place
from nomaflow.catalogue.toml.source import TomlSource
from nomaflow.catalogue.toml.syntax import SyntaxProblem
from nomaflow.domain.job import Job, JobId
from nomaflow.errors import Problem
from nomaflow.steps.base import StepType

BLOCKS = BlockRule(
    header=re.compile(r"^[ \t]*\[+[ \t]*jobs[ \t]*\]*[ \t]*(?:#[^\n]*)?$", re.MULTILINE),
    proper=re.compile(r"[ \t]*\[\[[ \t]*jobs[ \t]*\]\][ \t]*(?:#.*)?$"),
    expected="expected the header [[jobs]]",
)
_ID = re.compile(r"""^[ \t]*id[ \t]*=[ \t]*["']([^"'\n]*)["']""", re.MULTILINE)
_STEP = re.compile(r"^[ \t]*\[\[[ \t]*jobs[ \t]*\.[ \t]*steps", re.MULTILINE)
_STEP_NAME = re.compile(r"""^[ \t]*name[ \t]*=[ \t]*["']([^"'\n]*)["']""", re.MULTILINE)
_SHARED_DEFAULTS = re.compile(r"^[ \t]*\[[ \t]*step_defaults\b", re.MULTILINE)


@dataclass
class Declared:
    """The sound jobs, the broken ones, and the problems that belong to no job."""

    jobs: dict[JobId, Job] = field(default_factory=dict)
    broken: list[BrokenJob] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def read_jobs(source: TomlSource, types: Mapping[str, StepType[Any]], reach: Reach) -> Declared:
    """Every job of jobs.toml. Nothing that the file holds makes it raise."""
    steps = StepReader(types, reach)
    defaults = source.values.get("step_defaults", {})
    place = Place(source).at("step_defaults")
    doubts = [*_lost_defaults(source), *steps.defaults_problems(defaults, place)]
    declared = Declared(
        broken=list(_broken_blocks(source)), problems=[*_file_problems(source), *doubts]
    )
    reader = JobReader(source, steps, defaults, in_doubt=bool(doubts))
    _read_each(reader, _blocks(source), declared)
    for broken in broken_followers(source, declared.jobs, declared.broken, steps.called_jobs):
        declared.broken.append(broken)
        del declared.jobs[JobId(broken.id)]
    return declared


def _read_each(reader: JobReader, blocks: list[Any], declared: Declared) -> None:
    strays = _strays(reader.source, len(blocks))
    above_all = Place(reader.source)
    declared.problems += [stray(above_all, key) for key in strays.pop(-1, [])]
    for index, values in enumerate(blocks):
        read = reader.read(index, values, strays.get(index, ()))
        if isinstance(read, Job):
            declared.jobs[read.id] = read
        else:
            declared.broken.append(read)


def _strays(source: TomlSource, count: int) -> dict[int, list[str]]:
    """Unknown tables by the index of the job in whose lines they stand, -1 for those above all.

    What was meant as [[jobs.steps]] may be one of them, so that job is not whole.
    """
    strays: dict[int, list[str]] = {}
    for key in source.values.keys() - set(TABLES):
        line = source.positions.nearest((key,))
        starts = [source.positions.nearest(("jobs", index)) for index in range(count)]
        strays.setdefault(bisect_left(starts, line) - 1, []).append(key)
    return strays


def _blocks(source: TomlSource) -> list[Any]:
    blocks = source.values.get("jobs", [])
    return blocks if isinstance(blocks, list) else []


def _file_problems(source: TomlSource) -> Iterator[Problem]:
    top = Place(source)
    if source.problem is not None:
        yield top.syntax_problem(source.problem)
    for block, problem in source.broken:
        if not block.header:
            yield top.syntax_problem(problem)
    if not isinstance(source.values.get("jobs", []), list):
        yield top.at("jobs").problem("expected blocks that begin with [[jobs]]")


def _lost_defaults(source: TomlSource) -> Iterator[Problem]:
    """Without the defaults that stood in a broken block, any job could do something else."""
    for block, problem in source.broken:
        is_lost = (
            _SHARED_DEFAULTS.search(block.text) if block.header else "step_defaults" in block.text
        )
        if is_lost:
            message = "could not be read: no job runs without the defaults that it was written for"
            yield Place(source, field=("step_defaults",)).syntax_problem(
                SyntaxProblem(problem.line, message)
            )


def _broken_blocks(source: TomlSource) -> Iterator[BrokenJob]:
    return (_broken_block(source, *entry) for entry in source.broken if entry[0].header)


def _broken_block(source: TomlSource, block: Block, problem: SyntaxProblem) -> BrokenJob:
    """A job whose text is no TOML: its id and step are guessed from the lines."""
    upto = "\n".join(block.text.split("\n")[: problem.line - block.before])
    found = _ID.search(block.text)
    job = found[1] if found else f"#{block.number}"
    *_, last_step = _STEP.split(upto)
    names = _STEP_NAME.findall(last_step) if _STEP.search(upto) else []
    place = Place(source, job=job, step=names[-1] if names else None)
    return BrokenJob(job, (place.syntax_problem(problem),))
