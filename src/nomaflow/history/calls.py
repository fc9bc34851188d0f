"""Calls that must count once, however often they are made: the idempotency keys."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select

from nomaflow.domain.run import RunId
from nomaflow.errors import Refused
from nomaflow.history.tables import calls

KEPT = timedelta(hours=24)


@dataclass(frozen=True)
class Call:
    """Who called, under which key, for what: `request` is the same text for the same request."""

    caller: str
    key: str
    request: str


def run_of(connection: Connection, call: Call, now: datetime) -> RunId | None:
    """The run that an earlier call under this key started, None for the first call.

    Raises Refused when the key was for another request.
    """
    query = select(calls.c.run_id, calls.c.request).where(
        calls.c.caller == call.caller, calls.c.key == call.key, calls.c.called_at > now - KEPT
    )
    found = connection.execute(query).first()
    if found is None:
        return None
    if found.request != call.request:
        raise Refused(
            f"The idempotency key '{call.key}' was used for another request (run {found.run_id}). "
            "Take a new key for a new request."
        )
    return RunId(found.run_id)


def remember(connection: Connection, call: Call, run_id: RunId, now: datetime) -> None:
    """Keep what the call started, and forget the calls that are too old to count."""
    connection.execute(delete(calls).where(calls.c.called_at <= now - KEPT))
    connection.execute(insert(calls).values(**vars(call), run_id=run_id, called_at=now))
