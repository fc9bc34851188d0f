"""Builds what each attempt of a run needs: merged parameters, resolved settings, facts."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from nomaflow.catalogue.jobs.condition import holds
from nomaflow.catalogue.values.schema import settled
from nomaflow.catalogue.values.substitution import Scope, merge_params, resolve
from nomaflow.catalogue.values.unsealing import Unsealing
from nomaflow.connectors.web.egress import Egress
from nomaflow.domain.job import Job, StepDefinition
from nomaflow.domain.parameters import as_json
from nomaflow.domain.run import Run, RunId, RunOptions, StepRun
from nomaflow.errors import StepRefused
from nomaflow.runner.declared import DeclaredParameters
from nomaflow.runner.hosts.base import AttemptRequest
from nomaflow.steps.base import StepType
from nomaflow.steps.context import StepFacts
from nomaflow.steps.previous import PreviousStep, PreviousSteps
from nomaflow.steps.registry import StepTypes


@dataclass(frozen=True)
class BriefingParts:
    """Where values come from: `env` gives a variable's value, `zone` is the instance's own.

    `unsealing` opens what is sealed and has it masked from then on. `egress` says which addresses
    may be reached now, `body_file` where a step leaves its body.
    """

    types: StepTypes
    env: Callable[[str], str | None]
    zone: str
    unsealing: Unsealing
    egress: Callable[[], Egress]
    body_file: Callable[[RunId, int], str]


class Briefing:
    """One run's knowledge of its parameters."""

    def __init__(
        self,
        parts: BriefingParts,
        run: Run,
        job: Job,
        options: RunOptions,
        previous_success_at: datetime | None,
    ) -> None:
        self._types = parts.types
        self._unsealing = parts.unsealing
        self._parts = parts
        self._job = job
        self._options = options
        self._run = run
        self._started_at = run.started_at or run.created_at
        zone = ZoneInfo(job.timezone or parts.zone)
        self._declared = DeclaredParameters(job.params_schema, zone, parts.unsealing)
        self._shared = (
            self._declared.absent,
            job.params,
            options.preset_params,
            options.params,
        )
        self._previous = PreviousSteps()
        self._seen: dict[str, Any] = {}
        self._outputs: dict[str, Mapping[str, Any]] = {}
        facts = dict(self._facts(zone, previous_success_at))
        self._scope = Scope(env=parts.env, outputs=self._outputs, facts=facts)

    def snapshot(self) -> Mapping[str, Any]:
        """The parameters shared by the steps, as they are kept on the run, and written in files.

        `${env:…}` stays a token: its value is never shown or saved.
        """
        scope = replace(self._scope, to_be_kept=True)
        try:
            merged = merge_params(self._shared, scope)
        except StepRefused:
            merged = {key: value for layer in self._shared for key, value in layer.items()}
        return self._declared.masked(merged)

    def remember(self, step: StepRun, output: Mapping[str, Any] | None) -> None:
        """A step is done: those behind it see its state and its whole output."""
        done = PreviousStep(step.name, step.state, output)
        if done.has_answer:
            done = replace(done, body_file=self._parts.body_file(self._run.id, step.index))
        self._previous.add(done)
        self._seen[step.name] = {"output": output or {}, "state": step.state.value}
        if output:
            self._outputs[step.name] = output

    def is_wanted(self, index: int) -> bool:
        """Whether the condition of step `index` lets it execute.

        One that has no answer does too, so that `request` refuses it in the step's attempt.
        """
        definition = self._job.steps[index]
        if definition.when is None:
            return True
        try:
            params = self._params(definition, self._of_attempt(1))
            return holds(definition.when, params, self._seen)
        except StepRefused:
            return True

    def request(self, index: int, attempt: int) -> AttemptRequest:
        """The attempt of step `index`.

        Raises StepRefused when its condition has no answer, or a token or a field does not fit.
        """
        definition = self._job.steps[index]
        step_type = self._types.find(definition.type)
        scope = self._of_attempt(attempt)
        params = self._params(definition, scope)
        if definition.when is not None:
            holds(definition.when, params, self._seen)
        settings = resolve(
            definition.settings, replace(scope, params=as_json(params)), step_type.literal_fields
        )
        opened = self._unsealing.opened(settings, f"step '{definition.name}'")
        return AttemptRequest(
            step_type=definition.type,
            spec=settled(step_type.Spec, opened, f"Step '{definition.name}'"),
            facts=StepFacts(
                run_id=self._run.id,
                job_id=self._run.job_id,
                step_name=definition.name,
                step_index=index,
                attempt=attempt,
                session_user=self._run.session_user,
                started_at=self._started_at,
                scheduled_at=self._run.scheduled_at,
                params=params,
                previous=self._previous,
                body_file=self._parts.body_file(self._run.id, index),
                egress=self._parts.egress(),
            ),
        )

    def _of_attempt(self, attempt: int) -> Scope:
        return replace(self._scope, facts={**self._scope.facts, "attempt": attempt})

    def _params(self, definition: StepDefinition, scope: Scope) -> dict[str, Any]:
        step_type: StepType[Any] = self._types.find(definition.type)
        own = definition.settings.get(step_type.params_field or "", {})
        layers = (
            self._declared.absent,
            self._job.params,
            own,
            self._options.preset_params,
            self._options.preset_op_kwargs.get(definition.name, {}),
            self._options.params,
            self._options.op_kwargs.get(definition.name, {}),
        )
        return merge_params(layers, scope, self._declared.typed)

    def _facts(
        self, zone: ZoneInfo, previous_success_at: datetime | None
    ) -> Iterator[tuple[str, Any]]:
        run, today = self._run, (self._run.scheduled_at or self._started_at).astimezone(zone).date()
        yield "run_id", run.id
        yield "job_id", run.job_id
        yield "scheduled_at", _iso(run.scheduled_at)
        yield "started_at", _iso(self._started_at)
        yield "session_user", run.session_user
        yield "previous_success_at", _iso(previous_success_at)
        yield "today", today.isoformat()
        yield "yesterday", (today - timedelta(days=1)).isoformat()
        yield "month_first", today.replace(day=1).isoformat()
        yield "month_last", _month_last(today).isoformat()


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()


def _month_last(day: date) -> date:
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
