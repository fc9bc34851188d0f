"""What went wrong in a step, as an error of ours, and as data that crosses a pipe."""

import asyncio
import importlib
import traceback
from typing import Any

import nomaflow
from nomaflow import errors
from nomaflow.errors import NomaflowError, StepFailed

_NOT_THE_USERS = (
    *(place for package in (nomaflow, asyncio, importlib) for place in package.__path__),
    "<frozen ",
)
_PLAIN: dict[str, type[NomaflowError]] = {
    "NotFound": errors.NotFound,
    "Refused": errors.Refused,
    "NotPermitted": errors.NotPermitted,
    "Unreachable": errors.Unreachable,
    "SecretsError": errors.SecretsError,
}
_STEP: dict[str, type[StepFailed]] = {
    "StepFailed": StepFailed,
    "StepRefused": errors.StepRefused,
    "StepTimedOut": errors.StepTimedOut,
    "StepCanceled": errors.StepCanceled,
}


def as_failure(error: BaseException) -> NomaflowError:
    """The error itself if it is one of ours, else a StepFailed that bears its type and text."""
    if isinstance(error, NomaflowError):
        return error
    name = type(error).__name__
    return StepFailed(_text(error), cause=name, traceback=users_traceback(error))


def users_traceback(error: BaseException) -> str:
    """The traceback as text, without the frames that led from the engine to the user's code."""
    story = traceback.TracebackException.from_exception(error)
    _trim(story)
    return "".join(story.format())


def to_data(error: NomaflowError) -> dict[str, Any]:
    """The error as JSON-like data."""
    names = (kind.__name__ for kind in type(error).__mro__)
    return {
        "kind": next((name for name in names if name in _PLAIN or name in _STEP), "StepFailed"),
        "message": str(error),
        "cause": getattr(error, "type", type(error).__name__),
        "traceback": getattr(error, "traceback", None),
        "output": getattr(error, "output", None),
        "retry_after": getattr(error, "retry_after", None),
    }


def from_data(data: dict[str, Any]) -> NomaflowError:
    """The error again, of the same kind."""
    if data["kind"] in _PLAIN:
        return _PLAIN[data["kind"]](data["message"])
    kind = _STEP[data["kind"]]
    return kind(
        data["message"],
        cause=data["cause"],
        traceback=data["traceback"],
        output=data["output"],
        retry_after=data["retry_after"],
    )


def _trim(story: traceback.TracebackException) -> None:
    users = [place for place, frame in enumerate(story.stack) if not _is_ours(frame.filename)]
    if users:
        del story.stack[: users[0]]
    for before in (story.__cause__, story.__context__):
        if before is not None:
            _trim(before)


def _is_ours(filename: str) -> bool:
    return filename.startswith(_NOT_THE_USERS)


def _text(error: BaseException) -> str:
    try:
        return str(error) or type(error).__name__
    except Exception:  # noqa: BLE001  # a user's __str__ may do anything
        return f"{type(error).__name__} (its text cannot be shown)"
