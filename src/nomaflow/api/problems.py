"""The error tree as problem+json (RFC 9457): the only place that maps errors to HTTP."""

from typing import Any, cast

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from nomaflow.errors import (
    InvalidConfiguration,
    JobBusy,
    NomaflowError,
    NotFound,
    NotPermitted,
    Refused,
    Unreachable,
)
from nomaflow.triggers.base import InvalidSchedule

STATUS: dict[type[NomaflowError], int] = {
    NotFound: 404,
    Refused: 409,
    NotPermitted: 401,
    Unreachable: 503,
    InvalidConfiguration: 422,
    InvalidSchedule: 422,
}


def install(app: FastAPI) -> None:
    """Answer every error with a problem document."""
    app.add_exception_handler(NomaflowError, _nomaflow_error)
    app.add_exception_handler(RequestValidationError, _invalid_request)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(Exception, _unexpected)


def problem(status: int, title: str, detail: str, **more: Any) -> JSONResponse:
    body = {"type": "about:blank", "status": status, "title": title, "detail": detail, **more}
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else None
    return JSONResponse(body, status, headers, media_type="application/problem+json")


async def _nomaflow_error(_: Request, error: Exception) -> JSONResponse:
    status = next((s for kind, s in STATUS.items() if isinstance(error, kind)), 500)
    return problem(status, type(error).__name__, str(error), **_facts(error))


def _facts(error: Exception) -> dict[str, Any]:
    """What a program can use of the error, beside its text."""
    match error:
        case JobBusy():
            return {"run_id": error.run_id}
        case InvalidConfiguration():
            return {"problems": [problem.as_dict() for problem in error.problems]}
        case InvalidSchedule():
            return {"field": error.field}
        case _:
            return {}


async def _invalid_request(_: Request, error: Exception) -> JSONResponse:
    problems = [
        {"field": ".".join(map(str, found["loc"])), "message": found["msg"]}
        for found in cast("RequestValidationError", error).errors()
    ]
    detail = "; ".join(f"{found['field']}: {found['message']}" for found in problems)
    return problem(422, "InvalidRequest", detail, problems=problems)


async def _http_error(_: Request, error: Exception) -> JSONResponse:
    http_error = cast("HTTPException", error)
    return problem(http_error.status_code, "HttpError", str(http_error.detail))


async def _unexpected(_: Request, __: Exception) -> JSONResponse:
    return problem(500, "InternalError", "A fault of the server itself: see its log.")
