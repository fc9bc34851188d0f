"""Settings (app.toml) and the process environment, which is read here and nowhere else."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from nomaflow.errors import InvalidConfiguration, Problem

PREFIX = "NOMAFLOW_"


class Section(BaseModel):
    """A block of app.toml: frozen, unknown keys refused, every key with a default."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


def _known_timezone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError("expected an IANA time zone such as 'Europe/Paris'")
    return name


Port = Annotated[int, Field(ge=0, le=65535)]
HostName = Annotated[str, Field(pattern=r"^(\*|(\*\.)?[A-Za-z0-9_.-]+|[0-9A-Fa-f:.]+)$")]


class ServerSettings(Section):
    host: str = "127.0.0.1"
    """The address to listen on."""

    port: Port = 8055
    """The port to listen on; 0 takes any free one. NOMAFLOW_PORT and --port win."""

    allowed_hosts: tuple[HostName, ...] = ()
    """Further names that the server answers to, and whose pages may call it: `jobs.example.com`,
    `*.example.com`, `*` for every name. The loopback names and `host` need not be listed."""

    metrics_open: bool = False
    """Whether /metrics answers without a token."""


class SchedulerSettings(Section):
    enabled: bool = True
    """Whether this process fires schedules; false makes a replica that only serves."""

    timezone: Annotated[str, AfterValidator(_known_timezone)] | None = None
    """The zone of jobs that name none; absent: the system's zone."""


class RunnerSettings(Section):
    max_concurrent_runs: Annotated[int, Field(ge=1, le=1000)] = 16
    """The most runs that one process executes at a time."""

    max_processes: Annotated[int, Field(ge=1, le=256)] = max(4, os.cpu_count() or 1)
    """The most child processes for python steps and copies; each starts when first needed."""

    grace_seconds: Annotated[float, Field(ge=0, le=3600)] = 3
    """How long a step that was asked to stop may take before it is killed."""

    drain_seconds: Annotated[float, Field(ge=0, le=86400)] = 10
    """How long a server that is told to stop waits for its runs before it cancels them."""

    dead_after_seconds: Annotated[float, Field(ge=2, le=3600)] = 30
    """How long a process may be silent before the others take it for dead, and rescue its runs."""


class ExecutorSettings(Section):
    kind: str = "local"
    """Where runs execute: `local`, or the name of an installed executor."""


class LogSettings(Section):
    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """The lowest level that the server's own log shows."""

    format: Literal["text", "json"] = "text"
    """Lines for people, or one JSON object per line."""

    max_run_bytes: Annotated[int, Field(ge=2**20, le=2**40)] = 64 * 2**20
    """The most that the log of one run takes in the store; past it head and tail are kept."""


class RetentionSettings(Section):
    days: Annotated[int, Field(ge=1, le=36500)] = 90
    """Runs that ended longer ago are deleted, with their steps and logs, each night at 03:00."""

    keep_last_per_job: Annotated[int, Field(ge=1, le=100_000)] = 20
    """So many newest runs of each job stay however old they are; so does its last success."""


class Blackout(Section):
    model_config = ConfigDict(validate_by_name=True)

    since: Annotated[datetime, Field(alias="from")]
    """Its first instant; without an offset it is local in the job's zone."""

    until: datetime
    """The first instant that is free again."""

    reason: str = "blackout"
    """What the rows of the due times in it say."""


class CalendarSettings(Section):
    country: str | None = None
    """Its public holidays are excluded: a code such as `FR`, `US`, `DE`."""

    subdivision: str | None = None
    """A part of the country with holidays of its own, such as `BY` of `DE`."""

    dates: tuple[date, ...] | Mapping[date, str] = ()
    """Days of one's own: a list, or a table of days and what they are."""

    blackouts: tuple[Blackout, ...] = ()
    """Windows of time: `[[calendars.NAME.blackouts]]` with `from`, `until`, `reason`."""


class TracesSettings(Section):
    enabled: bool | None = None
    """Whether each run is told as an OpenTelemetry trace; absent: if the standard OTEL_ variables
    name a collector."""

    endpoint: str | None = None
    """Where spans are sent over OTLP/HTTP, such as `http://collector:4318/v1/traces`; absent: what
    the OTEL_ variables say. Headers come from OTEL_EXPORTER_OTLP_HEADERS."""

    service_name: str = "nomaflow"
    """How traces call this instance; OTEL_SERVICE_NAME is another way to say it."""


def _network(text: str) -> str:
    try:
        ip_network(text, strict=False)
    except ValueError:
        raise ValueError("expected an IP address or network such as '169.254.169.254'") from None
    return text


