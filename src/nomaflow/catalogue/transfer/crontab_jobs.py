"""Jobs in TOML for the lines of a crontab, and the plugin that runs their commands."""

import json
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from nomaflow.catalogue.toml.words import is_secret
from nomaflow.catalogue.transfer.crontab import Entry
from nomaflow.domain.job import Job, is_timezone

MODULE = "crontab_commands"
CALLABLE = f"{MODULE}:run"
STEP = "command"
LONGEST_STEP_SECONDS = 86400
TIMEZONE = "CRON_TZ"
SHELL = "SHELL"
PLUGIN = '''"""Runs commands of a crontab. Made by `nomaflow import crontab`; yours to change."""

import os
import subprocess
import tempfile
from pathlib import Path


def run(ctx, command, shell="/bin/sh", environment=None, stdin="", **_):
    """Run a shell command as cron does, in the home of the service's user; fail as it fails.

    What it prints goes to the run's log.
    """
    variables = {**os.environ, **(environment or {})}
    folder = variables.get("HOME") or str(Path.home())
    with tempfile.TemporaryFile("w+") as given:
        given.write(stdin or "")
        given.seek(0)
        process = subprocess.Popen(
            [shell, "-c", command],
            stdin=given,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env=variables,
            cwd=folder if Path(folder).is_dir() else "/",
        )
    lines = 0
    with process, ctx.on_cancel(process.terminate):
        for line in process.stdout:
            ctx.log.info("%s", line.rstrip("\\n"))
            lines += 1
    if process.returncode:
        raise RuntimeError(f"the command ended with exit code {process.returncode}")
    return {"exit_code": 0, "lines": lines}
'''

_WRAPPERS = frozenset(
    ("chronic", "chrt", "env", "exec", "flock", "ionice", "nice", "nohup", "setsid", "stdbuf",
     "sudo", "systemd-cat", "time", "timeout")
)  # fmt: skip
_INTERPRETERS = re.compile(r"(?:ba|da|k|z)?sh|(?:python|php|perl|ruby|node)[\d.]*")
_CARRIES_SECRET = re.compile(r"(?i)(?:password|passwd|secret|token|api_?key)\w*[= ]\s*[^\s$]")
_UNFIT = re.compile(r"[^A-Za-z0-9_]+")
_ENDINGS = re.compile(r"\.(?:sh|py|pl|php|rb|js)$")


@dataclass(frozen=True)
class ImportedJob:
    """One line as a job. `notes` say what to look at; `secrets` belong in the env file."""

    id: str
    entry: Entry
    timezone: str | None
    enabled: bool
    environment: Mapping[str, str]
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    notes: tuple[str, ...] = ()

    def as_toml(self) -> str:
        """The block for jobs.toml."""
        entry = self.entry
        fields = {
            "id": self.id,
            "description": entry.comment,
            "tags": ["crontab"],
            "enabled": None if self.enabled else False,
            "schedule": entry.schedule,
            "timezone": self.timezone,
            "overlap": "allow",
        }
        step = {
            "name": STEP,
            "type": "python",
            "callable": CALLABLE,
            "timeout_seconds": LONGEST_STEP_SECONDS,
        }
        lines = [f"# Line {entry.line} of a crontab.", *(f"# {note}" for note in self.notes)]
        lines += ["[[jobs]]", *_lines(fields), "", "[[jobs.steps]]", *_lines(step)]
        lines += ["[jobs.steps.op_kwargs]", *_lines(self._kwargs())]
        if self.environment:
            lines += ["[jobs.steps.op_kwargs.environment]", *_lines(self.environment)]
        return "\n".join([*lines, ""])

    def _kwargs(self) -> dict[str, str]:
        """Of the crontab's own words none is a token."""
        shell = self.entry.variables.get(SHELL)
        kwargs = {"command": self.entry.command, "shell": shell, "stdin": self.entry.stdin}
        return {name: _literal(text) for name, text in kwargs.items() if text is not None}


def jobs_from(
    entries: Iterable[Entry], taken: Collection[str], service_user: str
) -> list[ImportedJob]:
    """A job for each entry, under ids that nobody has."""
    ids = set(taken)
    jobs = []
    for entry in entries:
        job = _job(entry, _free_id(entry.command, ids), service_user)
        ids.add(job.id)
        jobs.append(job)
    return jobs


def is_imported(entry: Entry, job: Job) -> bool:
    """Whether the job came from such a line."""
    step = job.steps[0]
    return (
        step.settings.get("callable") == CALLABLE
        and (step.settings.get("op_kwargs") or {}).get("command") == _literal(entry.command)
        and job.schedule == entry.schedule
    )


def _job(entry: Entry, job_id: str, service_user: str) -> ImportedJob:
    own = {n: v for n, v in entry.variables.items() if n not in {TIMEZONE, SHELL}}
    secrets = {name: value for name, value in own.items() if is_secret(name) and value}
    environment = {
        name: f"${{env:{name}}}" if name in secrets else _literal(value)
        for name, value in own.items()
    }
    zone = entry.variables.get(TIMEZONE)
    is_ours = entry.user in {None, service_user}
    notes = []
    if not is_ours:
        notes.append(f"cron ran it as {entry.user}; enable it once {service_user} may do its work.")
    if zone is not None and not is_timezone(zone):
        notes.append(f"{TIMEZONE} names no time zone: {zone}")
    if _CARRIES_SECRET.search(entry.command):
        notes.append("its command seems to hold a secret: put it into the env file, as ${env:NAME}")
    return ImportedJob(
        id=job_id,
        entry=entry,
        timezone=zone if is_timezone(zone) else None,
        enabled=is_ours,
        environment=environment,
        secrets=secrets,
        notes=tuple(notes),
    )


def _free_id(command: str, taken: Collection[str]) -> str:
    stem = _stem(command)
    numbered = (f"{stem}-{number}" for number in range(2, len(taken) + 3))
    return next(name for name in (stem, *numbered) if name not in taken)


def _stem(command: str) -> str:
    """The program's name: of an interpreter its script, of `nice` and such what they start."""
    parts = [part for part in command.split("&&") if not part.lstrip().startswith(("cd ", "["))]
    words = [word for word in "".join(parts[:1]).split() if "=" not in word]
    names = [_ENDINGS.sub("", word.rpartition("/")[2]) for word in words if word[:1] not in "-<>|;"]
    telling = [n for n in names if n not in _WRAPPERS and not _INTERPRETERS.fullmatch(n)]
    slugs = (_UNFIT.sub("-", name).strip("-") for name in telling)
    return next((slug[:60] for slug in slugs if slug and not slug.isdigit()), "cron")


def _lines(fields: Mapping[str, object]) -> list[str]:
    given = {name: value for name, value in fields.items() if value is not None}
    return [f"{_key(name)} = {_toml(value)}" for name, value in given.items()]


def _key(name: str) -> str:
    return name if name.isascii() and name.isidentifier() else _toml(name)


def _literal(text: str) -> str:
    return text.replace("${", "$${")


def _toml(value: object) -> str:
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
