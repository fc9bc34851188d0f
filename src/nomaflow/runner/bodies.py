"""Bodies that steps left for later ones: files of a run, deleted when it ends."""

import shutil
from pathlib import Path

from nomaflow.domain.run import RunId
from nomaflow.errors import NotFound
from nomaflow.history.runs import RunHistory


class Bodies:
    """One folder for each run that has some, on this machine alone."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def file_of(self, run_id: RunId, index: int) -> str:
        """Where step `index` of the run may leave its body; the folder need not exist."""
        return f"{self._folder}/{run_id}/{index}"

    def forget(self, run_id: RunId) -> None:
        """Delete what the run has left."""
        folder = self._folder / str(run_id)
        if folder.exists():
            shutil.rmtree(folder, ignore_errors=True)

    async def forget_ended(self, history: RunHistory) -> None:
        """Delete what is left of runs that ended without us."""
        names = self._folder.iterdir() if self._folder.exists() else ()
        for run_id in [RunId(int(path.name)) for path in names if path.name.isdecimal()]:
            if await _is_over(run_id, history):
                self.forget(run_id)


async def _is_over(run_id: RunId, history: RunHistory) -> bool:
    try:
        return (await history.get(run_id)).state.is_final
    except NotFound:
        return True
