"""The server's own log on stderr: constant event names with fields, worded for people here.

Code logs facts, `log.info("server_started", host=…)`; WORDING turns them into sentences. The log
of a run is another thing: it belongs to the history.
"""

import json
import logging
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal, TextIO

from nomaflow.errors import Unreachable

WORDING: Final[Mapping[str, str]] = {
    "cancel_watch_failed": "Requests to cancel cannot be read; trying again",
    "catalogue_problem": "{problem}",
    "catalogue_reloaded": "The files were read again: {jobs} jobs, {problems} problems",
    "claim_failed": "Queued runs cannot be claimed; trying again",
    "clock_stepped": "The clock was set by {by_seconds} s; every schedule was looked at again",
    "fire_failed": "What is due of {schedules} schedules cannot be stored; trying again",
    "heartbeat_failed": "The sign of life of this process cannot be stored; trying again",
    "job_armed_again": "Job '{job_id}' is armed again",
    "job_not_armed": "Job '{job_id}' does not fire",
    "listener_failed": "A listener to {kind} failed; the others heard it",
    "log_flush_failed": "Lines of a run's log cannot be stored; trying again",
    "metrics_failed": "The figures of the runs cannot be read; trying again",
    "process_taken_for_dead": "Others took this process for dead and rescued its runs",
    "lines_given_up": "{lines} lines of run {run_id} are given up: the store does not take them",
    "late_lines_dropped": "Run {run_id} went on elsewhere; {lines} late lines were dropped",
    "retire_failed": "The end of {schedules} schedules cannot be stored",
    "round_failed": "{name} failed; it is tried again",
    "restart_needed": "Changed in app.toml, and not in force before a restart: {settings}",
    "revisions_not_saved": "The texts of the files cannot be stored as revisions: {reason}",
    "run_failed_inside": "Run {run_id} of job '{job_id}' failed inside Nomaflow",
    "run_lost": "Run {run_id} went on elsewhere; attempt {attempt} ends here",
    "run_not_closed": "The end of run {run_id} of job '{job_id}' cannot be stored; trying again",
    "run_not_traced": "Run {run_id} is missing from the traces: {reason}",
    "run_rescued": "Run {run_id} of job '{job_id}' was rescued: its process died",
    "run_ended": "Run {run_id} of job '{job_id}' ended {state}",
    "schedule_suspended": "A schedule of job '{job_id}' is suspended",
    "server_started": "Nomaflow listens on http://{host}:{port} with {jobs} jobs",
    "server_stopping": "Nomaflow stops; runs in flight have {seconds} s to end",
    "sign_of_life_failed": "The sign of life of the scheduler cannot be stored; trying again",
    "store_away": "The store is away; what became of the runs is stored once it is back",
    "task_abandoned": "Step '{step}' of run {run_id} does not stop and was left behind",
    "step_undone": "{by} put back what step '{step}' of run {run_id} had replaced: {rows} rows",
    "telling_failed": "A client cannot be told what changed; trying again",
    "thread_abandoned": "Step '{step}' of run {run_id} does not stop and was left behind",
    "token_check_failed": "The tokens of live clients cannot be checked; trying again",
    "traces_unavailable": "Traces are wanted and cannot be sent: {reason}",
    "watch_failed": "What changed in the store cannot be read; trying again",
}

Level = Literal["DEBUG", "INFO", "WARNING", "ERROR"]
Redact = Callable[[str], str]

_COLORS = {"debug": 90, "info": 32, "warning": 33, "error": 31, "critical": 31}
_CONTROL_CHARACTER = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_FIELDS = "nomaflow_fields"


class FactLog:
    """Where code logs facts: the constant name of an event, and its fields."""

    def __init__(self) -> None:
        self._logger = logging.getLogger("nomaflow")

    def info(self, event: str, **fields: object) -> None:
        self._log(logging.INFO, event, fields)

    def warning(self, event: str, **fields: object) -> None:
        self._log(logging.WARNING, event, fields)

    def error(self, event: str, **fields: object) -> None:
        self._log(logging.ERROR, event, fields)

    def exception(self, event: str, **fields: object) -> None:
        """An error, with the exception that is being handled.

        An outage goes without a traceback: where in our code it was met helps nobody.
        """
        error = sys.exc_info()[1]
        if isinstance(error, Unreachable):
            self.error(event, **fields, error=str(error))
        else:
            self._log(logging.ERROR, event, fields, error)

    def _log(
        self,
        level: int,
        event: str,
        fields: Mapping[str, object],
        error: BaseException | None = None,
    ) -> None:
        self._logger.log(level, event, exc_info=error, extra={_FIELDS: fields})


