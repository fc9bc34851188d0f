"""A step type, a dialect, an executor: one new file of a package, nothing else edited."""

import json
import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

from tests.homes import a_home

ENTRY_POINTS = """\
[nomaflow.steps]
shout = acme_shout:STEP
[nomaflow.dialects]
acmelite = acme_dialect:DIALECT
[nomaflow.executors]
one-by-one = acme_executor:EXECUTOR
"""

STEP = '''
"""A step that shouts."""

from nomaflow.steps.base import StepSpec


class Spec(StepSpec):
    text: str


class Shout:
    name = "shout"
    title = "Shout"
    host = "process"
    params_field = None
    literal_fields = frozenset()
    Spec = Spec

    def run(self, spec, ctx):
        connector = ctx.get_connector("acme")
        answer = connector.scalar("SELECT upper(:text)", {"text": spec.text})
        ctx.log.info("shouted")
        return {"said": answer, "dialect": connector.dialect.name}


STEP = Shout()
'''

DIALECT = '''
"""SQLite under another name."""

from dataclasses import replace

from nomaflow.connectors.dialects.sqlite import DIALECT as SQLITE


class AcmeLite(type(SQLITE)):
    name = "acmelite"
    schemes = frozenset({"acmelite"})

    def engine(self, pool):
        return super().engine(replace(pool, url=pool.url.replace("acmelite:", "sqlite:")))


DIALECT = AcmeLite()
'''

EXECUTOR = '''
"""The local executor with one slot."""

from dataclasses import replace

from nomaflow.queue.executors.local import LocalExecutor


class OneByOne:
    name = "one-by-one"

    async def start(self, parts, handle):
        async def told(run):
            print(f"one-by-one takes run {run.id}", file=__import__("sys").stderr)
            await handle(run)

        return LocalExecutor(replace(parts, slots=1), told)


EXECUTOR = OneByOne()
'''

JOBS = """
[[jobs]]
id = "loud"
[[jobs.steps]]
name = "shout"
type = "shout"
text = "${kw:word}"
[jobs.params]
word = "hello"
"""


def an_installed_package(folder: Path) -> Path:
    info = folder / "acme-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(ENTRY_POINTS)
    for name, source in (("shout", STEP), ("dialect", DIALECT), ("executor", EXECUTOR)):
        (folder / f"acme_{name}.py").write_text(dedent(source))
    return folder


def nomaflow(home: Path, packages: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "nomaflow", *words, "--home", str(home)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "PYTHONPATH": str(packages)},
    )


def test_a_job_uses_a_step_type_a_dialect_and_an_executor_of_an_installed_package(
    tmp_path: Path,
) -> None:
    packages = an_installed_package(tmp_path / "site")
    connectors = f"""
    [pools.acme]
    url = "acmelite:///{tmp_path}/acme.db"
    [connectors.acme]
    type = "sql"
    pool = "acme"
    """
    home = a_home(tmp_path / "home", JOBS, connectors=connectors)
    settings = home / "app.toml"
    settings.write_text(settings.read_text() + '\n[executor]\nkind = "one-by-one"\n')

    validated = nomaflow(home, packages, "validate")
    ran = nomaflow(home, packages, "run", "loud", "--wait", "--json")

    assert validated.returncode == 0, validated.stdout + validated.stderr
    assert ran.returncode == 0, ran.stdout + ran.stderr
    (step,) = json.loads(ran.stdout)["steps"]
    assert step["output"] == {"said": "HELLO", "dialect": "acmelite"}
    assert "one-by-one takes run 1" in ran.stderr


def test_without_the_package_each_unknown_kind_is_named_with_those_that_are_installed(
    tmp_path: Path,
) -> None:
    home = a_home(tmp_path / "home", JOBS)

    validated = nomaflow(home, tmp_path, "validate", "--json")

    (problem,) = json.loads(validated.stdout)["problems"]
    assert validated.returncode == 3
    assert (problem["step"], problem["field"]) == ("shout", "type")
    assert "sql_query" in problem["message"]
