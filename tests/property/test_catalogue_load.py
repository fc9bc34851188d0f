"""Nothing that stands in the files makes the load fail, or a healthy job disappear."""

import json
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.catalogue.kinds import HEALTHY_JOB, load_texts

from nomaflow.catalogue.model import Catalogue

KEYS = (
    "id",
    "name",
    "type",
    "schedule",
    "interval",
    "interval_anchor",
    "timezone",
    "timeout_seconds",
    "tags",
    "params",
    "retry",
    "step_defaults",
    "steps",
    "connector",
    "query",
    "source",
    "target",
    "password",
    "pool",
    "url",
    "overlap",
    "misfire",
    "default",
    "jobs",
    "pools",
    "when",
)
HEADERS = ("[[jobs]]", "[[jobs.steps]]", "[jobs]", "[pools.a]", "[connectors.a]", "[step_defaults]")
NOISE = ("", "#", "]]", "[[jobs", '"""', "'''", "a =", "= 1", "{", "[", '"', "\\", "\x00", "é")

scalars = st.one_of(
    st.integers(-5, 5),
    st.floats(),
    st.booleans(),
    st.sampled_from(["", "a", "sql_query", "sql_copy", "http", "default", "${env:A}", "${", "1m"]),
    st.just(datetime(2026, 1, 1, tzinfo=UTC)),
)
keys = st.sampled_from(KEYS)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=6,
)
tables = st.dictionaries(keys, values, max_size=5)
lines = st.lists(
    st.one_of(
        st.sampled_from(HEADERS),
        st.sampled_from(NOISE),
        st.builds(lambda key, value: f"{key} = {toml(value)}", keys, values),
    ),
    max_size=12,
)


def toml(value: Any) -> str:
    """The value as TOML writes it on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {toml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    if isinstance(value, bool | str):
        return json.dumps(value)
    return value.isoformat() if isinstance(value, datetime) else repr(value)


def loaded(**texts: str) -> Catalogue:
    with TemporaryDirectory() as folder:
        return load_texts(Path(folder), **texts)


def healthy_ids(catalogue: Catalogue) -> set[str]:
    return {job for job in catalogue.jobs if job.startswith("healthy")}


@settings(deadline=None)
@given(lines)
def test_a_soup_of_lines_loads_and_says_what_is_wrong(soup: list[str]) -> None:
    text = "\n".join(soup)
    catalogue = loaded(jobs=text, connectors=text, app=text)
    assert all(problem.message and problem.line for problem in catalogue.problems)
    assert all(job.problems for job in catalogue.broken)


@settings(deadline=None)
@given(tables, st.lists(tables, max_size=2))
def test_a_job_of_any_shape_leaves_the_others(job: dict[str, Any], steps: list[Any]) -> None:
    job = {"id": "strange", **{key: job[key] for key in job if key not in ("id", "steps")}}
    text = f"{HEALTHY_JOB}[[jobs]]\n" + "".join(f"{k} = {toml(v)}\n" for k, v in job.items())
    text += f"steps = {toml(steps)}\n" + HEALTHY_JOB.replace("healthy", "healthy-too")
    catalogue = loaded(jobs=text)
    assert healthy_ids(catalogue) == {"healthy", "healthy-too"}
    assert ("strange" in catalogue.jobs) != bool(catalogue.problems)


@settings(deadline=None)
@given(st.sampled_from(["pools", "connectors"]), tables)
def test_a_block_of_any_shape_leaves_the_jobs_on_the_store(
    kind: str, block: dict[str, Any]
) -> None:
    text = f"[{kind}.strange]\n" + "".join(f"{k} = {toml(v)}\n" for k, v in block.items())
    assert healthy_ids(loaded(jobs=HEALTHY_JOB, connectors=text)) == {"healthy"}
