"""What a person sets for one run on the command line, as the run form does in the pages."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, cast

import typer

from nomaflow.app import App
from nomaflow.domain.job import LogLevel
from nomaflow.domain.run import RunOptions

ParamOption = Annotated[
    list[str] | None, typer.Option("--param", metavar="K=V", help="A parameter; V may be JSON.")
]
StepParamOption = Annotated[
    list[str] | None,
    typer.Option("--step-param", metavar="STEP:K=V", help="A parameter of one step alone."),
]
StepOffOption = Annotated[
    list[str] | None,
    typer.Option("--step-off", metavar="STEP", help="Leave this step out, this time."),
]
StepOnOption = Annotated[
    list[str] | None,
    typer.Option("--step-on", metavar="STEP", help="Run this step, this time."),
]
LevelOption = Annotated[
    str | None, typer.Option("--log-level", metavar="LEVEL", help="DEBUG, INFO or WARNING.")
]
PresetOption = Annotated[
    str | None, typer.Option("--preset", metavar="NAME", help="Values of a preset of the job.")
]


@dataclass(frozen=True)
class RunForm:
    """The options as they were typed."""

    param: Sequence[str] | None = None
    step_param: Sequence[str] | None = None
    step_off: Sequence[str] | None = None
    step_on: Sequence[str] | None = None
    log_level: str | None = None
    preset: str | None = None

    def options(self, app: App, job: str) -> RunOptions:
        """What they mean for that job. Raises BadParameter, NotFound, InvalidConfiguration."""
        off = dict.fromkeys(self.step_off or (), False)
        return RunOptions(
            params=_params(app, job, self.param or (), "--param"),
            op_kwargs=self._op_kwargs(app, job),
            step_enabled=off | dict.fromkeys(self.step_on or (), True),
            log_level=_level(self.log_level),
            preset=self.preset,
        )

    def _op_kwargs(self, app: App, job: str) -> dict[str, dict[str, Any]]:
        pairs: dict[str, list[str]] = {}
        for text in self.step_param or ():
            step, colon, pair = text.partition(":")
            if not colon:
                raise typer.BadParameter(f"'{text}' is not STEP:K=V", param_hint="--step-param")
            pairs.setdefault(step, []).append(pair)
        return {step: _params(app, job, own, "--step-param") for step, own in pairs.items()}


def _params(app: App, job: str, pairs: Sequence[str], option: str) -> dict[str, Any]:
    """The parameters in the types that the job declares; of the others, JSON is JSON."""
    texts = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise typer.BadParameter(f"'{pair}' is not k=v", param_hint=option)
        texts[key] = value
    plain = {key: _value(value) for key, value in texts.items()}
    return plain | (app.parameters.meant(job, texts) if texts else {})


def _value(text: str) -> Any:
    """JSON when it is JSON (numbers, true, lists), else the text itself; NaN is a text."""
    try:
        return json.loads(text, parse_constant=str)
    except ValueError:
        return text


def _level(name: str | None) -> LogLevel | None:
    if name is None:
        return None
    if name.upper() not in {"DEBUG", "INFO", "WARNING"}:
        raise typer.BadParameter("expected DEBUG, INFO or WARNING", param_hint="--log-level")
    return cast("LogLevel", name.upper())
