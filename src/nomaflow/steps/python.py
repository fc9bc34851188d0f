"""The step type `python`: calls a function of the home's plugins."""

import asyncio
import inspect
import json
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import Field

from nomaflow.connectors.awaitable import Awaitable
from nomaflow.errors import StepFailed, StepRefused
from nomaflow.steps.base import HostKind, Output, StepSpec
from nomaflow.steps.context import StepContext

MOST_BYTES: Final = 256 * 1024
PREVIEW_CHARACTERS: Final = 4096
_DOTTED: Final = r"[^\W\d]\w*(?:\.[^\W\d]\w*)*"


class PythonSpec(StepSpec):
    """Fields of a `python` step."""

    callable: Annotated[
        str,
        Field(
            pattern=rf"^{_DOTTED}:{_DOTTED}$",
            description="The function, as module.path:function, found in plugins/.",
        ),
    ]
    op_kwargs: Annotated[
        Mapping[str, Any],
        Field(default_factory=dict, description="Arguments, merged over the job's params."),
    ]
    host: Annotated[
        Literal["process", "inline"],
        Field(
            description="process: in a child process, which can always be stopped; inline: in "
            "the application's own process, where only the function itself can stop."
        ),
    ] = "process"

    def asked_host(self) -> HostKind:
        return self.host


class PythonStep:
    """Calls `fn(ctx, **params)`, plain or `async def`, in a child process.

    A cancel and the time-out always end it there, with all that it started. With `host = "inline"`
    it is called in the application's process: a plain function in a thread, an `async def` one on
    the application's event loop; there it can only be asked to stop. `print` and `ctx.log` write
    into the run's log. Code that was edited in plugins/ is used by the next run.

    Output: a dict that it returns; None is `{}`, an int `{"rows_affected": n}`, other JSON
    `{"value": …}`. What is not JSON or is over 256 KiB is kept as `{"truncated": true, "preview"}`,
    with a warning: the work is done, so it does not fail.

    Errors: `StepRefused` when there is no such module or function, it does not take these
    parameters, or it is a generator. `NotAwaited` when it returns a coroutine of which nothing ran.
    An exception by its own type, such as `ValueError`, with the traceback of the code in plugins/.
    `ProcessDied` when the process ended: a crash of C code, a kill, `os._exit`.

    Example:
    [[jobs]]
    id = "monthly-report"
    schedule = "0 6 1 * *"
    params = { region = "EU" }

    [[jobs.steps]]
    name = "report"
    type = "python"
    callable = "reports.summary:generate_pdf"
    op_kwargs = { period = "month", until = "${ctx:yesterday}" }
    timeout_seconds = 900
    """

    name: ClassVar[str] = "python"
    title: ClassVar[str] = "Python function"
    host: ClassVar[HostKind] = "process"
    params_field: ClassVar[str | None] = "op_kwargs"
    literal_fields: ClassVar[frozenset[str]] = frozenset()
    Spec = PythonSpec

    def run(self, spec: PythonSpec, ctx: StepContext) -> Output:
        function = find(spec.callable)
        _refuse_generator(spec.callable, function)
        _check_arguments(spec.callable, function, ctx.params)
        seen = AsyncStepContext(ctx) if _is_async(function) else ctx
        returned = function(seen, **ctx.params)
        if inspect.iscoroutine(returned):
            returned = ctx.complete(returned)
        _refuse_unawaited(spec.callable, returned)
        return _output(returned, ctx)


class AsyncStepContext(StepContext):
    """The context of an `async def` function: connectors and other steps are awaited."""

    def __init__(self, ctx: StepContext) -> None:
        super().__init__(ctx.facts, ctx._port)

    def get_connector(self, name: str) -> Any:
        """The connector of that name; `await` its methods."""
        return Awaitable(super().get_connector(name))

    def run_step(self, step_type: str, /, **fields: Any) -> Any:
        """The other step type's output, once awaited."""
        return asyncio.to_thread(super().run_step, step_type, **fields)


def find(dotted: str) -> Callable[..., Any]:
    """The function at `module.path:name`. Raises StepRefused; what its module raises passes."""
    module_name, _, function_name = dotted.partition(":")
    found: Any = _module(module_name, dotted)
    for name in function_name.split("."):
        found = getattr(found, name, None)
    if not callable(found):
        raise StepRefused(
            f"Module '{module_name}' has no function '{function_name}'. "
            f"Check the field 'callable' ({dotted}) and the file in plugins/."
        )
    function: Callable[..., Any] = found
    return function


def _module(name: str, dotted: str) -> Any:
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise
        raise StepRefused(
            f"There is no module '{error.name}'. Put it into the home's plugins/ folder, or "
            f"correct the field 'callable' ({dotted})."
        ) from None


def _is_async(function: Callable[..., Any]) -> bool:
    """Whether it awaits: an `async def`, also behind a decorator or as an object's `__call__`."""
    inside = inspect.unwrap(function)
    return inspect.iscoroutinefunction(inside) or inspect.iscoroutinefunction(
        getattr(inside, "__call__", None)  # noqa: B004  # whether it is async, not whether it is there
    )


def _refuse_generator(dotted: str, function: Callable[..., Any]) -> None:
    """With a `yield` in it, a call would do nothing and look like a success."""
    inside = inspect.unwrap(function)
    if inspect.isgeneratorfunction(inside) or inspect.isasyncgenfunction(inside):
        raise StepRefused(
            f"{dotted} has a `yield` in it: nothing of it runs when it is called. Let it return "
            "what it found."
        )


def _refuse_unawaited(dotted: str, returned: Any) -> None:
    """Work that was only prepared is not done."""
    if inspect.iscoroutine(returned):
        returned.close()
        raise StepFailed(
            f"{dotted} returned '{returned.__qualname__}(…)' without having awaited it, so its "
            "work was not done. Write `await` before it.",
            cause="NotAwaited",
        )


def _check_arguments(dotted: str, function: Callable[..., Any], params: Mapping[str, Any]) -> None:
    """Refuse a call that cannot bind, naming the parameter and the way out."""
    try:
        signature = inspect.signature(function)
    except ValueError:
        return
    try:
        signature.bind(None, **params)
    except TypeError as error:
        raise StepRefused(
            f"{dotted} cannot be called with the parameters {sorted(params)}: {error}. It is "
            "called as fn(ctx, **params): add what is missing to op_kwargs, or let the function "
            "take the rest as **_."
        ) from None


def _output(returned: Any, ctx: StepContext) -> Output:
    """The step's output for what the function returned."""
    text = _json(returned)
    if text is None or len(text) > MOST_BYTES:
        return _preview(returned, text, ctx)
    match json.loads(text):
        case dict() as output:
            return output
        case None:
            return {}
        case int() as rows if not isinstance(returned, bool):
            return {"rows_affected": rows}
        case value:
            return {"value": value}


def _json(value: Any) -> str | None:
    try:
        return json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return None


def _preview(returned: Any, text: str | None, ctx: StepContext) -> Output:
    why = "is not JSON" if text is None else f"has {len(text):,} bytes, more than {MOST_BYTES:,}"
    ctx.log.warning("The return value %s; only a preview of it is kept.", why)
    return {"truncated": True, "preview": _shown(returned, text)[:PREVIEW_CHARACTERS]}


def _shown(returned: Any, text: str | None) -> str:
    if text is not None:
        return text
    try:
        return repr(returned)
    except Exception:  # noqa: BLE001  # a user's __repr__ may do anything; the work is done
        return f"<{type(returned).__name__}>"


STEP = PythonStep()
