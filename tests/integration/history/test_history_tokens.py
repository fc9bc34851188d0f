"""Tokens: found by hash while they are valid."""

import pytest
from tests.integration.history.history_builders import Desk

from nomaflow.errors import NotFound, Refused
from nomaflow.history.tokens import TokenStore

HASH = "a" * 64


@pytest.fixture
def tokens(desk: Desk) -> TokenStore:
    return TokenStore(desk.database, desk.clock)


async def test_a_token_is_found_by_its_hash(desk: Desk, tokens: TokenStore) -> None:
    await tokens.create("ci", HASH)
    found = await tokens.find(HASH)
    assert found is not None
    assert (found.name, found.created_at) == ("ci", desk.clock.now())
    assert await tokens.find("b" * 64) is None


async def test_a_name_is_taken_once_also_after_a_revocation(tokens: TokenStore) -> None:
    await tokens.create("ci", HASH)
    await tokens.revoke("ci")
    with pytest.raises(Refused, match="'ci' already"):
        await tokens.create("ci", "b" * 64)


async def test_a_revoked_token_is_found_no_more_but_listed(desk: Desk, tokens: TokenStore) -> None:
    await tokens.create("old", HASH)
    await tokens.create("new", "b" * 64)
    revoked_at = desk.clock.now()
    await tokens.revoke("old")
    desk.clock.step(60)
    await tokens.revoke("old")
    assert await tokens.find(HASH) is None
    assert [(each.name, each.revoked_at) for each in await tokens.list()] == [
        ("new", None),
        ("old", revoked_at),
    ]


async def test_an_unknown_token_cannot_be_revoked(tokens: TokenStore) -> None:
    with pytest.raises(NotFound, match="no token 'ci'"):
        await tokens.revoke("ci")


async def test_use_is_noted_once_a_minute(desk: Desk, tokens: TokenStore) -> None:
    await tokens.create("ci", HASH)
    used = []
    for _ in range(4):
        await tokens.find(HASH)
        [token] = await tokens.list()
        used.append(token.last_used_at)
        desk.clock.step(30)
    assert used[0] == used[1]
    assert used[2] == used[3]
    assert used[1] != used[2]
