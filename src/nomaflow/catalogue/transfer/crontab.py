"""Crontabs as Debian's cron and cronie read them: what each line starts, when, and with what."""

import pwd
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from nomaflow.triggers.base import InvalidSchedule
from nomaflow.triggers.expression import read_cron

_VARIABLE = re.compile(r"""[ \t]*([A-Za-z_]\w*|"[^"]+"|'[^']+')[ \t]*=[ \t]*(.*)""")
_WHEN = re.compile(r"[ \t]*(@\w+|[^ \t@]+(?:[ \t]+[^ \t]+){4})(?:[ \t]+(.*))?$")
_USER = re.compile(r"([^ \t]+)(?:[ \t]+(.*))?$")
_PERCENT = re.compile(r"(?<!\\)%")

REBOOT = (
    "a start of the machine is no due time: let systemd start it, or run it by hand with"
    " 'nomaflow run'"
)
OF_CRON_ALONE = {
    "MAILTO": "output goes to the run's log, and alerts are the job's own",
    "MAILFROM": "cron's mail is not sent",
    "CONTENT_TYPE": "cron's mail is not sent",
    "CONTENT_TRANSFER_ENCODING": "cron's mail is not sent",
    "RANDOM_DELAY": "due times are kept to the second",
}


@dataclass(frozen=True)
class Entry:
    """A line that starts something; `variables` are those in force there, CRON_TZ too."""

    line: int
    schedule: str
    command: str
    stdin: str | None = None
    user: str | None = None
    comment: str | None = None
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class LeftOut:
    """A line that cannot be carried over, and why."""

    line: int
    text: str
    reason: str


def read_crontab(text: str, *, user_column: bool = False) -> Iterator[Entry | LeftOut]:
    """Each line that means something. `user_column`: as in /etc/crontab and /etc/cron.d."""
    variables: dict[str, str] = {}
    comments: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        if stripped.startswith("#"):
            comments += _said(stripped, user_column=user_column)
            continue
        if found := _VARIABLE.fullmatch(line):
            name, value = _unquoted(found[1]), _unquoted(found[2].strip())
            if reason := OF_CRON_ALONE.get(name):
                yield LeftOut(number, f"{name}=…", reason)
            else:
                variables[name] = value
        elif stripped:
            comment = " ".join(comments) or None
            made = _entry(number, line, variables, comment, user_column=user_column)
            reason = _other_kind(made) if isinstance(made, Entry) else None
            yield LeftOut(number, stripped, reason) if reason else made
        comments = []


def _said(comment: str, *, user_column: bool) -> list[str]:
    """The words of a comment; a line that is switched off says nothing."""
    words = comment.lstrip("#").strip()
    found = _entry(0, words, {}, None, user_column=user_column) if words else None
    return [words] if isinstance(found, LeftOut) and any(map(str.isalnum, words)) else []


def _entry(
    number: int,
    line: str,
    variables: Mapping[str, str],
    comment: str | None,
    *,
    user_column: bool,
) -> Entry | LeftOut:
    shown = line.strip()
    found = _WHEN.match(line)
    if found is None:
        return LeftOut(
            number, shown, "expected five fields, or a word such as @daily, and a command"
        )
    schedule, rest, user = " ".join(found[1].split()), found[2] or "", None
    if schedule == "@reboot":
        return LeftOut(number, shown, REBOOT)
    if user_column:
        named = _USER.match(rest)
        user, rest = (named[1], named[2] or "") if named else (None, "")
    try:
        read_cron(schedule)
    except InvalidSchedule as error:
        return LeftOut(number, shown, str(error))
    command, stdin = _parted(rest.strip())
    if not command:
        return LeftOut(number, shown, "there is no command")
    return Entry(number, schedule, command, stdin, user, comment, dict(variables))


def _other_kind(entry: Entry) -> str | None:
    """Why the line belongs to the other kind of crontab, with or without users; None: it does not.

    A user without --user-column would be started as a program.
    """
    first, *rest = entry.command.split(maxsplit=1)
    if entry.user is None and rest and _is_user(first) and shutil.which(first) is None:
        return (
            f"'{first}' is a user, no program: this is a line of a system crontab. Read its file"
            " with --user-column, or take the user out of the line"
        )
    if entry.user is not None and "/" in entry.user:
        return (
            f"'{entry.user}' is a program, no user: this is a line of a user's crontab. Read its"
            " file without --user-column, or write the user before the command"
        )
    return None


def _is_user(name: str) -> bool:
    """Whether this machine has such a user; every one has root."""
    try:
        pwd.getpwnam(name)
    except KeyError:
        return name == "root"
    return True


def _parted(text: str) -> tuple[str, str | None]:
    """The command, and what it reads: all behind the first plain %, in which % ends a line."""
    command, *lines = (part.replace("\\%", "%") for part in _PERCENT.split(text))
    return command.strip(), "".join(f"{line}\n" for line in lines) if lines else None


def _unquoted(text: str) -> str:
    is_quoted = len(text) > 1 and text[0] == text[-1] and text[0] in "\"'"
    return text[1:-1] if is_quoted else text
