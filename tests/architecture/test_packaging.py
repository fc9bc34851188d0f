"""What is published: the wheel holds everything, and it works where nothing else is."""

import importlib.util
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from tests.architecture.source import ROOT, SRC

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
CONSTRAINTS = ROOT / "constraints.txt"


def run(command: Sequence[str | Path], folder: Path = ROOT) -> str:
    ended = subprocess.run(
        command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def empty_venv(folder: Path) -> Path:
    """A new environment without pip; returns its Python."""
    run([sys.executable, "-m", "venv", "--without-pip", folder])
    return folder / "bin" / "python"


def install(python: Path, *packages: str | Path) -> None:
    has_pip = importlib.util.find_spec("pip") is not None
    program = sys.executable if has_pip else f"{sys.base_prefix}/bin/python3"
    pip = [program, "-m", "pip", "--python", str(python)]
    run([*pip, "install", "-q", "-c", CONSTRAINTS, *packages])


@pytest.fixture(scope="module")
def hatchling(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The build tool, in the version that pyproject.toml names."""
    python = empty_venv(tmp_path_factory.mktemp("hatchling"))
    install(python, *PROJECT["build-system"]["requires"])
    return python.parent / "hatchling"


@pytest.fixture(scope="module")
def published(hatchling: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist and the wheel, as they would be published."""
    folder = tmp_path_factory.mktemp("published")
    run([hatchling, "build", "-t", "sdist", "-t", "wheel", "-d", folder])
    return folder


def only(folder: Path, pattern: str) -> Path:
    (found,) = folder.glob(pattern)
    return found


def files_of(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            yield path.relative_to(folder)


def names_in(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if ".dist-info/" not in name}


@pytest.mark.slow
def test_the_wheel_holds_every_file_of_the_source_and_the_examples(published: Path) -> None:
    source = {str(name) for name in files_of(SRC)}
    examples = {f"nomaflow/cli/demo/examples/{name}" for name in files_of(SRC.parent / "examples")}
    assert names_in(only(published, "*.whl")) == source | examples


@pytest.mark.slow
def test_the_sdist_builds_the_same_wheel(published: Path, hatchling: Path, tmp_path: Path) -> None:
    with tarfile.open(only(published, "*.tar.gz")) as archive:
        archive.extractall(tmp_path, filter="data")
    run([hatchling, "build", "-t", "wheel", "-d", tmp_path], only(tmp_path, "nomaflow-*"))
    assert names_in(only(tmp_path, "*.whl")) == names_in(only(published, "*.whl"))


@pytest.mark.slow
def test_the_installed_command_works_with_its_declared_dependencies_alone(
    published: Path, tmp_path: Path
) -> None:
    python = empty_venv(tmp_path / "clean")
    install(python, only(published, "*.whl"))
    assert "nomaflow" in run([python.parent / "nomaflow", "--help"], tmp_path).lower()


def test_constraints_are_plain_pins_and_name_no_address() -> None:
    pin = re.compile(r"[a-z0-9-]+==[0-9a-z.]+( ; .+)?")
    lines = CONSTRAINTS.read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if not pin.fullmatch(line)] == []


def test_every_declared_dependency_is_pinned() -> None:
    pinned = {line.split("==")[0] for line in CONSTRAINTS.read_text(encoding="utf-8").splitlines()}
    extras = PROJECT["project"]["optional-dependencies"].values()
    declared = {
        re.split(r"[\[<>=~! ]", requirement)[0].lower().replace("_", "-")
        for requirement in [*PROJECT["project"]["dependencies"], *(r for e in extras for r in e)]
    }
    assert declared - {"nomaflow"} - pinned == set()
