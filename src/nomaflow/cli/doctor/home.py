"""The home folder: its files, their modes, its keys, its problems."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from nomaflow.catalogue import seal
from nomaflow.catalogue.home import Home
from nomaflow.catalogue.load import load
from nomaflow.cli.doctor.finding import Finding, warning, wrong
from nomaflow.config import Environment
from nomaflow.errors import InvalidConfiguration, SecretsError
from nomaflow.security.keys import Keys, read_keys
from nomaflow.security.vault import Vault

LEAST_FREE_BYTES = 256 * 2**20
LITTLE_FREE_BYTES = 2 * 2**30


def look_at_home(home: Home, environment: Environment) -> Iterator[Finding]:
    """Everything that can be seen of the home without opening anything that it names."""
    yield from _problems(home)
    if home.exists:
        yield from _modes(home)
        yield from _room(home)
        yield from _secrets(home, environment)


def _problems(home: Home) -> Iterator[Finding]:
    try:
        catalogue = load(home)
    except InvalidConfiguration as error:
        yield from (wrong("home", str(problem), "Correct it.") for problem in error.problems)
        return
    for problem in catalogue.problems:
        advice = "Correct it; what it does not touch goes on. 'nomaflow validate' looks again."
        yield wrong("home", str(problem), advice)
    if not catalogue.problems:
        disabled = sum(not job.enabled for job in catalogue.jobs.values())
        yield Finding("home", f"no problems; jobs: {len(catalogue.jobs)}, disabled: {disabled}")


def _modes(home: Home) -> Iterator[Finding]:
    for file in (home.env_file, home.data):
        if file.exists() and (mode := file.stat().st_mode & 0o777) & 0o077:
            wanted = "700" if file.is_dir() else "600"
            what = f"{file.name} is open to other users (mode {mode:04o})"
            yield warning("modes", what, f"Run: chmod {wanted} {file}")
    for path in (home.path, *home.declarations, home.data):
        if path.exists() and not os.access(path, os.W_OK):
            what = f"{path} cannot be written by this user"
            yield warning("modes", what, "Saves and the store need it: give it to the service.")
    if not home.plugins.is_dir():
        yield warning("modes", "there is no folder plugins/", f"Run: mkdir {home.plugins}")


def _room(home: Home) -> Iterator[Finding]:
    folder = home.data if home.data.exists() else home.path
    free = shutil.disk_usage(folder).free
    what = f"{free / 2**30:.1f} GiB are free for {folder}"
    if free < LEAST_FREE_BYTES:
        yield wrong("disk", what, "Make room now: runs stop when the store cannot be written.")
    elif free < LITTLE_FREE_BYTES:
        yield warning("disk", what, "Make room, or keep less: [retention] days in app.toml.")
    else:
        yield Finding("disk", what)


def _secrets(home: Home, environment: Environment) -> Iterator[Finding]:
    try:
        keys = read_keys(home.master_key, environment.master_key)
    except SecretsError as error:
        yield wrong("secrets", str(error), "Without its key no sealed value can be read.")
        return
    report = seal.check(home, Vault(keys))
    for value in report.sealed:
        if value.problem:
            place = f"{value.file}:{value.line}, {value.field}: {value.problem}"
            yield wrong("secrets", place, "Put the old key back, or seal the value again.")
    if not any(value.field == ".".join(seal.CANARY) for value in report.sealed):
        what = "app.toml has no canary: a wrong key would not be noticed at start"
        yield warning("secrets", what, "Copy [secrets] canary from a home of 'nomaflow init'.")
    yield Finding(
        "secrets", f"sealed values: {len(report.sealed)}, {_named(keys, home.master_key)}"
    )


def _named(keys: Keys, file: Path) -> str:
    source = file.name if keys.source == str(file) else keys.source
    return f"keys in {source}: {len(tuple(keys))}"
