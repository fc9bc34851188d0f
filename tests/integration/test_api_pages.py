"""How the pages are served: addresses, caches, small files, and a policy for the browser."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path

import httpx2
import pytest
from fastapi import FastAPI

from nomaflow.api import problems, static_files
from nomaflow.api.http import http_app

INDEX = """<!doctype html>
<html><head><base href="/" /><meta name="csp-nonce" content="" /></head></html>
"""


@asynccontextmanager
async def asking(folder: Path, root_path: str = "") -> AsyncIterator[httpx2.AsyncClient]:
    """A client of an application that has these pages and one route of its own."""
    app = FastAPI(openapi_url=None)
    problems.install(app)
    app.add_api_route("/api/v1/jobs", lambda: {"jobs": []})
    static_files.install(app, folder)
    transport = httpx2.ASGITransport(app=app, root_path=root_path)
    async with httpx2.AsyncClient(transport=transport, base_url="http://testserver") as client:
        yield client


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """What a build leaves behind, in small."""
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text(INDEX)
    (tmp_path / ".fingerprint").write_text("secret")
    for ending, text in {"": "plain", ".gz": "gzipped", ".br": "brotli"}.items():
        (tmp_path / "assets" / f"index-1a2b.js{ending}").write_text(text)
    return tmp_path


@pytest.mark.parametrize("address", ["/", "/runs", "/runs/12", "/jobs?q=a.b", "/index.html"])
async def test_every_address_of_a_page_gets_the_page(built: Path, address: str) -> None:
    async with asking(built) as client:
        answer = await client.get(address)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert '<base href="/" />' in answer.text


async def test_the_page_below_another_path_finds_its_files_there(built: Path) -> None:
    async with asking(built, root_path="/tools/nomaflow") as client:
        answer = await client.get("/tools/nomaflow/runs")
    assert '<base href="/tools/nomaflow/" />' in answer.text


async def test_no_script_and_no_style_of_others_is_allowed(built: Path) -> None:
    async with asking(built) as client:
        answers = [await client.get("/"), await client.get("/")]
    policies = [answer.headers["content-security-policy"] for answer in answers]
    nonces = [re.search(r"style-src 'self' 'nonce-([\w-]+)'", policy) for policy in policies]
    assert all("script-src 'self';" in policy for policy in policies)
    assert all(found and found[1] in a.text for found, a in zip(nonces, answers, strict=True))
    assert policies[0] != policies[1]


@pytest.mark.parametrize(
    ("accepted", "sent"),
    [("gzip, deflate, br", "brotli"), ("gzip;q=1.0", "gzipped"), ("identity", "plain")],
)
async def test_a_file_is_sent_as_small_as_the_browser_takes_it(
    built: Path, accepted: str, sent: str
) -> None:
    async with (
        asking(built) as client,
        client.stream(
            "GET", "/assets/index-1a2b.js", headers={"Accept-Encoding": accepted}
        ) as answer,
    ):
        raw = b"".join([part async for part in answer.aiter_raw()])
    assert raw == sent.encode()
    assert answer.headers["content-type"].startswith("text/javascript")
    assert answer.headers["vary"] == "Accept-Encoding"
    assert "immutable" in answer.headers["cache-control"]


@pytest.mark.parametrize("address", ["/assets/index-gone.js", "/assets/../.fingerprint"])
async def test_a_file_that_was_not_built_is_not_found(built: Path, address: str) -> None:
    async with asking(built) as client:
        answer = await client.get(address)
    assert "secret" not in answer.text
    assert answer.status_code == 404 or "<base" in answer.text


async def test_the_apis_errors_stay_problem_documents(built: Path) -> None:
    async with asking(built) as client:
        unknown = await client.get("/api/v1/nothing")
        wrong_method = await client.post("/api/v1/jobs")
    assert (unknown.status_code, wrong_method.status_code) == (404, 405)
    assert unknown.headers["content-type"] == "application/problem+json"


async def test_without_pages_the_address_says_how_to_get_them(tmp_path: Path) -> None:
    async with asking(tmp_path) as client:
        answer = await client.get("/")
    assert answer.status_code == 200
    assert "NOMAFLOW_UI=skip" in answer.text


def test_the_application_knows_the_pages_last() -> None:
    app = http_app(lambda _: nullcontext())
    assert getattr(app.router.routes[-1], "path", "") == "/{path:page}"
