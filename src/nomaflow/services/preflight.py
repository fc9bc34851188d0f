"""Use case: what the steps of a job would do, told before anything is done."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from nomaflow.catalogue.model import Catalogue
from nomaflow.domain.job import Job, StepDefinition
from nomaflow.domain.run import RunOptions
from nomaflow.errors import NomaflowError, NotFound, Refused
from nomaflow.steps.base import DryRunning, StepType

SECONDS: Final = 60.0

DryRun = Callable[[Job, int, RunOptions, str], Awaitable[Mapping[str, Any]]]


@dataclass(frozen=True)
class Preflights:
    """Asks the steps that can tell. `dry_run` executes one; `mask` hides secrets in a value."""

    catalogue: Callable[[], Catalogue]
    types: Mapping[str, StepType[Any]]
    dry_run: DryRun
    mask: Callable[[Any], Any]

    async def of(
        self, job_id: str, step: str | None, options: RunOptions, by: str
    ) -> list[dict[str, Any]]:
        """One answer for each step of the job that can tell, or for `step` alone.

        Raises NotFound; Refused when no step, or not this one, can tell.
        """
        job = self.catalogue().job(job_id)
        return [await self._answer(job, index, options, by) for index in self._able(job, step)]

    def _able(self, job: Job, wanted: str | None) -> list[int]:
        names = [step.name for step in job.steps]
        if wanted is not None and wanted not in names:
            raise NotFound(f"Job '{job.id}' has no step '{wanted}'. Its steps: {', '.join(names)}.")
        able = [
            index
            for index, step in enumerate(job.steps)
            if self._can_tell(step.type) and wanted in (None, step.name)
        ]
        if not able:
            kinds = ", ".join(sorted(filter(self._can_tell, self.types)))
            what = (
                f"Step '{wanted}' of job '{job.id}' cannot"
                if wanted
                else f"No step of job '{job.id}' can"
            )
            raise Refused(f"{what} tell what it would do; steps of these types can: {kinds}.")
        return able

    def _can_tell(self, step_type: str) -> bool:
        return isinstance(self.types[step_type], DryRunning)

    async def _answer(self, job: Job, index: int, options: RunOptions, by: str) -> dict[str, Any]:
        step = job.steps[index]
        try:
            async with asyncio.timeout(SECONDS):
                plan = await self.dry_run(job, index, options, by)
        except TimeoutError:
            return self._told(step, None, f"It took longer than {SECONDS:.0f} s.")
        except NomaflowError as error:
            return self._told(step, None, str(error))
        return self._told(step, plan, None)

    def _told(
        self, step: StepDefinition, plan: Mapping[str, Any] | None, problem: str | None
    ) -> dict[str, Any]:
        told = {"plan": None if plan is None else dict(plan), "problem": problem}
        return {"step": step.name, "type": step.type, **self.mask(told)}
