"""Revisions: every text that was in force is kept, and can be brought back."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.commands import nomaflow, serving
from tests.homes import a_home, a_query_job

from nomaflow import lifecycle
from nomaflow.app import App
from nomaflow.catalogue.home import Home
from nomaflow.domain.job import JobId
from nomaflow.errors import InvalidConfiguration, NotFound, Refused
from nomaflow.history.revisions import Revision, RevisionFilter

FIRST = a_query_job("nightly", "SELECT 1", schedule="0 2 * * *")
SECOND = FIRST.replace("0 2", "0 3")
BROKEN = FIRST.replace("0 2", "61 2")


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[App]:
    app = App.build(a_home(tmp_path / "home", FIRST))
    async with lifecycle.serving(app):
        yield app


async def change(app: App, text: str) -> None:
    app.home.jobs_toml.write_text(text)
    await app.catalogue_keeper.reload()


async def of_jobs(app: App) -> list[Revision]:
    return await app.revisions.page(RevisionFilter("jobs.toml"))


async def test_every_sound_text_that_was_loaded_is_a_revision(app: App) -> None:
    await change(app, SECOND)
    await change(app, BROKEN)
    await change(app, FIRST)
    kept = await of_jobs(app)
    assert [revision.text for revision in kept] == [FIRST, SECOND, FIRST]
    assert {revision.who for revision in kept} == {"file"}
    everything = await app.revisions.page(RevisionFilter())
    assert {"app.toml", "jobs.toml"} <= {revision.file for revision in everything}


async def test_a_file_goes_back_to_a_revision_and_that_is_a_new_one(app: App) -> None:
    app.home.jobs_toml.chmod(0o640)
    await change(app, SECOND)
    [_, first] = await of_jobs(app)
    await app.revisions.rollback(first.id, by="user:ann", note="3 o'clock was wrong")
    assert app.home.jobs_toml.read_text() == FIRST
    assert app.home.jobs_toml.stat().st_mode & 0o777 == 0o640
    assert app.catalogue.jobs[JobId("nightly")].schedule == "0 2 * * *"
    newest, *_ = await of_jobs(app)
    assert (newest.who, newest.note, newest.text) == ("user:ann", "3 o'clock was wrong", FIRST)
    assert not list(app.home.path.glob(".*.aside"))


async def test_a_damaged_file_is_mended_by_its_last_revision(app: App) -> None:
    [first] = await of_jobs(app)
    await change(app, "[[jobs]]\nid = \n")
    assert app.catalogue.held
    state = await app.revisions.rollback(first.id, by="user:ann", note=None)
    assert (state.problems, state.held) == ((), ())
    texts = [revision.text for revision in await of_jobs(app)]
    assert texts == [FIRST, "[[jobs]]\nid = \n", FIRST]


async def test_a_file_that_was_changed_since_it_was_read_is_not_overwritten(app: App) -> None:
    await change(app, SECOND)
    [_, first] = await of_jobs(app)
    app.home.jobs_toml.write_text("# somebody works here\n")
    with pytest.raises(Refused, match="changed on disk"):
        await app.revisions.rollback(first.id, by="user:ann", note=None)
    assert app.home.jobs_toml.read_text() == "# somebody works here\n"


async def test_a_text_that_has_problems_by_now_is_refused_with_them(app: App) -> None:
    bad = await app.stored.revisions.save("jobs.toml", BROKEN, who="file")
    with pytest.raises(InvalidConfiguration) as refusal:
        await app.revisions.rollback(bad, by="user:ann", note=None)
    assert [problem.field for problem in refusal.value.problems] == ["schedule"]
    assert app.home.jobs_toml.read_text() == FIRST
    with pytest.raises(NotFound):
        await app.revisions.rollback(bad + 100, by="user:ann", note=None)


async def test_going_back_to_the_text_of_now_is_refused(app: App) -> None:
    [first] = await of_jobs(app)
    with pytest.raises(Refused, match="already"):
        await app.revisions.rollback(first.id, by="user:ann", note=None)


async def test_a_diff_shows_what_changed_between_two_revisions(app: App) -> None:
    await change(app, SECOND)
    [second, first] = await of_jobs(app)
    changed = await app.revisions.diff(second.id)
    assert '-schedule = "0 2 * * *"\n+schedule = "0 3 * * *"' in changed
    assert await app.revisions.diff(second.id, second.id) == ""
    back = await app.revisions.diff(first.id, second.id)
    assert '-schedule = "0 3 * * *"\n+schedule = "0 2 * * *"' in back
    assert await app.revisions.diff(first.id) != ""


async def test_a_file_with_a_password_in_plain_text_is_never_stored(app: App) -> None:
    text = '[pools.erp]\nurl = "postgresql://me@db/erp"\npassword = "hunter2-hunter2"\n'
    app.home.connectors_toml.write_text(text)
    await app.catalogue_keeper.reload()
    kept = await app.revisions.page(RevisionFilter())
    assert not any("hunter2" in revision.text for revision in kept)


def test_revisions_are_listed_shown_compared_and_brought_back_in_the_shell_and_over_http(
    tmp_path: Path,
) -> None:
    folder = a_home(tmp_path / "home", FIRST)
    at = ("--home", folder)
    token = nomaflow("tokens", "create", "test", *at).out.strip()
    with serving(folder, token) as server:
        run = server.ended(server.run("nightly"))
        used = server.get(f"/api/v1/runs/{run['run_id']}/revision")
        assert (used["text"], used["file"]) == (FIRST, "jobs.toml")
        shown = nomaflow("show", str(run["run_id"]), *at).out
        assert f"As in revision {used['revision_id']}" in shown

        Home(folder).jobs_toml.write_text(SECOND)
        assert server.http.post("/api/v1/reload").json()["problems"] == []
        newest, *_ = server.get("/api/v1/revisions", file="jobs.toml")["revisions"]
        assert server.get(f"/api/v1/revisions/{newest['revision_id']}")["text"] == SECOND
        diff = server.get(f"/api/v1/revisions/{newest['revision_id']}/diff")["diff"]
        assert '+schedule = "0 3 * * *"' in diff
        assert nomaflow("revisions", "diff", str(newest["revision_id"]), *at).out.strip() == diff

        path = f"/api/v1/revisions/{used['revision_id']}/rollback"
        answer = server.http.post(path, content='{"note": "as it was"}')
        assert (answer.status_code, answer.json()["problems"]) == (200, [])
        assert Home(folder).jobs_toml.read_text() == FIRST
        assert server.http.post(path).status_code == 409
        assert server.http.post("/api/v1/revisions/999/rollback").status_code == 404
        newest, *_ = server.get("/api/v1/revisions", file="jobs.toml")["revisions"]
        assert (newest["who"], newest["note"]) == ("api:test", "as it was")

    listed = nomaflow("revisions", "list", *at, "--json").json["revisions"]
    assert listed[0] == newest
    second = next(row for row in listed if row["revision_id"] == newest["revision_id"] - 1)
    assert nomaflow("revisions", "show", str(second["revision_id"]), *at).out == SECOND
    back = nomaflow("revisions", "rollback", str(second["revision_id"]), *at, "--note", "again")
    assert back.code == 0, back.err
    assert Home(folder).jobs_toml.read_text() == SECOND
    assert nomaflow("revisions", "rollback", str(second["revision_id"]), *at).code == 2
    assert "again" in nomaflow("revisions", "list", *at).out
