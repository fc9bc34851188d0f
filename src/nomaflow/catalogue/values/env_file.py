"""The env file: KEY=VALUE lines, read when a value is used."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from nomaflow.catalogue.replacing import replace_together
from nomaflow.errors import Problem

_LINE = re.compile(
    r"""[ \t]*(?:export[ \t]+)?(?P<key>[A-Za-z_][A-Za-z0-9_]*)[ \t]*=[ \t]*
    (?:'(?P<single>[^']*)'|"(?P<double>(?:\\.|[^"\\])*)"|(?P<bare>[^'"\n][^\n]*?|))
    [ \t]*(?:(?<=[\s'"=])\#[^\n]*)?(?:\n|\Z)""",
    re.VERBOSE | re.DOTALL,
)
_EMPTY = re.compile(r"[ \t]*(?:#[^\n]*)?(?:\n|\Z)")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}
_Stamp = tuple[int, int]
_EXPECTED = "expected KEY=VALUE; a value with blanks, quotes or '#' stands in quotes"


@dataclass(frozen=True)
class EnvFile:
    """What an env file says, and the lines that could not be read."""

    values: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()


def parse_env(text: str, file: str = ".env") -> EnvFile:
    """Read KEY=VALUE lines: quotes (a quoted value may span lines), `export`, `#` comments."""
    text = text.replace("\r\n", "\n")
    values: dict[str, str] = {}
    problems: list[Problem] = []
    at = 0
    while at < len(text):
        if match := _EMPTY.match(text, at):
            at = match.end()
        elif match := _LINE.match(text, at):
            values[match["key"]] = _value(match)
            at = match.end()
        else:
            line = text.count("\n", 0, at) + 1
            problems.append(Problem(file, line, None, None, None, _EXPECTED))
            at = text.find("\n", at) + 1 or len(text)
    return EnvFile(values, tuple(problems))


def read_env(path: Path) -> EnvFile:
    """Read the env file; a missing one is an empty one."""
    try:
        return parse_env(path.read_text("utf-8-sig"), path.name)
    except FileNotFoundError:
        return EnvFile()
    except (OSError, UnicodeDecodeError):
        message = "cannot be read: expected a text file in UTF-8 that the service may read"
        return EnvFile(problems=(Problem(path.name, None, None, None, None, message),))


def append_env(path: Path, values: Mapping[str, str]) -> None:
    """Add variables to the env file; one that it has already stays as it is."""
    known = read_env(path).values
    lines = [f"{name}={_quoted(text)}\n" for name, text in values.items() if name not in known]
    if not lines:
        return
    path.touch(mode=0o600, exist_ok=True)
    text = path.read_text("utf-8")
    separator = "" if not text or text.endswith("\n") else "\n"
    replace_together({path: f"{text}{separator}{''.join(lines)}"})


class Variables:
    """What ${env:…} may name: the variables of the env file, then those of the process.

    A changed env file counts from the next look on. Every value of the file, and every value that
    is asked for, is told to `keep_secret`, so that it is masked wherever it would be shown.
    Thread-safe.
    """

    def __init__(
        self, path: Path, process: Mapping[str, str], keep_secret: Callable[[str], None]
    ) -> None:
        self._path = path
        self._process = process
        self._keep_secret = keep_secret
        self._last_read: tuple[_Stamp | None, Mapping[str, str]] = (None, {})
        self._of_file()

    def __call__(self, name: str) -> str | None:
        """The variable's value; None when nobody set it."""
        value = self._of_file().get(name, self._process.get(name))
        if value:
            self._keep_secret(value)
        return value

    def _of_file(self) -> Mapping[str, str]:
        stamp = self._now()
        last_stamp, values = self._last_read
        if stamp != last_stamp:
            values = read_env(self._path).values
            for value in values.values():
                self._keep_secret(value)
            self._last_read = stamp, values
        return values

    def _now(self) -> _Stamp | None:
        try:
            status = self._path.stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_size


def _quoted(value: str) -> str:
    """As `parse_env` reads it back."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _value(match: re.Match[str]) -> str:
    if match["single"] is not None:
        return match["single"]
    if match["double"] is not None:
        return re.sub(
            r"\\(.)", lambda m: _ESCAPES.get(m[1], m[1]), match["double"], flags=re.DOTALL
        )
    return match["bare"].strip()
