"""Revisions: a new one for each change, none for a save that changes nothing."""

import asyncio

import pytest
from tests.integration.history.history_builders import Desk

from nomaflow.errors import NotFound
from nomaflow.history.database import Database
from nomaflow.history.revisions import Revision, RevisionHistory


@pytest.fixture
def revisions(desk: Desk) -> RevisionHistory:
    return RevisionHistory(desk.database, desk.clock)


async def test_a_revision_keeps_text_and_who_saved_it(
    desk: Desk, revisions: RevisionHistory
) -> None:
    revision_id = await revisions.save("jobs.toml", "é = 1\n", who="user:anna", note="first")
    kept = await revisions.get(revision_id)
    assert isinstance(kept, Revision)
    assert (kept.file, kept.text) == ("jobs.toml", "é = 1\n")
    assert (kept.who, kept.note, kept.saved_at) == ("user:anna", "first", desk.clock.now())


async def test_the_same_text_again_is_the_same_revision(revisions: RevisionHistory) -> None:
    first = await revisions.save("jobs.toml", "a = 1", who="file")
    assert await revisions.save("jobs.toml", "a = 1", who="user:anna") == first
    assert await revisions.save("connectors.toml", "a = 1", who="file") != first


async def test_going_back_to_an_older_text_is_a_new_revision(revisions: RevisionHistory) -> None:
    ids = [await revisions.save("jobs.toml", text, who="file") for text in ("a", "b", "a")]
    assert len(set(ids)) == 3
    assert (await revisions.get(ids[2])).text == "a"


async def test_an_unknown_revision_is_not_found(revisions: RevisionHistory) -> None:
    with pytest.raises(NotFound, match="no revision 5"):
        await revisions.get(5)


async def test_processes_that_load_the_same_file_at_once_make_one_revision(
    desk: Desk, store_url: str
) -> None:
    databases = [Database.open(store_url) for _ in range(4)]
    histories = [RevisionHistory(database, desk.clock) for database in databases]
    saves = [history.save("jobs.toml", "a = 1", who="file") for history in histories]
    assert len(set(await asyncio.gather(*saves))) == 1
    await asyncio.gather(*(database.close() for database in databases))
