"""Use cases on ended runs: resume from the failed step, replay with edits, retry many."""

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from nomaflow.domain.course import kept_steps
from nomaflow.domain.events import RunChanged, RunsQueued
from nomaflow.domain.job import Job
from nomaflow.domain.run import (
    RESUME,
    NewRun,
    ProcessId,
    Run,
    RunId,
    RunOptions,
    StepRun,
    with_preset,
)
from nomaflow.domain.secrets import MASK
from nomaflow.domain.states import RunState
from nomaflow.errors import NomaflowError, Refused
from nomaflow.history.pages import RunFilter
from nomaflow.services.runs import RunParts

NOTICED = ("steps", "params", "params_schema", "timezone")
RETRIED = frozenset({RunState.FAILED, RunState.CANCELED})


@dataclass(frozen=True)
class Retried:
    """What became of one run that was to be retried: a new run, or the reason for none."""

    run_id: RunId
    new_run_id: RunId | None = None
    refused: str | None = None


class Repeats:
    """New runs from old ones; the old ones stay as they are.

    `definition` gives the job as it was for a run, or None; `unpack` a run's own values.
    """

    def __init__(
        self,
        parts: RunParts,
        definition: Callable[[Run], Awaitable[Job | None]],
        unpack: Callable[[Run], RunOptions],
    ) -> None:
        self._parts = parts
        self._definition = definition
        self._unpack = unpack

    async def resume(
        self,
        run_id: RunId,
        *,
        by: str,
        confirm: bool = False,
        reserved_for: ProcessId | None = None,
    ) -> RunId:
        """Queue a run that keeps the finished steps with their outputs, and does the rest.

        Raises NotFound; Refused (also JobBusy) when the run did not fail, or when its job changed
        since, unless that is `confirm`ed.
        """
        run = await self._parts.history.get(run_id)
        if run.state not in RETRIED:
            raise Refused(f"Run {run_id} is {run.state}; only a failed or canceled run is resumed.")
        job = self._parts.job(run.job_id)
        if not confirm:
            await self._check_unchanged(run, job)
        steps = kept_steps(await self._parts.history.steps(run_id), job.steps)
        new = await self._new(run, job, by)
        new = replace(new, triggered_by=f"{RESUME}{run_id}", reserved_for=reserved_for)
        return await self._queue(new, job, steps)

    async def replay(
        self,
        run_id: RunId,
        edits: RunOptions,
        *,
        by: str,
        reserved_for: ProcessId | None = None,
    ) -> RunId:
        """Queue a run with the parameters of an old one; `edits` win. All its steps run.

        Raises NotFound, InvalidParameters, Refused (also JobBusy).
        """
        run = await self._parts.history.get(run_id)
        job = self._parts.job(run.job_id)
        options = edited(run, self._unpack(run), with_preset(edits, job))
        options = self._parts.fitted(job, options)
        new = replace(
            await self._new(run, job, by),
            triggered_by=f"replay:{run_id}",
            options=self._packed(options),
            reserved_for=reserved_for,
        )
        return await self._queue(new, job)

    async def retry(
        self, wanted: RunFilter, *, by: str, from_start: bool = False, confirm: bool = False
    ) -> list[Retried]:
        """Resume, or replay `from_start`, each failed or canceled run of one page of the filter."""
        states = wanted.states or RETRIED
        if not states <= RETRIED:
            raise Refused("Only failed and canceled runs are retried.")
        page = await self._parts.history.page(replace(wanted, states=states))
        return [
            await self._retried(run.id, by, from_start=from_start, confirm=confirm)
            for run in page.runs
        ]

    async def _retried(self, run_id: RunId, by: str, *, from_start: bool, confirm: bool) -> Retried:
        try:
            if from_start:
                return Retried(run_id, await self.replay(run_id, RunOptions(), by=by))
            return Retried(run_id, await self.resume(run_id, by=by, confirm=confirm))
        except NomaflowError as error:
            return Retried(run_id, refused=str(error))

    async def _check_unchanged(self, run: Run, job: Job) -> None:
        past = await self._definition(run)
        changed = ["the whole job"] if past is None else changes(past, job)
        if changed:
            raise Refused(
                f"Job '{job.id}' changed since run {run.id}: {', '.join(changed)}. "
                "Confirm to resume it as it is now, or replay the run from its first step."
            )

    async def _new(self, run: Run, job: Job, by: str) -> NewRun:
        return NewRun(
            job_id=job.id,
            triggered_by=by,
            options=self._packed(self._unpack(run)),
            revision_id=await self._parts.revision(job.id),
            on_behalf_of=by.partition(":")[2] or by,
        )

    def _packed(self, options: RunOptions) -> str | None:
        return self._parts.pack(replace(options, trace_parent=self._parts.trace_parent()))

    async def _queue(self, new: NewRun, job: Job, steps: Sequence[StepRun] = ()) -> RunId:
        run_id = await self._parts.queue.enqueue(new, overlap=job.overlap, steps=steps)
        if run_id is None:
            raise Refused(f"Job '{job.id}' was not started: its row exists already.")
        self._parts.bus.publish(RunsQueued())
        self._parts.bus.publish(RunChanged(run_id))
        return run_id


def changes(past: Job, job: Job) -> list[str]:
    """What of the job changed that a resumed run would notice."""
    return [name for name in NOTICED if getattr(past, name) != getattr(job, name)]


def edited(run: Run, options: RunOptions, edits: RunOptions) -> RunOptions:
    """The run's own values with the edits over them; what is masked in its snapshot is left out."""
    kept = {key: value for key, value in run.params.items() if MASK not in json.dumps(value)}
    kwargs = {
        step: {**options.op_kwargs.get(step, {}), **edits.op_kwargs.get(step, {})}
        for step in {*options.op_kwargs, *edits.op_kwargs}
    }
    return replace(
        options if edits.preset is None else edits,
        params={**kept, **options.params, **edits.params},
        op_kwargs=kwargs,
        step_enabled={**options.step_enabled, **edits.step_enabled},
        log_level=edits.log_level or options.log_level,
    )
