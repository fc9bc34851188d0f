"""Nobody is left out: axe finds nothing, in either colours, on a wide screen and on a phone."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect
from tests.commands import Server

SIZES = {"wide": (1280, 860), "phone": (390, 844)}


def violations(page: Page, axe: str) -> list[tuple[str, list[str]]]:
    """The rules that the page breaks, each with the elements that do."""
    page.evaluate(axe)
    found: dict[str, Any] = page.evaluate("axe.run()")
    return [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in found["violations"]]


@pytest.fixture(params=["light", "dark"])
def colours(request: pytest.FixtureRequest, page: Page) -> str:
    page.emulate_media(color_scheme=request.param)
    return str(request.param)


@pytest.fixture(params=SIZES)
def size(request: pytest.FixtureRequest, page: Page) -> str:
    width, height = SIZES[request.param]
    page.set_viewport_size({"width": width, "height": height})
    return str(request.param)


def test_axe_finds_nothing_where_one_signs_in(
    page: Page, colours: str, size: str, axe: str
) -> None:
    page.goto("/")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert violations(page, axe) == []


def test_axe_finds_nothing_on_the_pages_and_none_is_wider_than_the_screen(
    colours: str, size: str, signed_in: Page, server: Server, axe: str
) -> None:
    run_id = server.run("invoices")
    server.ended(run_id)
    shown = {
        "/runs": f"#{run_id}",
        "/jobs": "Does not validate",
        f"/runs/{run_id}": "customer 4711",
        "/nowhere": "There is no such page",
    }
    for address, sign in shown.items():
        signed_in.goto(address)
        expect(signed_in.get_by_text(sign).first).to_be_visible()
        assert violations(signed_in, axe) == [], address
        width = signed_in.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert width <= 0, address


def test_axe_finds_nothing_in_the_menu_and_the_list_of_keys(signed_in: Page, axe: str) -> None:
    signed_in.get_by_role("button", name="Settings").click()
    expect(signed_in.get_by_text("Dark", exact=True)).to_be_visible()
    assert violations(signed_in, axe) == []
    signed_in.keyboard.press("Escape")

    signed_in.keyboard.press("?")
    expect(signed_in.get_by_role("dialog", name="Keyboard shortcuts")).to_contain_text(
        "Go to the runs"
    )
    assert violations(signed_in, axe) == []
