"""The one command that sets everything up says what is wrong when it cannot."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What setup.py reads of this folder, somewhere else."""
    shutil.copytree(ROOT / "tools", tmp_path / "tools")
    for name in ("pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def set_up(checkout: Path, before: str) -> subprocess.CompletedProcess[str]:
    """Run `setup.py run` there, after the statement `before`."""
    script = checkout / "tools" / "setup.py"
    code = (
        f"import runpy, sys; sys.path.insert(0, {str(script.parent)!r}); {before};"
        " sys.argv = ['setup.py', 'run'];"
        f" runpy.run_path({str(script)!r}, run_name='__main__')"
    )
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)


def test_a_python_without_pip_is_told_what_to_install(checkout: Path) -> None:
    ended = set_up(checkout, "sys.modules['pip'] = sys.modules['ensurepip'] = None")
    assert ended.returncode == 1
    assert "On Debian install python3-venv" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_an_old_python_is_refused(checkout: Path) -> None:
    ended = set_up(checkout, "sys.version_info = (3, 10, 12)")
    assert ended.returncode == 1
    assert "Nomaflow needs Python 3.11 or newer" in ended.stderr


def test_what_pip_says_is_shown_when_it_fails(checkout: Path) -> None:
    (checkout / "constraints.txt").write_text("not a requirement !\n")
    ended = set_up(checkout, "sys.modules['pip'] = None")
    assert ended.returncode == 1
    assert "not a requirement !" in ended.stderr
    assert "This command failed" in ended.stderr
    assert not list((checkout / ".venv").glob(".nomaflow-*"))


def test_make_alone_lists_every_target() -> None:
    listed = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True).stdout
    for target in ("demo", "test", "check", "format", "bench", "help"):
        assert f"make {target} " in listed
