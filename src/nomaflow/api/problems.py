"""The error tree as problem+json (RFC 9457): the only place that maps errors to HTTP."""

from typing import Any, cast

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException
from starlette.routing import Match

from nomaflow.errors import (
    InvalidConfiguration,
    InvalidParameters,
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
    InvalidParameters: 422,
    InvalidSchedule: 422,
}


SCHEMAS = "#/components/schemas"
PROBLEM = "#/components/responses/Problem"
REFUSALS = ("4XX", "503")
METHODS = ("DELETE", "GET", "PATCH", "POST", "PUT")


class ProblemDocument(BaseModel):
    """Why the request was refused (RFC 9457); some kinds carry further facts."""

    model_config = ConfigDict(extra="allow")

    type: str
    status: int
    title: str
    detail: str


def install(app: FastAPI) -> None:
    """Answer every error with a problem document."""
    app.add_exception_handler(NomaflowError, _nomaflow_error)
    app.add_exception_handler(RequestValidationError, _invalid_request)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(Exception, _unexpected)


def describe(document: dict[str, Any]) -> dict[str, Any]:
    """The OpenAPI document with what every operation may answer instead: a problem."""
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    schemas["ProblemDocument"] = ProblemDocument.model_json_schema()
    content = {"application/problem+json": {"schema": {"$ref": f"{SCHEMAS}/ProblemDocument"}}}
    components["responses"] = {"Problem": {"description": "What is wrong", "content": content}}
    for operations in document["paths"].values():
        for operation in operations.values():
            operation["responses"].pop("422", None)
            operation["responses"] |= {status: {"$ref": PROBLEM} for status in REFUSALS}
    return document


def problem(status: int, title: str, detail: str, **more: Any) -> JSONResponse:
    body = {"type": "about:blank", "status": status, "title": title, "detail": detail, **more}
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else None
    return JSONResponse(body, status, headers, media_type="application/problem+json")


async def _nomaflow_error(_: Request, error: Exception) -> JSONResponse:
    status = next((s for kind, s in STATUS.items() if isinstance(error, kind)), 500)
    return problem(status, _title(error), str(error), **_facts(error))


def _title(error: Exception) -> str:
    """The kinds of an outage are the engine's own business."""
    return "Unreachable" if isinstance(error, Unreachable) else type(error).__name__


def _facts(error: Exception) -> dict[str, Any]:
    """What a program can use of the error, beside its text."""
    match error:
        case JobBusy():
            return {"run_id": error.run_id}
        case InvalidConfiguration():
            return {"problems": [problem.as_dict() for problem in error.problems]}
        case InvalidParameters():
            found = error.problems.items()
            return {"problems": [{"field": field, "message": text} for field, text in found]}
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


async def _http_error(request: Request, error: Exception) -> JSONResponse:
    http_error = cast("HTTPException", error)
    answer = problem(http_error.status_code, "HttpError", str(http_error.detail))
    answer.headers.update(http_error.headers or {})
    if http_error.status_code == 405:
        answer.headers["Allow"] = ", ".join(_methods_at(request))
    return answer


def _methods_at(request: Request) -> list[str]:
    """What the address takes, of all its routes."""
    return [
        method
        for method in METHODS
        for route in request.app.routes
        if route.matches({**request.scope, "method": method})[0] is Match.FULL
    ]


async def _unexpected(_: Request, __: Exception) -> JSONResponse:
    return problem(500, "InternalError", "A fault of the server itself: see its log.")
