"""What is around the home: the port, the clock's zone, the machine's limits, what is installed."""

import http.client
import platform
import resource
import socket
from collections.abc import Iterator
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from nomaflow import __version__
from nomaflow.api.static_files import BUILT
from nomaflow.app import App
from nomaflow.cli.doctor.finding import Finding, warning, wrong
from nomaflow.config import Environment, wants_traces
from nomaflow.queue.executors.registry import ExecutorKinds
from nomaflow.tracing import NoExporter, provider_of

LEAST_FILES = 1024
ANSWER_SECONDS = 3.0


def look_around(app: App, environment: Environment) -> Iterator[Finding]:
    """Everything that an instance needs beside its home."""
    yield Finding("version", f"Nomaflow {__version__}, Python {platform.python_version()}")
    yield _zone(app)
    yield _port(app, environment.port)
    yield from _limits()
    if not (BUILT / "index.html").is_file():
        advice = "Install it again without NOMAFLOW_UI=skip, with Node 20.19 or newer or a network."
        yield warning("pages", "the pages are not built: the API and the commands work", advice)
    else:
        yield Finding("pages", "are built")
    yield from _executor(app)
    yield from _traces(app)


def _executor(app: App) -> Iterator[Finding]:
    kinds, wanted = ExecutorKinds.discover(), app.settings.executor.kind
    if wanted not in kinds:
        what = f"[executor] kind = '{wanted}' is not installed; there are: {', '.join(kinds)}"
        yield wrong("executor", what, "Install its package, or correct app.toml.")


def _zone(app: App) -> Finding:
    try:
        local = app.clock.now().astimezone(ZoneInfo(app.zone))
    except ZoneInfoNotFoundError:
        return wrong("clock", f"there is no time zone '{app.zone}'", "Install the package tzdata.")
    return Finding("clock", f"{local:%Y-%m-%d %H:%M:%S} in {app.zone}, for jobs without a timezone")


def _port(app: App, wanted: int | None) -> Finding:
    server = app.settings.server
    host, port = server.host, server.port if wanted is None else wanted
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        socket.create_server((host, port), family=family).close()
    except OSError as error:
        if _is_nomaflow(host, port):
            return Finding("port", f"a Nomaflow answers on {host}:{port}")
        what = f"cannot listen on {host}:{port}: {error.strerror}"
        return wrong("port", what, "Stop what uses it, or set another: [server] in app.toml.")
    return Finding("port", f"{host}:{port} is free")


def _is_nomaflow(host: str, port: int) -> bool:
    """Whether what answers there is one of us."""
    near = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  # compared, not bound
    asking = http.client.HTTPConnection(near, port, timeout=ANSWER_SECONDS)
    try:
        asking.request("GET", "/api/v1/jobs", headers={"Host": f"localhost:{port}"})
        answer = asking.getresponse()
        return answer.status == 401 and b"nomaflow tokens" in answer.read(4096)
    except (OSError, http.client.HTTPException):
        return False
    finally:
        asking.close()


def _limits() -> Iterator[Finding]:
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files < LEAST_FILES:
        what = f"only {files} files may be open at a time"
        yield warning("limits", what, "Raise it: 'ulimit -n 65536', LimitNOFILE= in systemd.")


def _traces(app: App) -> Iterator[Finding]:
    wanted = app.settings.traces
    if not wants_traces(wanted):
        return
    try:
        provider_of(wanted)
    except NoExporter as error:
        yield warning("traces", str(error), "Install it, or set [traces] enabled = false.")
    else:
        yield Finding("traces", "runs are told as traces")
