"""The file watcher: one tale for each change, and none of a file that is half written."""

import os
from pathlib import Path

import pytest
from tests.fakes import FakeClock

from nomaflow.maintenance.rounds import rounds
from nomaflow.maintenance.watcher import FileWatcher


class Told:
    """Counts the changes that it was told."""

    def __init__(self) -> None:
        self.times = 0
        self.is_ill = False

    async def hear(self) -> None:
        self.times += 1
        if self.is_ill:
            raise OSError("cannot be taken over")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "jobs.toml"
    file.write_text("one")
    return file


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def watcher(file: Path, told: Told) -> FileWatcher:
    return FileWatcher([file], told.hear)


def write(file: Path, text: str) -> None:
    file.write_text(text)


def remove(file: Path) -> None:
    file.unlink()


def replace(file: Path, text: str) -> None:
    """Another file in its place, of the same size and time."""
    before = file.stat()
    aside = file.with_suffix(".new")
    aside.write_text(text)
    os.utime(aside, ns=(before.st_atime_ns, before.st_mtime_ns))
    aside.replace(file)


async def test_a_change_is_told_once_when_the_file_was_left_alone(
    file: Path, told: Told, watcher: FileWatcher
) -> None:
    for times, text in [(0, "two"), (0, "three"), (1, None), (1, None)]:
        if text:
            write(file, text * 3)
        await watcher.look()
        assert told.times == times


async def test_a_file_that_is_replaced_or_removed_or_new_has_changed(
    file: Path, told: Told, watcher: FileWatcher
) -> None:
    replace(file, "two")
    await _looks(watcher)
    assert told.times == 1
    remove(file)
    await _looks(watcher)
    assert told.times == 2
    write(file, "three")
    await _looks(watcher)
    assert told.times == 3


async def test_a_link_is_followed_to_where_it_leads(tmp_path: Path, told: Told) -> None:
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "jobs.toml").write_text(name)
    current = tmp_path / "current"
    current.symlink_to("first")
    watcher = FileWatcher([current / "jobs.toml"], told.hear)
    (tmp_path / "next").symlink_to("second")
    (tmp_path / "next").replace(current)
    await _looks(watcher)
    assert told.times == 1


async def test_a_change_that_nobody_could_take_is_told_again(
    file: Path, told: Told, watcher: FileWatcher, clock: FakeClock
) -> None:
    write(file, "two and more")
    await watcher.look()
    told.is_ill = True
    with pytest.raises(OSError, match="taken over"):
        await watcher.look()
    told.is_ill = False
    await _looks(watcher)
    assert told.times == 2


async def test_a_hurry_tells_without_a_change(told: Told, watcher: FileWatcher) -> None:
    watcher.hurry()
    await _looks(watcher)
    assert told.times == 1


async def test_rounds_go_on_after_a_failure_and_end_with_their_context(clock: FakeClock) -> None:
    told = Told()
    told.is_ill = True
    async with rounds("A test", told.hear, clock, 60):
        await clock.advance(180)
        assert told.times == 3
    await clock.advance(180)
    assert told.times == 3


async def _looks(watcher: FileWatcher) -> None:
    for _ in range(3):
        await watcher.look()
