"""A TOML file of the home folder: its text, its values, and where each of them stands."""

import errno
import os
import stat
import tomllib
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from nomaflow.catalogue.toml.isolate import Block, BlockRule, isolated
from nomaflow.catalogue.toml.positions import Positions
from nomaflow.catalogue.toml.syntax import SyntaxProblem, syntax_problem

MOST_BYTES = 32 * 2**20


@dataclass(frozen=True)
class TomlSource:
    """What could be read of one file.

    `text` is the file as it stands, `healthy_text` the same lines with the broken blocks blanked;
    `values` come from the healthy text. `problem` says why nothing could be read at all.
    """

    file: str
    text: str = ""
    healthy_text: str = ""
    values: dict[str, Any] = field(default_factory=dict)
    broken: tuple[tuple[Block, SyntaxProblem], ...] = ()
    problem: SyntaxProblem | None = None

    @cached_property
    def positions(self) -> Positions:
        return Positions(self.healthy_text)

    def number(self, table: str, index: int) -> int:
        """Which item of an array of tables this is in the whole file, from 1."""
        line = self.positions.nearest((table, index))
        return index + 1 + sum(block.before < line for block, _ in self.broken if block.header)


def read_source(path: Path, rule: BlockRule | None = None) -> TomlSource:
    """Read a file; a missing one is an empty one. Never raises for what the file holds.

    With a `rule`, a syntax error costs only the block in which it stands.
    """
    try:
        data = _bytes_of(path)
    except FileNotFoundError:
        return TomlSource(path.name)
    except OSError as error:
        message = f"cannot be read: {error.strerror}; expected a file that the service may read"
        return TomlSource(path.name, problem=SyntaxProblem(1, message))
    try:
        text = data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return TomlSource(path.name, problem=SyntaxProblem(line, "expected text in UTF-8"))
    return parse(path.name, text, rule)


def _bytes_of(path: Path) -> bytes:
    """Raises OSError, also for what may never end: a pipe, a device, some other large file."""
    with open(path, "rb", opener=_opened_at_once) as file:
        about = os.fstat(file.fileno())
        if not stat.S_ISREG(about.st_mode):
            raise OSError(errno.EINVAL, "it is a pipe or a device")
        if about.st_size > MOST_BYTES:
            raise OSError(errno.EFBIG, f"it is larger than {MOST_BYTES // 2**20} MiB")
        return file.read(MOST_BYTES)


def _opened_at_once(path: str, flags: int) -> int:
    """A pipe would wait for who writes into it."""
    return os.open(path, flags | os.O_NONBLOCK)


def parse(file: str, text: str, rule: BlockRule | None = None) -> TomlSource:
    """The same for a text that is at hand; `file` names it in problems."""
    try:
        return TomlSource(file, text, text, tomllib.loads(text))
    except (tomllib.TOMLDecodeError, RecursionError):
        if rule is None:
            return TomlSource(file, text, problem=syntax_problem(text))
    sound = isolated(text, rule)
    return TomlSource(file, text, sound.text, tomllib.loads(sound.text), sound.broken)