Networks = tuple[Annotated[str, AfterValidator(_network)], ...]


class EgressSettings(Section):
    allow: Networks = ()
    """Link-local or cloud metadata addresses that may be reached all the same."""

    refuse: Networks = ()
    """Further addresses and networks, such as `10.0.0.0/8`, that may not be reached."""


class SecretsSettings(Section):
    canary: str | None = None
    """A sealed value that proves at start that the master key fits; written by `init`."""


class Settings(Section):
    """The whole of app.toml."""

    server: ServerSettings = ServerSettings()
    """Where the server listens."""

    scheduler: SchedulerSettings = SchedulerSettings()
    """Whether and in which zone schedules fire."""

    runner: RunnerSettings = RunnerSettings()
    """How many runs and processes execute at a time."""

    executor: ExecutorSettings = ExecutorSettings()
    """Where runs execute."""

    log: LogSettings = LogSettings()
    """The server's own log on stderr, and how long the logs of runs may grow."""

    retention: RetentionSettings = RetentionSettings()
    """How long the history is kept."""

    calendars: Mapping[str, CalendarSettings] = Field(default_factory=dict)
    """`[calendars.NAME]`: when schedules of jobs with that `calendar` start nothing."""

    limits: Mapping[str, Annotated[int, Field(ge=1, le=100_000)]] = Field(default_factory=dict)
    """`NAME = COUNT`: how many runs of the jobs that name the limit execute at a time."""

    traces: TracesSettings = TracesSettings()
    """Runs as OpenTelemetry traces."""

    egress: EgressSettings = EgressSettings()
    """Which addresses HTTP steps and connectors may reach."""

    secrets: SecretsSettings = SecretsSettings()
    """What proves that the master key is the right one."""

    def listening_on(self, *, host: str | None = None, port: int | None = None) -> "Settings":
        """The same settings with another address; None keeps what app.toml says."""
        address = {"host": host, "port": port}
        wanted = {name: value for name, value in address.items() if value is not None}
        server = ServerSettings.model_validate(self.server.model_dump() | wanted)
        return self.model_copy(update={"server": server})


@dataclass(frozen=True)
class Environment:
    """What the NOMAFLOW_ variables say; they are for this process alone.

    `home` is the home folder, `master_key` one or several keys separated by commas, `token` what
    the command line shows to a server; None where a variable is unset or empty.
    """

    home: Path = Path()
    port: int | None = None
    master_key: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)

    @classmethod
    def read(cls, variables: Mapping[str, str] = os.environ) -> "Environment":
        """Read the variables of the process. Raises InvalidConfiguration."""
        return cls(
            home=Path(variables.get(f"{PREFIX}HOME") or "."),
            port=_port(variables.get(f"{PREFIX}PORT")),
            master_key=variables.get(f"{PREFIX}MASTER_KEY") or None,
            token=variables.get(f"{PREFIX}TOKEN") or None,
        )


def child_environment(variables: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The environment without NOMAFLOW_ variables: what child processes and ${env:…} may see."""
    return {name: value for name, value in variables.items() if not name.startswith(PREFIX)}


def wants_traces(settings: TracesSettings, variables: Mapping[str, str] = os.environ) -> bool:
    """Whether runs are told as traces; OTEL_SDK_DISABLED has the last word."""
    if variables.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    if settings.enabled is not None:
        return settings.enabled
    named = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
    is_off = variables.get("OTEL_TRACES_EXPORTER", "").strip().lower() == "none"
    return not is_off and (settings.endpoint is not None or any(map(variables.get, named)))


def system_timezone(variables: Mapping[str, str] = os.environ, etc: Path = Path("/etc")) -> str:
    """The IANA name of the machine's zone: TZ, /etc/timezone, /etc/localtime, else UTC."""
    candidates = (variables.get("TZ", "").removeprefix(":"), _named(etc), _linked(etc))
    known = available_timezones()
    return next((name for name in candidates if name in known), "UTC")


def _port(text: str | None) -> int | None:
    if not text:
        return None
    if text.isascii() and text.isdigit() and int(text) <= 65535:
        return int(text)
    expected = f"expected a port number from 0 to 65535, got '{text}'"
    raise InvalidConfiguration(
        [Problem("environment", None, None, None, f"{PREFIX}PORT", expected)]
    )


def _named(etc: Path) -> str:
    try:
        return (etc / "timezone").read_text(encoding="utf-8").strip()
    except OSError:
        return ""


def _linked(etc: Path) -> str:
    target = str((etc / "localtime").resolve())
    return target.partition("/zoneinfo/")[2].removeprefix("posix/")