def configure(
    *,
    level: Level = "INFO",
    as_json: bool = False,
    redact: Redact = str,
    stream: TextIO | None = None,
) -> None:
    """Send the log, that of libraries included, to `stream` (default stderr).

    Every line passes `redact` last, exceptions included. The last call wins.
    """
    stream = stream or sys.stderr
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        _Formatter(_json_line if as_json else _TextLine(colored=stream.isatty()), redact)
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for library in ("alembic", "uvicorn", "engineio", "socketio", "httpx2", "httpcore2"):
        logging.getLogger(library).setLevel(logging.WARNING)  # our own events tell what matters


def sentence(event: str, fields: Mapping[str, Any]) -> str:
    """What happened, for people; an event without wording is shown by its name."""
    wording = WORDING.get(event)
    if wording is None:
        return event.replace("_", " ") if event.isidentifier() else event
    try:
        return wording.format_map(fields)
    except KeyError:
        return wording


def _fields_of(record: logging.LogRecord) -> Mapping[str, Any]:
    """The fields of a fact; of what a library logged, its logger's name."""
    fields: Mapping[str, Any] | None = getattr(record, _FIELDS, None)
    return {"logger": record.name} if fields is None else fields


@dataclass(frozen=True)
class _Fact:
    """What is known of one line; `exception` is a traceback, or empty."""

    at: datetime
    level: str
    event: str
    fields: Mapping[str, Any]
    exception: str


class _Formatter(logging.Formatter):
    def __init__(self, render: Callable[[_Fact], str], redact: Redact) -> None:
        super().__init__()
        self._render = render
        self._redact = redact

    def format(self, record: logging.LogRecord) -> str:
        fact = _Fact(
            at=datetime.fromtimestamp(record.created, UTC),
            level=record.levelname.lower(),
            event=record.getMessage(),
            fields=_fields_of(record),
            exception=self.formatException(record.exc_info) if record.exc_info else "",
        )
        return self._redact(self._render(fact))


def _json_line(fact: _Fact) -> str:
    own: dict[str, Any] = {
        "at": fact.at.isoformat(timespec="milliseconds"),
        "level": fact.level,
        "event": fact.event,
        "message": sentence(fact.event, fact.fields),
    }
    exception = {"exception": fact.exception} if fact.exception else {}
    return json.dumps({**own, **fact.fields, **own, **exception}, default=str, ensure_ascii=False)


class _TextLine:
    """`2026-11-22 02:00:00.000Z INFO    Sentence  field=value`, and a traceback below it."""

    def __init__(self, *, colored: bool) -> None:
        self._colored = colored

    def __call__(self, fact: _Fact) -> str:
        wording = WORDING.get(fact.event, "")
        rest = [
            f"{name}={_shown(value)}"
            for name, value in fact.fields.items()
            if f"{{{name}}}" not in wording
        ]
        moment = fact.at.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
        said = _on_one_line(sentence(fact.event, fact.fields))
        line = f"{moment}Z {self._level(fact.level)} {'  '.join([said, *rest])}"
        return f"{line}\n{fact.exception}" if fact.exception else line

    def _level(self, level: str) -> str:
        padded = f"{level.upper():<8}"
        return f"\x1b[{_COLORS[level]}m{padded}\x1b[0m" if self._colored else padded


def _shown(value: object) -> str:
    text = _on_one_line(str(value))
    return (
        text if text and not re.search(r"[\s\"=]", text) else json.dumps(text, ensure_ascii=False)
    )


def _on_one_line(text: str) -> str:
    r"""Line ends and terminal escapes as \n, \x1b: a value cannot forge a line of the log."""
    return _CONTROL_CHARACTER.sub(lambda match: repr(match.group())[1:-1], text)
