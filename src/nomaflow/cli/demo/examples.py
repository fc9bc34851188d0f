"""The examples in the demo: their jobs in its catalogue, their services beside its server."""

import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from importlib.util import module_from_spec, spec_from_file_location
from itertools import pairwise
from pathlib import Path
from types import ModuleType

from nomaflow.catalogue.home import Home
from nomaflow.domain.run import RunOptions

Command = tuple[str, ...]
CACHES = shutil.ignore_patterns("__pycache__")
_HERE = Path(__file__).resolve()
_FOLDERS = (_HERE.with_name("examples"), _HERE.parents[4] / "examples")
_SECTION = re.compile(r"^(?=\[)", re.MULTILINE)


def names() -> list[str]:
    """The examples that are installed, or those of the source's folder."""
    return sorted(file.parent.name for file in _folder().glob("*/example.py"))


def example(name: str) -> ModuleType:
    """What makes the example's outside world, and tries it."""
    _module("sample_service", _folder() / "sample_service.py")
    return _module(f"example_{name.replace('-', '_')}", _folder() / name / "example.py")


def lay_out(home: Home) -> None:
    """Add the examples' jobs, connectors and plugins; what cannot run here is disabled."""
    for name in names():
        plugins = _folder() / name / "plugins"
        if plugins.is_dir():
            shutil.copytree(plugins, home.plugins, dirs_exist_ok=True, ignore=CACHES)
        _append(home.jobs_toml, _jobs(name))
        _append(home.connectors_toml, _unknown(_read(home.connectors_toml), name))


def prepare(home: Home) -> None:
    """Make the examples' databases and files; once for each home."""
    for name in _runnable():
        example(name).prepare(home.path)


@contextmanager
def surroundings(home: Home) -> Iterator[None]:
    """The services of the examples, while the context is open."""
    with ExitStack() as stack:
        for name in _runnable():
            world = getattr(example(name), "world", nullcontext)
            stack.enter_context(world(home.path))
        yield


def tries() -> Iterator[tuple[str, RunOptions]]:
    """The runs by which the examples show what they do: jobs, and what is asked of them.

    Some of them are meant to be refused.
    """
    for name in _runnable():
        for _, job, *options in example(name).COMMANDS:
            yield job, _options(tuple(options))


def _options(words: Command) -> RunOptions:
    """What `--param` and `--preset` of a command line say."""
    given = list(pairwise(words))
    params = dict(value.split("=", 1) for word, value in given if word == "--param")
    presets = [value for word, value in given if word == "--preset"]
    return RunOptions(params=params, preset=next(iter(presets), None))


def _runnable() -> list[str]:
    return [name for name in names() if _missing(name) is None]


def _missing(name: str) -> str | None:
    """Why the example cannot run here."""
    reason: str | None = getattr(example(name), "missing", lambda: None)()
    return reason


def _jobs(name: str) -> str:
    text, reason = _read(_folder() / name / "jobs.toml"), _missing(name)
    if reason is None:
        return text
    disabled = rf'description = "\1. {reason}"\nenabled = false'
    return re.sub(r'(?m)^description = "(.*)"$', disabled, text)


def _unknown(connectors: str, name: str) -> str:
    """The example's pools and connectors which these do not have."""
    known = {_header(section) for section in _SECTION.split(connectors)}
    sections = _SECTION.split(_read(_folder() / name / "connectors.toml"))
    return "".join(section for section in sections if _header(section) not in known)


def _header(section: str) -> str:
    return section.partition("\n")[0].strip()


def _append(file: Path, text: str) -> None:
    file.write_text(f"{_read(file).rstrip()}\n\n{text.strip()}\n".lstrip(), encoding="utf-8")


def _read(file: Path) -> str:
    return file.read_text(encoding="utf-8")


def _folder() -> Path:
    return next(folder for folder in _FOLDERS if folder.is_dir())


def _module(name: str, file: Path) -> ModuleType:
    """The file's module; loaded once, for it keeps what its services were asked."""
    if name not in sys.modules:
        spec = spec_from_file_location(name, file)
        if spec is None or spec.loader is None:
            raise ImportError(f"{file} cannot be read as Python.")
        sys.modules[name] = module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]
