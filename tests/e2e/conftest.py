"""A browser, and a server with the pages, for stories that are told through both."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright
from tests.commands import Server, serving
from tests.homes import a_home, a_token

from nomaflow.api.static_files import BUILT

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE_MS = 30_000

JOBS = """
[[jobs]]
id = "invoices"
description = "Sends what was ordered to the ones who pay"
tags = ["finance"]
retry = { attempts = 2, base_seconds = 0.1 }
params = { month = "2026-10" }
[[jobs.steps]]
name = "collect"
type = "sql_query"
connector = "default"
query = "SELECT 42 AS orders"
capture_first_row = true
[[jobs.steps]]
name = "send"
type = "python"
callable = "pages:send"
[[jobs.steps]]
name = "archive"
type = "sql_query"
connector = "default"
query = "SELECT 1"

[[jobs]]
id = "talkative"
[[jobs.steps]]
name = "talk"
type = "python"
callable = "pages:talk"

[[jobs]]
id = "never"
schedule = "0 0 31 2 *"
[[jobs.steps]]
name = "only"
type = "sql_query"
connector = "default"
query = "SELECT 1"
"""
PLUGIN = """
import time
from pathlib import Path

def send(ctx, **_):
    ctx.log.warning("customer 4711 has no address")
    raise ConnectionError("the mail server refused the connection")

def talk(ctx, said):
    for number in range(500):
        ctx.log.info(f"said {number}")
    while not Path(said).exists():
        time.sleep(0.02)
    for number in range(500, 600):
        ctx.log.info(f"said {number}")
        ctx.progress(number + 1, 1200)
    while not Path(said).with_suffix(".end").exists():
        time.sleep(0.02)
"""


@pytest.fixture(scope="package")
def chromium() -> str:
    """The browser's program. No program or no pages: what needs them is skipped."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        pytest.skip("the pages in a browser: no Chromium. On Debian: apt-get install chromium")
    if not (BUILT / "index.html").exists():
        pytest.skip("the pages in a browser: they are not built. Install without NOMAFLOW_UI=skip")
    return program


@pytest.fixture(scope="package")
def server(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("pages")
    home = a_home(folder / "home", JOBS, plugins={"pages.py": PLUGIN})
    with serving(home, a_token(home)) as server:
        yield server


@pytest.fixture(scope="package")
def browser(chromium: str, server: Server) -> Iterator[Browser]:
    """Starts last and ends with this folder's tests: its event loop is in the way of others."""
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=OPTIONS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser, server: Server) -> Iterator[Page]:
    """An empty tab on the server's address; what the browser complains of fails the test.

    A refused token is no complaint: the browser writes each answer 401 to its console.
    """
    complaints: list[str] = []
    context = browser.new_context(base_url=str(server.http.base_url), locale="en-GB")
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    yield page
    context.close()
    assert [text for text in complaints if "status of 401" not in text] == []


@pytest.fixture
def signed_in(page: Page, server: Server) -> Page:
    """The tab of somebody who has signed in, on the runs."""
    page.goto("/")
    page.get_by_label("Token", exact=True).fill(server.token)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("heading", name="Runs").wait_for()
    return page


@pytest.fixture(scope="session")
def axe() -> str:
    """The accessibility checker's script; `make check` installs it with the pages' packages."""
    script = Path(__file__).parents[2] / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
    if not script.exists():
        pytest.skip("the pages' accessibility: axe-core is not installed. Run 'make check' once")
    return script.read_text(encoding="utf-8")
