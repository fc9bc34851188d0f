"""Who may call: tokens that the store knows, and for how long an answer of it counts."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.fakes import FakeClock
from tests.homes import a_home

from nomaflow.app import App
from nomaflow.services.access import KNOWN_SECONDS


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[App]:
    app = App.build(a_home(tmp_path / "home"), clock=FakeClock())
    async with app.store():
        yield app


async def test_a_token_opens_until_this_process_revokes_it(app: App) -> None:
    token = (await app.access.create_token("ci")).reveal()
    before = await app.access.sign_in(token)
    await app.access.revoke("ci")

    assert (before, await app.access.sign_in(token)) == ("ci", None)


async def test_a_token_that_another_process_revokes_is_refused_a_second_later(app: App) -> None:
    elsewhere = App.build(app.home.path, clock=app.clock)
    async with elsewhere.store():
        token = (await app.access.create_token("ci")).reveal()
        await app.access.sign_in(token)
        await elsewhere.access.revoke("ci")
    at_once = await app.access.sign_in(token)
    assert isinstance(app.clock, FakeClock)
    await app.clock.advance(KNOWN_SECONDS)

    assert (at_once, await app.access.sign_in(token)) == ("ci", None)


async def test_what_is_no_token_opens_nothing(app: App) -> None:
    assert await app.access.sign_in("") is None
    assert await app.access.sign_in("nomaflow_unknown") is None
