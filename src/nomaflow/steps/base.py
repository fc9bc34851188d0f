"""The seam of the step types: a new one is one file in this folder, or an entry point.

A file defines a `Spec` (the step's own fields, whose JSON Schema draws the form and the docs
page) and one instance named `STEP`. Installed packages offer theirs in the entry point group
`nomaflow.steps`, pointing at such an instance.
"""

from collections.abc import Awaitable, Mapping
from typing import Any, ClassVar, Literal, Protocol, TypeVar, runtime_checkable

from nomaflow.domain.definition import Definition
from nomaflow.steps.context import StepContext

HostKind = Literal["thread", "process", "event_loop", "inline"]
Output = Mapping[str, Any]
SpecT = TypeVar("SpecT", bound="StepSpec")


class StepSpec(Definition):
    """The fields that a step type adds to those which every step has; closed and frozen."""

    def asked_host(self) -> HostKind | None:
        """The host that these fields ask for; None: the step type's own."""
        return None


@runtime_checkable
class DryRunning(Protocol):
    """A step type that can tell what it would do.

    When `ctx.facts.dry_run` says so, its `run` changes nothing and returns that.
    """

    has_dry_run: ClassVar[bool]


class StepType(Protocol[SpecT]):
    """One kind of work.

    `host` says where an attempt executes, and so how it is stopped: `thread` for drivers that
    have a cancel recipe (registered through `ctx.on_cancel`), `process` for what must be killable,
    `event_loop` for our own async work, whose `run` is a coroutine function, `inline` for code of
    users who want it in the application's process.
    `params_field` names the spec's field that is a layer of the merged parameters, if any.
    `literal_fields` are dotted paths that take no tokens (SQL text binds with `:name`).
    """

    name: ClassVar[str]
    title: ClassVar[str]
    host: ClassVar[HostKind]
    params_field: ClassVar[str | None]
    literal_fields: ClassVar[frozenset[str]]
    Spec: type[SpecT]

    def run(self, spec: SpecT, ctx: StepContext) -> Output | Awaitable[Output]:
        """Do the work of one attempt and return its output (JSON-like, small).

        Raises StepRefused when nothing was changed, StepFailed otherwise; a driver's own
        exception may pass too and fails the attempt with its type and message.
        """
