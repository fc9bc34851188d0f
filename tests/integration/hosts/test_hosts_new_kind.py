"""A step type of an installed package: found by its entry point, executed in a child process."""

from pathlib import Path

import pytest
from tests.integration.hosts.stage import Stage, Watcher

from nomaflow.errors import InvalidConfiguration, NotFound
from nomaflow.steps.registry import StepTypes

MODULE = '''
"""A step type for tests."""

from typing import ClassVar

from nomaflow.steps.base import StepSpec


class GreetSpec(StepSpec):
    whom: str


class GreetStep:
    """Greets somebody."""

    name: ClassVar[str] = "{name}"
    title: ClassVar[str] = "Greet"
    host: ClassVar[str] = "process"
    params_field: ClassVar[str | None] = None
    literal_fields: ClassVar[frozenset[str]] = frozenset()
    Spec = GreetSpec

    def run(self, spec, ctx):
        ctx.log.info("greeting %s", spec.whom)
        return {{"greeting": f"hello {{spec.whom}}"}}


STEP = GreetStep()
'''


def install(folder: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Install a package whose only module is a step type of that name."""
    about = folder / "greeting-1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: greeting\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(f"[nomaflow.steps]\n{name} = greeting_{name}:STEP\n")
    (folder / f"greeting_{name}.py").write_text(MODULE.format(name=name))
    monkeypatch.syspath_prepend(folder)


async def test_a_new_step_type_is_one_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, watcher: Watcher
) -> None:
    install(tmp_path / "site", monkeypatch, "greet")
    stage = Stage(tmp_path)
    output = await stage.step("greet", {"whom": "Ann"}, watcher, {})
    await stage.close()
    assert output == {"greeting": "hello Ann"}
    assert watcher.messages == ["greeting Ann"]


def test_two_step_types_of_one_name_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path / "site", monkeypatch, "python")
    with pytest.raises(InvalidConfiguration, match="'python' is defined twice"):
        StepTypes.discover()


async def test_an_unknown_step_type_lists_those_that_are_installed(stage: Stage) -> None:
    with pytest.raises(
        NotFound, match=r"Unknown step type 'smoke'. Installed are: .*python, .*sql_query"
    ):
        stage.types.find("smoke")
