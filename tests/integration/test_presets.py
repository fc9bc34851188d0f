"""Named values: chosen by hand, or on a schedule of their own."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.fakes import FakeClock
from tests.homes import a_home, a_query_job, ended, running

from nomaflow.app import App
from nomaflow.domain.job import JobId
from nomaflow.domain.run import RunOptions
from nomaflow.domain.states import StepState
from nomaflow.errors import NotFound
from nomaflow.history.pages import RunFilter

PRESETS = """
[[jobs.presets]]
name = "america"
schedule = "0 3 * * *"
params = { region = "US", note = "${kw:region}" }
step_enabled = { step-2 = false }
[[jobs.presets]]
name = "resting"
enabled = false
schedule = "* * * * *"
"""
JOB = (
    a_query_job(
        "report",
        "SELECT :region AS region, :note AS note",
        "SELECT 1",
        params={"region": "EU", "note": "-"},
        schedule="0 2 * * *",
        timezone="UTC",
    )
    + PRESETS
)


async def test_a_preset_lies_over_the_job_and_under_the_run_form(tmp_path: Path) -> None:
    async with running(a_home(tmp_path / "home", JOB)) as app:
        plain, _ = await ended(app, "report", RunOptions(preset="america"))
        form = RunOptions(preset="america", params={"region": "BR"}, step_enabled={"step-2": True})
        over, steps = await ended(app, "report", form)
        with pytest.raises(NotFound, match="Its presets: america, resting"):
            await app.runs.start("report", RunOptions(preset="asia"), by="user:ann")
    assert plain.params == {"region": "US", "note": "EU"}
    assert over.params == {"region": "BR", "note": "EU"}
    assert [step.state for step in steps] == [StepState.SUCCEEDED] * 2


async def test_a_preset_fires_on_its_own_schedule_with_its_own_values(tmp_path: Path) -> None:
    clock = FakeClock(datetime(2026, 6, 1, 1, 59, 30, tzinfo=UTC))
    app = App.build(a_home(tmp_path / "home", JOB), clock=clock)
    async with app.store():
        await app.scheduler.start()
        triggers = [entry.trigger_id for entry in app.firing.entries() if entry.job_id == "report"]
        await app.scheduler.stop()
        clock.step(3630)
        await app.scheduler.start()
        await app.scheduler.stop()
        preset, own = (await app.stored.runs.page(RunFilter(job_id=JobId("report")))).runs
    assert triggers == ["schedule", "preset:america"]
    assert (own.trigger_id, own.state) == ("schedule", "MISSED")
    assert (preset.trigger_id, preset.triggered_by) == ("preset:america", "cron")
    assert preset.options is not None
