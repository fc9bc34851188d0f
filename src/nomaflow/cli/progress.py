"""A run as it goes, on stderr: log lines above, a bar per step that reports progress."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from nomaflow.cli import output
from nomaflow.copying.progress import grouped
from nomaflow.domain.events import LinesLogged, StepProgressed
from nomaflow.domain.run import RunId
from nomaflow.events.bus import Bus


@contextmanager
def watched(bus: Bus, run_id: RunId) -> Iterator[None]:
    """Show the run's lines and progress while the context is open."""
    view = _RunView(run_id)
    forget = [
        bus.subscribe(LinesLogged, view.show_lines),
        bus.subscribe(StepProgressed, view.show_progress),
    ]
    try:
        with view.bars:
            yield
    finally:
        for end in forget:
            end()


class _RunView:
    def __init__(self, run_id: RunId) -> None:
        self._run_id = run_id
        self._tasks: dict[str, TaskID] = {}
        self.bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=30),
            TextColumn("{task.fields[rows]}"),
            TimeRemainingColumn(),
            console=output.err,
            transient=True,
        )

    def show_lines(self, event: LinesLogged) -> None:
        if event.run_id == self._run_id:
            output.print_lines(event.lines, output.err)

    def show_progress(self, event: StepProgressed) -> None:
        if event.run_id != self._run_id:
            return
        if event.step not in self._tasks:
            for shown in self._tasks.values():
                self.bars.update(shown, visible=False)
            self._tasks[event.step] = self.bars.add_task(event.step, total=None, rows="")
        done, total = event.progress.done, event.progress.total
        task = self._tasks[event.step]
        self.bars.update(task, completed=done, total=total)
        speed = self.bars.tasks[task].speed
        rate = f" · {grouped(round(speed))}/s" if speed else ""
        of = f" of {grouped(total)}" if total else ""
        self.bars.update(task, rows=f"{grouped(done)}{of}{rate}")
