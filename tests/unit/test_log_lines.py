"""The server's own log: facts in, one line out, worded in one place and masked last."""

import io
import json
import logging
from collections.abc import Iterator

import pytest

from nomaflow import log
from nomaflow.errors import Unreachable
from nomaflow.log import FactLog
from nomaflow.security.redaction import Redactor


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _log_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def fail(message: str) -> None:
    raise ValueError(message)


def cannot_reach() -> None:
    raise Unreachable("The store is away.")


def test_an_event_is_worded_and_its_other_fields_follow() -> None:
    stream = io.StringIO()
    log.configure(stream=stream)

    FactLog().warning("run_lost", run_id=7, attempt=2, host="a b", empty="")

    line = stream.getvalue()
    assert line.endswith(
        'Z WARNING  Run 7 went on elsewhere; attempt 2 ends here  host="a b"  empty=""\n'
    )
    assert line[:2] == "20"


def test_an_outage_is_told_in_one_line_and_another_failure_with_its_traceback() -> None:
    stream = io.StringIO()
    log.configure(stream=stream)

    for reach in (cannot_reach, lambda: fail("odd")):
        try:
            reach()
        except (Unreachable, ValueError):
            FactLog().exception("claim_failed")

    outage, failure, *traceback = stream.getvalue().splitlines()
    assert outage.endswith(
        'Queued runs cannot be claimed; trying again  error="The store is away."'
    )
    assert failure.endswith("Queued runs cannot be claimed; trying again")
    assert traceback[-1] == "ValueError: odd"


def test_an_event_without_wording_is_shown_by_its_name() -> None:
    assert log.sentence("store_opened", {}) == "store opened"
    assert log.sentence("Started server process [1]", {}) == "Started server process [1]"


def test_wording_whose_field_is_missing_is_shown_all_the_same() -> None:
    assert log.sentence("run_lost", {}).startswith("Run {run_id}")


def test_what_is_below_the_level_is_not_shown() -> None:
    stream = io.StringIO()
    log.configure(level="WARNING", stream=stream)

    FactLog().info("run_lost")
    logging.getLogger("uvicorn.access").info("GET /")

    assert stream.getvalue() == ""


def test_json_lines_hold_the_event_the_sentence_and_the_fields() -> None:
    stream = io.StringIO()
    log.configure(as_json=True, stream=stream)

    FactLog().info("run_lost", run_id=7, attempt=2, path=b"\n", level="x", at="y")

    fact = json.loads(stream.getvalue())
    assert fact["event"] == "run_lost"
    assert fact["message"] == "Run 7 went on elsewhere; attempt 2 ends here"
    assert (fact["level"], fact["run_id"], fact["attempt"]) == ("info", 7, 2)
    assert fact["at"].endswith("+00:00")
    assert stream.getvalue().count("\n") == 1


@pytest.mark.parametrize("as_json", [False, True])
def test_libraries_come_out_the_same_way(as_json: bool) -> None:
    stream = io.StringIO()
    log.configure(as_json=as_json, stream=stream)

    logging.getLogger("uvicorn.error").warning("port %d is %s", 80, "taken")

    assert "port 80 is taken" in stream.getvalue()
    assert "uvicorn.error" in stream.getvalue()


@pytest.mark.parametrize("as_json", [False, True])
@pytest.mark.parametrize("logger", [FactLog(), logging.getLogger("library")])
def test_secrets_are_masked_in_fields_messages_and_tracebacks(
    as_json: bool, logger: FactLog | logging.Logger
) -> None:
    stream = io.StringIO()
    log.configure(as_json=as_json, redact=Redactor(['hunter"2']).redact, stream=stream)

    try:
        fail('password hunter"2 refused')
    except ValueError:
        logger.exception('failed with hunter"2', extra={"key": 'hunter"2'})

    shown = stream.getvalue()
    assert "Traceback" in shown
    assert "ValueError: password *** refused" in shown
    assert "hunter" not in shown


def test_a_value_cannot_forge_a_line_or_reach_the_terminal() -> None:
    stream = io.StringIO()
    log.configure(stream=stream)

    logging.getLogger("library").warning("name %s", "x\n2026-01-01 ERROR forged\r\x1b[31m\u2028")
    FactLog().warning("run_lost", run_id="1\n2", attempt=1, host="c\nd")

    assert stream.getvalue().count("\n") == 2
    assert "\x1b" not in stream.getvalue()
    assert "\\x1b[31m" in stream.getvalue()


def test_levels_are_coloured_on_a_terminal_alone() -> None:
    terminal = Terminal()
    log.configure(stream=terminal)

    FactLog().error("run_lost", run_id=1, attempt=1)

    assert "\x1b[31mERROR   \x1b[0m" in terminal.getvalue()


def test_the_last_call_wins() -> None:
    first, second = io.StringIO(), io.StringIO()
    log.configure(stream=first)
    log.configure(stream=second)

    FactLog().info("run_lost")

    assert first.getvalue() == ""
    assert "Run" in second.getvalue()
