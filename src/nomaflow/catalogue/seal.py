"""The sealed values of a home: listed and tried, and put under the newest key together."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from nomaflow.catalogue import connectors_toml
from nomaflow.catalogue.home import APP_TOML, Home
from nomaflow.catalogue.jobs import jobs_toml
from nomaflow.catalogue.replacing import replace_together
from nomaflow.catalogue.toml.place import Place
from nomaflow.catalogue.toml.positions import KeyPath
from nomaflow.catalogue.toml.source import TomlSource, parse, read_source
from nomaflow.catalogue.values.secret_values import REFUSED, plain_paths
from nomaflow.catalogue.values.tokens import strings_in
from nomaflow.errors import Problem, SecretsError
from nomaflow.security.vault import Vault, is_sealed, sealing_key_id
from nomaflow.security.vault import rotate as rotated

CANARY = ("secrets", "canary")
_CANARY_HELD_BACK = "the canary's place"


@dataclass(frozen=True)
class SealedValue:
    """One sealed value and where it stands; `problem` says why it does not open, else None.

    `key_id` is None for the older form, which names no key.
    """

    file: str
    line: int | None
    job: str | None
    step: str | None
    field: str | None
    key_id: str | None
    problem: str | None


@dataclass(frozen=True)
class SecretsReport:
    """Every sealed value, and every problem: what does not open, and what is in plain text."""

    sealed: tuple[SealedValue, ...]
    problems: tuple[Problem, ...]


def check(home: Home, vault: Vault) -> SecretsReport:
    """Try every sealed value of the three TOML files, and look for passwords in plain text.

    A file that is not TOML is a problem, for what it holds is not known.
    """
    sources = _sources(home)
    sealed: list[SealedValue] = []
    problems = [problem for source in sources for problem in _unread(source)]
    for source in sources:
        for path, text in strings_in(source.values, is_sealed):
            failure = _failure(vault, path, text)
            found = _place(source, path).problem(failure or "")
            sealed.append(_sealed_value(found, text, failure))
            problems += [found] if failure else []
        problems += [_place(source, path).problem(REFUSED) for path in plain_paths(source.values)]
    return SecretsReport(tuple(sealed), tuple(problems))


def rotate(home: Home, vault: Vault) -> list[Path]:
    """Put every sealed value of the TOML files under the vault's newest key; the changed files.

    All are written before the first takes its place. Raises SecretsError naming file and line of
    a value that does not open, OSError when a file cannot be written; then nothing was changed.
    """
    old = {path: _text(path) for path in _files(home) if path.is_file()}
    new = {path: _rotated(path, text, vault) for path, text in old.items()}
    changed = {path: text for path, text in new.items() if text != old[path]}
    replace_together(changed)
    return list(changed)


def _files(home: Home) -> tuple[Path, ...]:
    return home.app_toml, home.connectors_toml, home.jobs_toml


def _sources(home: Home) -> tuple[TomlSource, ...]:
    return (
        read_source(home.app_toml),
        read_source(home.connectors_toml, connectors_toml.BLOCKS),
        read_source(home.jobs_toml, jobs_toml.BLOCKS),
    )


def _unread(source: TomlSource) -> Iterator[Problem]:
    broken = (problem for _, problem in source.broken)
    for problem in (source.problem, *broken):
        if problem is not None:
            yield Place(source).syntax_problem(problem)


def _failure(vault: Vault, path: KeyPath, text: str) -> str | None:
    try:
        if path == CANARY:
            vault.check_canary(text)
        else:
            vault.unseal(text)
    except SecretsError as error:
        return str(error)
    return None


def _sealed_value(found: Problem, text: str, failure: str | None) -> SealedValue:
    return SealedValue(
        file=found.file,
        line=found.line,
        job=found.job,
        step=found.step,
        field=found.field,
        key_id=sealing_key_id(text),
        problem=failure,
    )


def _place(source: TomlSource, path: KeyPath) -> Place:
    """The place of a value by its path from the top of the file; in jobs.toml with its job."""
    match path:
        case ("jobs", int() as job, "steps", int() as step, *field):
            block = source.values["jobs"][job]
            return Place(
                source,
                path[:4],
                tuple(field),
                job=_label(block, "id", job),
                step=_label(block["steps"][step], "name", step),
            )
        case ("jobs", int() as job, *field):
            name = _label(source.values["jobs"][job], "id", job)
            return Place(source, path[:2], tuple(field), job=name)
        case _:
            return Place(source, field=path)


def _label(block: object, key: str, number: int) -> str:
    name = block.get(key) if isinstance(block, dict) else None
    return str(name or f"#{number + 1}")


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode()
    except UnicodeDecodeError:
        raise SecretsError(f"{path} is not text in UTF-8; nothing was changed.") from None


def _rotated(path: Path, text: str, vault: Vault) -> str:
    canary = _canary(text) if path.name == APP_TOML else None
    try:
        if canary is None:
            return rotated(text, vault)
        vault.check_canary(canary)
        held_back = rotated(text.replace(canary, _CANARY_HELD_BACK), vault)
    except SecretsError as error:
        raise SecretsError(f"{path.name}: {error} Nothing was changed.") from None
    return held_back.replace(_CANARY_HELD_BACK, _newest_canary(canary, vault))


def _canary(text: str) -> str | None:
    """The canary of app.toml, which is sealed in its own way."""
    values = parse(APP_TOML, text).values.get("secrets")
    canary = values.get("canary") if isinstance(values, dict) else None
    return canary if isinstance(canary, str) and canary else None


def _newest_canary(canary: str, vault: Vault) -> str:
    fresh = vault.make_canary()
    return canary if sealing_key_id(canary) == sealing_key_id(fresh) else fresh
