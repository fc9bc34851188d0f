"""The master keys: the newest seals, every one of them opens."""

import base64
import binascii
import hashlib
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from nomaflow.errors import SecretsError

KEY_BYTES = 32
_HEADER = """\
# The master keys of this home, newest first: the first one seals, every one opens.
# Without them no sealed value can be read again. Keep a copy apart from the backups of this home.
"""


@dataclass(frozen=True)
class MasterKey:
    """One key: `id` names it in sealed values, `text` is how it was written.

    `raw` holds its 32 bytes; None when the text is a passphrase of the older system, which can
    open the older form of sealed values and nothing else.
    """

    id: str
    text: str = field(repr=False)
    raw: bytes | None = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> "MasterKey":
        """Base64 of 32 bytes is a key; any other text is a passphrase of the older system."""
        raw = _decoded(text)
        material = raw or text.encode("utf-8", "surrogateescape")
        return cls(hashlib.sha256(material).hexdigest()[:8], text, raw)

    @classmethod
    def generate(cls) -> "MasterKey":
        return cls.parse(base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode())

    def __str__(self) -> str:
        return self.id if self.raw else f"{self.id} (passphrase)"


@dataclass(frozen=True)
class Keys:
    """The master keys, newest first, and `source`, the words for where they were read."""

    entries: tuple[MasterKey, ...]
    source: str

    @property
    def newest(self) -> MasterKey:
        return self.entries[0]

    def find(self, key_id: str) -> MasterKey | None:
        return next((key for key in self.entries if key.id == key_id), None)

    def __iter__(self) -> Iterator[MasterKey]:
        return iter(self.entries)

    def __str__(self) -> str:
        return ", ".join(map(str, self.entries))


def read_keys(file: Path, override: str | None = None) -> Keys:
    """The keys of `override` (NOMAFLOW_MASTER_KEY, comma separated) or else of the key file.

    Raises SecretsError when there is none, or when others than its owner may read the file.
    """
    if override:
        return _parsed(override.split(","), "NOMAFLOW_MASTER_KEY")
    return _parsed(_read_private(file).splitlines(), str(file))


def create_key_file(file: Path) -> Keys:
    """Make a key file with one fresh key, readable by its owner alone.

    Raises SecretsError when the file exists: a key is never overwritten.
    """
    key = MasterKey.generate()
    try:
        _write_private(file, f"{_HEADER}{key.text}\n")
    except FileExistsError:
        raise SecretsError(
            f"{file} exists already and was left as it is: a lost key cannot be made again."
        ) from None
    return Keys((key,), str(file))


def add_key(file: Path) -> Keys:
    """Put a fresh key before those of the key file; the others stay, so that all still opens.

    The new file is written aside and then renamed; a second rotation at the same time is refused.
    """
    text = _read_private(file)
    aside = file.with_name(f"{file.name}.new")
    try:
        _write_private(aside, _with_key_first(text, MasterKey.generate()))
    except FileExistsError:
        raise SecretsError(
            f"{aside} exists: another rotation is under way, or one was interrupted. When none is"
            f" running, delete {aside} and try again; {file.name} still holds every key."
        ) from None
    aside.replace(file)
    _sync(file.parent)
    return read_keys(file)


def _with_key_first(text: str, key: MasterKey) -> str:
    lines = text.splitlines(keepends=True)
    first = next((number for number, line in enumerate(lines) if _is_key(line)), len(lines))
    return "".join([*lines[:first], f"{key.text}\n", *lines[first:]])


def _parsed(lines: list[str], source: str) -> Keys:
    entries = tuple(MasterKey.parse(line.strip()) for line in lines if _is_key(line))
    if not entries:
        raise SecretsError(
            f"There is no master key in {source}. Put the key back from where you keep it."
        )
    return Keys(entries, source)


def _is_key(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith("#")


def _decoded(text: str) -> bytes | None:
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return raw if len(raw) == KEY_BYTES else None


def _read_private(file: Path) -> str:
    try:
        mode = file.stat().st_mode & 0o777
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise SecretsError(
            f"The master key is missing: there is no {file}, and NOMAFLOW_MASTER_KEY is not set."
            " Put the key back from where you keep it; a new home gets one from `nomaflow init`."
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise SecretsError(f"Cannot read the master key from {file}: {error}.") from None
    if mode & 0o077:
        raise SecretsError(
            f"The master key in {file} is open to other users (mode {mode:04o})."
            f" Run: chmod 600 {file}"
        )
    return text


def _write_private(file: Path, text: str) -> None:
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    _sync(file.parent)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
