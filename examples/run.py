"""Runs one of the examples in a home of its own: `python examples/run.py NAME [--home DIR]`.

Each folder beside this file is the catalogue of a home, and an `example.py` that makes the
outside world for it: sample databases, files, a service on a free port.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from contextlib import ExitStack, nullcontext
from pathlib import Path

from nomaflow.cli.demo import examples

FOLDER = Path(__file__).resolve().parent
NOMAFLOW = (sys.executable, "-m", "nomaflow")


def main() -> None:
    arguments = _arguments()
    with ExitStack() as stack:
        home = arguments.home or Path(stack.enter_context(tempfile.TemporaryDirectory())) / "home"
        example = examples.example(arguments.name)
        if reason := getattr(example, "missing", lambda: None)():
            sys.exit(reason)
        make_home(home, FOLDER / arguments.name)
        example.prepare(home)
        stack.enter_context(getattr(example, "world", nullcontext)(home))
        for command in example.COMMANDS:
            _say(f"$ nomaflow {' '.join(command)}")
            subprocess.run([*NOMAFLOW, *command, "--home", home], check=False)
        _say("What has become of it:")
        for line in example.outcome(home):
            print(f"  {line}", flush=True)
    if arguments.home:
        _say(f"The home is {arguments.home}: nomaflow runs --home {arguments.home}")


def make_home(home: Path, example: Path) -> None:
    """A fresh home with the example's catalogue and plugins."""
    if (home / "app.toml").exists():
        sys.exit(f"{home} is a home already. Name another folder, or remove it.")
    made = subprocess.run([*NOMAFLOW, "init", home], capture_output=True, text=True, check=False)
    if made.returncode != 0:
        sys.exit(made.stderr)
    ignored = shutil.ignore_patterns("__pycache__", "example.py", "README.md")
    shutil.copytree(example, home, dirs_exist_ok=True, ignore=ignored)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Run one of the examples, and see what it does.")
    parser.add_argument(
        "name", choices=examples.names(), metavar="NAME", help=", ".join(examples.names())
    )
    parser.add_argument("--home", type=Path, metavar="DIR", help="Keep the home in this folder.")
    return parser.parse_args()


def _say(text: str) -> None:
    print(f"\n{text}", flush=True)


if __name__ == "__main__":
    main()
