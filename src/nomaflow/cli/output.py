"""What the commands print: tables and JSON on stdout, everything else on stderr."""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from nomaflow.copying.progress import grouped
from nomaflow.domain.run import LogLine
from nomaflow.errors import Problem
from nomaflow.runner.wording import duration

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)

STATE_LOOK = {
    "QUEUED": ("◌", "blue"),
    "RUNNING": ("▶", "cyan"),
    "PENDING": ("◌", "dim"),
    "SUCCEEDED": ("✔", "green"),
    "FAILED": ("✘", "red"),
    "CANCELED": ("■", "yellow"),
    "SKIPPED": ("⤼", "yellow"),
    "MISSED": ("!", "magenta"),
}
LEVEL_LOOK = {"DEBUG": "dim", "INFO": "", "WARNING": "yellow", "ERROR": "red"}


def print_json(value: Any) -> None:
    """Exactly one JSON value on stdout."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")
    sys.stdout.flush()


def state(name: str) -> Text:
    """A state as sign, word and colour: never colour alone."""
    sign, style = STATE_LOOK.get(name, ("?", ""))
    return Text(f"{sign} {name}", style=style)


def table(*columns: str, flexible: str | None = None) -> Table:
    """A table without lines; only the `flexible` column wraps when the terminal is narrow."""
    made = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for column in columns:
        made.add_column(column, no_wrap=column != flexible, overflow="fold")
    return made


def print_jobs(rows: Sequence[Mapping[str, Any]]) -> None:
    shown = table("JOB", "LAST RUN", "NEXT DUE", "SCHEDULE", "DESCRIPTION", flexible="DESCRIPTION")
    for row in rows:
        shown.add_row(*(_job_cells(row) if "steps" in row else _broken_cells(row)))
    out.print(shown)


def _job_cells(row: Mapping[str, Any]) -> list[str | Text]:
    last = row["last_run"]
    return [
        Text(row["job_id"], style="bold" if row["enabled"] else "dim"),
        state(last["state"]) if last else Text("never", style="dim"),
        when(row["next_due_at"]) if row["enabled"] else "disabled",
        row["schedule"] or row["interval"] or "manual",
        _notice(row) or Text(row["description"] or ""),
    ]


def _notice(row: Mapping[str, Any]) -> Text | None:
    """What somebody should look at: an alarm, or that the job goes on as it was."""
    if row["alarm"]:
        return Text(row["alarm"], style="red")
    problems = row["problems"]
    return Text(f"as it was: {problems[0]['message']}", style="yellow") if problems else None


def _broken_cells(row: Mapping[str, Any]) -> list[str | Text]:
    first = row["problems"][0]["message"]
    sign = Text("✘ BROKEN", style="red")
    return [Text(row["job_id"], style="bold red"), sign, "", "", Text(first, style="red")]


def print_runs(rows: Sequence[Mapping[str, Any]]) -> None:
    if not rows:
        out.print("No runs match. 'nomaflow run JOB' makes one.")
        return
    shown = table("RUN", "JOB", "STATE", "BY", "STARTED", "TOOK", "REASON", flexible="REASON")
    for row in rows:
        shown.add_row(
            str(row["run_id"]),
            row["job_id"],
            state(row["state"]),
            row["triggered_by"],
            when(row["started_at"] or row["scheduled_at"]),
            took(row),
            Text(row["reason"] or ""),
        )
    out.print(shown)


def print_run(run: Mapping[str, Any], console: Console = out) -> None:
    """The run in one line, then its steps."""
    headline = Text.assemble(
        f"Run {run['run_id']} of ", (run["job_id"], "bold"), "  ", state(run["state"])
    )
    headline.append(f"  {took(run)}")
    if run["reason"]:
        headline.append(f"  {run['reason']}")
    console.print(headline)
    shown = table("STEP", "STATE", "TRIES", "TOOK", "RESULT", flexible="RESULT")
    for step in run["steps"]:
        tries = str(step["attempts"])
        shown.add_row(step["name"], state(step["state"]), tries, took(step), Text(_result(step)))
    console.print(shown)


def print_preflight(answer: Mapping[str, Any]) -> None:
    """What a copy would do: a headline, what is remarkable, then its columns."""
    plan = answer["plan"]
    if plan is None:
        out.print(Text.assemble(("✘ ", "red"), (answer["step"], "bold"), f"  {answer['problem']}"))
        return
    rows, there = plan["source_rows"], plan["target_rows"]
    out.print(
        Text.assemble(
            (answer["step"], "bold"),
            f"  {_rows(rows)}, {plan['mode']} into ",
            "a new table" if there is None else _rows(there),
            f", by {plan['way']}: {plan['way_reason']}",
        )
    )
    out.print(f"  lane: {plan['lane']}")
    for name in (
        "lanes_passed_over",
        "held",
        "coercions",
        "left_alone",
        "added_columns",
        "ignored_columns",
    ):
        if plan[name]:
            out.print(f"  {name.replace('_', ' ')}: {_short(plan[name])}")
    shown = table("COLUMN", "FROM", "TO", "EACH VALUE", flexible="COLUMN")
    for column in plan["columns"]:
        checked = "checked" if column["checked"] else "as it is"
        shown.add_row(column["name"], column["source_type"], column["target_type"], checked)
    out.print(shown)


def _rows(number: int | None) -> str:
    if number is None:
        return "uncounted rows"
    return f"{grouped(number)} row{'' if number == 1 else 's'}"


def _result(step: Mapping[str, Any]) -> str:
    if step["error"]:
        return f"{step['error']['type']}: {step['error']['message']}"
    if step["reason"]:
        return str(step["reason"])
    told = {name: value for name, value in (step["output"] or {}).items() if value not in _EMPTY}
    facts = (f"{name} {_short(value)}" for name, value in told.items())
    text = " · ".join(facts)
    return text if len(text) <= 160 else f"{text[:159]}…"


_EMPTY: Final[tuple[object, ...]] = (None, "", [], {})


def _short(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def print_lines(lines: Iterable[LogLine], console: Console = out) -> None:
    for line in lines:
        place = f" {line.step}" if line.step else ""
        again = f"#{line.attempt}" if line.attempt and line.attempt > 1 else ""
        console.print(
            Text.assemble(
                (f"{line.at:%H:%M:%S}.{line.at.microsecond // 1000:03}", "dim"),
                (f" {line.level:<7}", LEVEL_LOOK[line.level]),
                (f"{place}{again}", "cyan"),
                f"  {line.message}",
            )
        )


def print_problems(problems: Iterable[Problem]) -> None:
    for problem in problems:
        err.print(Text.assemble(("✘ ", "red"), str(problem)))


def when(at: str | None) -> str:
    """An ISO instant, short: 2026-11-22 13:05:01Z."""
    return "" if at is None else f"{at[:10]} {at[11:19]}Z"


def took(ended: Mapping[str, Any]) -> str:
    """How long a run or a step took; empty while it goes on."""
    if ended["started_at"] is None or ended["finished_at"] is None:
        return ""
    begin, end = (datetime.fromisoformat(ended[at]) for at in ("started_at", "finished_at"))
    return duration((end - begin).total_seconds())
