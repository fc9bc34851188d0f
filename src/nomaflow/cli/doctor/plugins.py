"""The plugins: whether each callable that a job names can be imported, in a process of its own."""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence

from nomaflow.app import App
from nomaflow.cli.doctor.finding import Finding, wrong
from nomaflow.config import child_environment
from nomaflow.steps.python import PythonStep

SECONDS = 30.0
_IMPORT = """
import json, os, sys
sys.path.insert(0, sys.argv[1])
told = os.fdopen(os.dup(1), "w", buffering=1)
os.dup2(2, 1)
from nomaflow.steps.python import find
for dotted in json.loads(sys.argv[2]):
    try:
        find(dotted)
        message = ""
    except Exception as error:
        kind = type(error).__name__
        message = str(error) if kind == "StepRefused" else f"{kind}: {error}"
    print(json.dumps(message), file=told)
"""


def look_at_plugins(app: App) -> Iterator[Finding]:
    """Each callable is imported once; a module that hangs or exits costs only itself."""
    users: dict[str, list[str]] = {}
    for job in app.catalogue.jobs.values():
        for step in job.steps:
            if step.type == PythonStep.name:
                name = str(step.settings.get("callable"))
                users.setdefault(name, []).append(f"job '{job.id}', step '{step.name}'")
    waiting = [name for name in users if "${" not in name]
    sound = 0
    while waiting:
        results = _imported(app, waiting)
        for name, message in zip(waiting, results, strict=False):
            if message:
                what = app.redactor.redact(f"{name} ({users[name][0]}): {message}")
                yield wrong(
                    "plugins", what, "Correct the file in plugins/, or install what it needs."
                )
            else:
                sound += 1
        waiting = waiting[len(results) :]
    if sound:
        yield Finding("plugins", f"{sound} callables can be imported")


def _imported(app: App, names: Sequence[str]) -> list[str]:
    """What is wrong with the first of the names, up to one that ended the process."""
    command = [sys.executable, "-P", "-c", _IMPORT, str(app.home.plugins), json.dumps(names)]
    try:
        ended = subprocess.run(  # noqa: S603  # our own interpreter and program
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            env=child_environment(),
            cwd=app.home.path,
            check=False,
        )
        told, end = ended.stdout, f"importing it ended the process with {ended.returncode}"
    except subprocess.TimeoutExpired as expired:
        told = (expired.stdout or b"").decode()
        end = f"importing it does not end within {SECONDS:g} s"
    messages = [json.loads(line) for line in told.splitlines()]
    return messages if len(messages) == len(names) else [*messages, end]
