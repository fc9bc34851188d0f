"""A calendar of app.toml, as the schedules feel it."""

from datetime import UTC, datetime
from pathlib import Path

from tests.fakes import FakeClock
from tests.homes import a_home, a_query_job

from nomaflow.app import App
from nomaflow.domain.job import JobId
from nomaflow.history.pages import RunFilter

CALENDAR = '[calendars.france]\ncountry = "FR"\n'


def jobs(on_excluded: str) -> str:
    return a_query_job(
        "monthly",
        "SELECT 1",
        schedule="0 2 25 * *",
        timezone="Europe/Paris",
        calendar="france",
        on_excluded=on_excluded,
    )


async def test_a_due_time_on_a_holiday_is_skipped_by_name_and_started_on_the_next_workday(
    tmp_path: Path,
) -> None:
    home = a_home(tmp_path / "home", jobs("next_workday"))
    (home / "app.toml").write_text(CALENDAR)
    clock = FakeClock(datetime(2026, 12, 25, 0, 59, 30, tzinfo=UTC))
    app = App.build(home, clock=clock)
    async with app.store():
        await app.scheduler.start()
        await app.scheduler.stop()
        clock.step(3 * 86_400 + 60)
        await app.scheduler.start()
        await app.scheduler.stop()
        moved, skipped = (await app.stored.runs.page(RunFilter(job_id=JobId("monthly")))).runs
    assert (skipped.state, skipped.reason) == (
        "SKIPPED",
        "calendar france: Christmas Day, moved to 2026-12-28 02:00",
    )
    assert (moved.state, moved.scheduled_at) == ("QUEUED", datetime(2026, 12, 28, 1, tzinfo=UTC))


async def test_a_changed_calendar_is_looked_at_with_its_job(tmp_path: Path) -> None:
    home = a_home(tmp_path / "home", jobs("skip"))
    (home / "app.toml").write_text(CALENDAR)
    clock = FakeClock(datetime(2026, 12, 25, 0, 59, 30, tzinfo=UTC))
    app = App.build(home, clock=clock)
    before = list(app.firing.entries())
    assert before == list(app.firing.entries())
    (home / "app.toml").write_text(f'{CALENDAR}dates = ["2026-12-24"]\n')
    assert before != list(App.build(home, clock=clock).firing.entries())
