"""A home's declarations and plugins as one archive: no secret in the clear, and never the key."""

import json
import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Final
from urllib.parse import urlsplit

from nomaflow.catalogue import seal
from nomaflow.catalogue.home import APP_TOML, CONNECTORS_TOML, JOBS_TOML, Home
from nomaflow.catalogue.toml.place import Place
from nomaflow.catalogue.toml.positions import KeyPath
from nomaflow.catalogue.toml.source import TomlSource, parse
from nomaflow.catalogue.toml.words import is_secret
from nomaflow.catalogue.values.env_file import read_env
from nomaflow.catalogue.values.tokens import has_tokens, strings_in
from nomaflow.errors import Problem, Refused
from nomaflow.security.vault import is_sealed, sealing_key_id

MANIFEST: Final = "manifest.json"
FORMAT: Final = 1
MOST_BYTES: Final = 100 * 2**20
TOML_FILES: Final = (APP_TOML, CONNECTORS_TOML, JOBS_TOML)
PLUGINS: Final = "plugins"
LEAST_SECRET: Final = 8

_VARIABLE = re.compile(r"(?<!\$)\$\{env:([A-Za-z_]\w*)")
_SKIPPED = frozenset({"__pycache__", ".git", ".venv", "node_modules"})


@dataclass(frozen=True)
class Archive:
    """Files by their path in the home, and what they need that no archive holds.

    `variables` are named by ${env:…}; `keys` are the ids of the master keys that sealed values.
    """

    files: Mapping[str, bytes]
    variables: tuple[str, ...]
    keys: tuple[str, ...]
    version: str = ""

    @property
    def texts(self) -> dict[str, str]:
        """The three TOML files, as far as there are such."""
        return {name: self.files[name].decode() for name in TOML_FILES if name in self.files}


def archive_of(home: Home, version: str) -> Archive:
    """What the home declares. Raises Refused for a file that cannot be archived."""
    files = {name: (home.path / name).read_bytes() for name in TOML_FILES if _is_there(home, name)}
    files |= {f"{PLUGINS}/{name}": path.read_bytes() for name, path in _plugins(home)}
    if sum(map(len, files.values())) > MOST_BYTES:
        raise Refused(f"plugins/ has more than {MOST_BYTES >> 20} MiB; an archive is for code.")
    texts = [files[name].decode("utf-8", "replace") for name in TOML_FILES if name in files]
    variables = {name for text in texts for name in _VARIABLE.findall(text)}
    keys = {
        sealing_key_id(text) for source in map(parse, files, texts) for _, text in _sealed(source)
    }
    return Archive(files, tuple(sorted(variables)), tuple(sorted(filter(None, keys))), version)


def write_archive(archive: Archive, stream: BinaryIO) -> None:
    """As a zip file, whose manifest says what else is needed."""
    manifest = {
        "format": FORMAT,
        "nomaflow": archive.version,
        "variables": archive.variables,
        "keys": archive.keys,
    }
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr(MANIFEST, json.dumps(manifest, indent=2))
        for name, content in sorted(archive.files.items()):
            packed.writestr(name, content)


def read_archive(path: Path) -> Archive:
    """Back from `write_archive`. Raises Refused for any other file, and for one that is unsafe."""
    try:
        with zipfile.ZipFile(path) as packed:
            manifest = json.loads(packed.read(MANIFEST))
            if sum(info.file_size for info in packed.infolist()) > MOST_BYTES:
                raise Refused(f"{path} holds more than {MOST_BYTES >> 20} MiB.")
            names = [name for name in packed.namelist() if name != MANIFEST]
            files = {name: packed.read(name) for name in names}
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise Refused(f"{path} is no archive of 'nomaflow export catalogue': {error}.") from None
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise Refused(f"{path} was made by another version of Nomaflow, in a form of its own.")
    if strange := [name for name in names if not _is_ours(name)]:
        raise Refused(f"{path} holds {strange[0]!r}, which is no file of a home's declarations.")
    return Archive(
        files,
        tuple(manifest.get("variables", ())),
        tuple(manifest.get("keys", ())),
        str(manifest.get("nomaflow", "")),
    )


def clear_secrets(home: Home, archive: Archive, key_texts: tuple[str, ...]) -> list[Problem]:
    """Where the archive would show a secret: by a field's name, in a URL, or as a known value."""
    known = {value: f"variable {name}" for name, value in read_env(home.env_file).values.items()}
    known |= dict.fromkeys(key_texts, "the master key")
    problems = [
        found for name, text in archive.texts.items() for found in _plain(parse(name, text))
    ]
    for name, content in archive.files.items():
        problems += _spelled_out(name, content.decode("utf-8", "replace"), known)
    return problems


def _plain(source: TomlSource) -> Iterator[Problem]:
    for path, text in strings_in(source.values, bool):
        if is_sealed(text) or has_tokens(text) or path == seal.CANARY:
            continue
        if is_secret(str(path[-1])):
            yield _problem(source, path, "its name speaks of a secret, and it is in plain text")
        elif "://" in text and _has_password(text):
            yield _problem(source, path, "the URL holds a password")


def _spelled_out(name: str, text: str, known: Mapping[str, str]) -> Iterator[Problem]:
    for value, owner in known.items():
        at = text.find(value) if len(value) >= LEAST_SECRET else -1
        if at >= 0:
            line = text.count("\n", 0, at) + 1
            yield Problem(name, line, None, None, None, f"the value of {owner} stands here")


def _problem(source: TomlSource, path: KeyPath, message: str) -> Problem:
    return Place(source, field=path).problem(message)


def _has_password(text: str) -> bool:
    try:
        return bool(urlsplit(text).password)
    except ValueError:
        return False


def _sealed(source: TomlSource) -> Iterator[tuple[KeyPath, str]]:
    return strings_in(source.values, is_sealed)


def _is_there(home: Home, name: str) -> bool:
    return (home.path / name).is_file()


def _plugins(home: Home) -> Iterator[tuple[str, Path]]:
    """Regular files below plugins/, without what is made from them."""
    for path in sorted(home.plugins.rglob("*")):
        inside = path.relative_to(home.plugins)
        is_made = _SKIPPED & set(inside.parts) or path.suffix == ".pyc"
        if path.is_file() and not path.is_symlink() and not is_made:
            yield inside.as_posix(), path


def _is_ours(name: str) -> bool:
    """Whether the name is a TOML file's, or a plugin's that stays below plugins/."""
    path = PurePosixPath(name)
    is_plugin = path.parts[:1] == (PLUGINS,) and len(path.parts) > 1
    is_safe = ".." not in path.parts and not path.is_absolute() and "\\" not in name
    return name in TOML_FILES or (is_plugin and is_safe and str(path) == name)
