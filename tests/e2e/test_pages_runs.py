"""What an operator sees: signing in, the runs, a failure, and a log while it is written."""

import re
from pathlib import Path

from playwright.sync_api import Page, expect
from tests.commands import Server

AT_END = "box => box.scrollHeight - box.scrollTop - box.clientHeight < 24"


def a_failed_run(server: Server) -> int:
    run_id = server.run("invoices")
    assert server.ended(run_id)["state"] == "FAILED"
    return run_id


def test_a_wrong_token_is_refused_with_what_to_do(page: Page) -> None:
    page.goto("/runs")
    page.get_by_label("Token", exact=True).fill("nomaflow_wrong")
    page.keyboard.press("Enter")

    expect(page.get_by_text("This token is not in force")).to_be_visible()


def test_who_has_signed_in_sees_a_run_appear_and_end(signed_in: Page, server: Server) -> None:
    run_id = a_failed_run(server)

    row = signed_in.get_by_role("listitem").filter(has_text=f"#{run_id}")
    expect(row).to_contain_text("Failed")
    expect(row).to_contain_text("invoices")
    expect(signed_in.get_by_text("Live", exact=True)).to_be_visible()


def test_a_failed_run_says_what_happened_and_shows_each_attempt(
    signed_in: Page, server: Server
) -> None:
    run_id = a_failed_run(server)
    signed_in.get_by_role("link", name=f"invoices #{run_id}").click()

    story = "Failed at step 2 of 3, “send”, after"
    expect(signed_in.get_by_text(story)).to_contain_text("the mail server refused the connection")
    expect(signed_in.get_by_role("heading", name="Attempt 1")).to_be_visible()
    expect(signed_in.get_by_role("heading", name="Attempt 2")).to_be_visible()
    expect(signed_in.get_by_role("log")).to_contain_text("customer 4711 has no address")


def test_a_steps_output_opens_and_its_log_stands_alone(signed_in: Page, server: Server) -> None:
    signed_in.goto(f"/runs/{a_failed_run(server)}")
    signed_in.get_by_text("1. collect").click()
    expect(signed_in.get_by_text("orders")).to_be_visible()

    signed_in.get_by_role("button", name="Show only this step's log").first.click()
    expect(signed_in.get_by_role("log")).not_to_contain_text("customer 4711")


def test_a_live_log_follows_its_end_until_the_reader_scrolls_up(
    signed_in: Page, server: Server, tmp_path: Path
) -> None:
    more = tmp_path / "more"
    run_id = server.run("talkative", op_kwargs={"talk": {"said": str(more)}})
    signed_in.goto(f"/runs/{run_id}")
    log = signed_in.get_by_role("log")
    expect(log.get_by_text("said 499", exact=True)).to_be_visible()

    log.hover()
    signed_in.mouse.wheel(0, -2000)
    expect(signed_in.get_by_role("button", name="Jump to the end")).to_be_visible()
    top = log.evaluate("box => box.scrollTop")
    more.touch()
    jump = signed_in.get_by_role("button", name="100 new lines")
    expect(jump).to_be_visible()
    assert log.evaluate("box => box.scrollTop") == top

    jump.click()
    expect(log.get_by_text("said 599", exact=True)).to_be_visible()
    assert log.evaluate(AT_END)
    how_far = signed_in.get_by_role("progressbar", name="How far “talk” is")
    expect(how_far).to_have_attribute("value", "600")
    expect(signed_in.get_by_text("600 of 1,200")).to_be_visible()

    more.with_suffix(".end").touch()
    expect(signed_in.get_by_text(re.compile("^Succeeded after"))).to_be_visible()
    expect(how_far).to_have_count(0)
    assert log.evaluate(AT_END)


def test_the_runs_are_filtered_by_their_address(signed_in: Page, server: Server) -> None:
    a_failed_run(server)
    signed_in.get_by_role("button", name="Missed").click()
    expect(signed_in.get_by_text("No run fits")).to_be_visible()
    expect(signed_in).to_have_url(re.compile("MISSED"))

    signed_in.reload()
    expect(signed_in.get_by_role("button", name="Missed")).to_have_attribute("aria-pressed", "true")
    signed_in.get_by_role("button", name="Clear the filters").click()
    expect(signed_in.get_by_role("listitem").first).to_be_visible()


def test_keys_lead_to_the_jobs_and_to_the_search(signed_in: Page) -> None:
    signed_in.keyboard.press("g")
    signed_in.keyboard.press("j")
    expect(signed_in.get_by_role("heading", name="Jobs")).to_be_visible()
    expect(signed_in.get_by_text("Does not validate, so it never runs")).to_be_visible()

    signed_in.keyboard.press("/")
    signed_in.keyboard.type("talk")
    expect(signed_in.get_by_role("heading", level=2)).to_have_text(["talkative"])


def test_the_pages_speak_french(signed_in: Page) -> None:
    signed_in.get_by_role("button", name="Settings").click()
    signed_in.get_by_text("Français").click()

    expect(signed_in.get_by_role("heading", name="Exécutions", exact=True)).to_be_visible()
    expect(signed_in.locator("html")).to_have_attribute("lang", "fr")


def test_an_unknown_run_and_an_unknown_page_say_so(signed_in: Page) -> None:
    signed_in.goto("/nowhere")
    expect(signed_in.get_by_text("There is no such page")).to_be_visible()
    signed_in.goto("/runs/abc")
    expect(signed_in.get_by_text("There is no such page")).to_be_visible()
