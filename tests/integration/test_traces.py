"""Runs as OpenTelemetry traces: one trace per run, told after its end, without secrets."""

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx2
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode
from sqlalchemy import text
from tests.commands import clean_environment, nomaflow
from tests.homes import a_home, a_query_job

from nomaflow.app import App
from nomaflow.asgi import http_app_of
from nomaflow.config import TracesSettings, wants_traces
from nomaflow.domain.events import LinesLogged
from nomaflow.domain.run import ProcessId, RunId, RunOptions
from nomaflow.domain.states import RunState
from nomaflow.lifecycle import executing

SECRET = "hunter2-hunter2"
JOBS = f"""
{a_query_job("good", "SELECT 1", "SELECT 2", params={"password": SECRET})}
[jobs.params_schema.key]
secret = true
{a_query_job("sad", "SELECT * FROM nowhere", retry={"attempts": 2, "base_seconds": 0})}
"""
CANCEL = """
UPDATE ly2_job_runs SET cancel_requested_by = 'user:bob',
    cancel_requested_at = '2026-01-01 00:00:00.000000+00:00'
"""
TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


def recorded(app: App) -> InMemorySpanExporter:
    """Where the spans of the application are kept."""
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    app.tracer_provider = provider
    return exporter


async def run_through(app: App, job: str, options: RunOptions | None = None) -> RunId:
    async with app.store(), executing(app, "test"):
        run_id = await app.runs.start(job, options or RunOptions(), by="user:ann")
        await app.runs.wait(run_id)
    return run_id


def named(spans: tuple[ReadableSpan, ...]) -> dict[str, ReadableSpan]:
    return {span.name: span for span in spans}


async def test_a_run_is_one_trace_with_its_steps_and_attempts(tmp_path: Path) -> None:
    app = App.build(a_home(tmp_path / "home", JOBS))
    exporter = recorded(app)
    run_id = await run_through(app, "good", RunOptions(params={"key": SECRET}))
    spans = named(exporter.get_finished_spans())
    root, step = spans["run good"], spans["step step-2"]
    assert {span.context.trace_id for span in spans.values()} == {root.context.trace_id}
    assert root.parent is None
    assert step.parent is not None
    assert step.parent.span_id == root.context.span_id
    facts = dict(root.attributes or {})
    assert facts.pop("nomaflow.waited_seconds") >= 0
    assert facts == {
        "nomaflow.run_id": run_id, "nomaflow.job_id": "good", "nomaflow.state": "SUCCEEDED",
        "nomaflow.triggered_by": "user:ann",
    }  # fmt: skip
    assert root.start_time <= step.start_time <= step.end_time <= root.end_time
    assert SECRET not in "".join(span.to_json() for span in spans.values())


async def test_a_failure_shows_each_attempt_with_its_error(tmp_path: Path) -> None:
    app = App.build(a_home(tmp_path / "home", JOBS))
    exporter = recorded(app)
    await run_through(app, "sad")
    spans = exporter.get_finished_spans()
    root, step = named(spans)["run sad"], named(spans)["step step-1"]
    tries = [span for span in spans if span.name.startswith("attempt")]
    assert [span.name for span in tries] == ["attempt 1", "attempt 2"]
    assert {span.status.status_code for span in (root, step, *tries)} == {StatusCode.ERROR}
    message = tries[0].events[0].attributes["exception.message"]
    assert message == "no such table: nowhere"
    assert {span.parent.span_id for span in tries} == {step.context.span_id}


async def test_a_run_whose_process_died_is_told_by_who_ends_it(tmp_path: Path) -> None:
    app = App.build(a_home(tmp_path / "home", JOBS))
    exporter = recorded(app)
    async with app.store():
        run_id = await app.runs.start("good", RunOptions(), by="user:ann")
        claim = "UPDATE ly2_job_runs SET state = 'RUNNING', owner = 'gone', attempt = 1"
        await app.database.write(lambda connection: connection.execute(text(claim)))
        async with executing(app, "test"):
            run = await app.runs.wait(run_id)
    (span,) = exporter.get_finished_spans()
    assert run.reason == "lost in restart"
    assert (span.name, span.status.description) == ("run good", "lost in restart")


async def test_a_run_that_was_cancelled_before_it_began_is_told_too(tmp_path: Path) -> None:
    app = App.build(a_home(tmp_path / "home", JOBS))
    exporter = recorded(app)
    elsewhere = ProcessId("elsewhere")
    async with app.store(), executing(app, "test"):
        run_id = await app.runs.start("good", RunOptions(), by="user:ann", reserved_for=elsewhere)
        await app.runs.cancel(run_id, by="user:bob")
    (span,) = exporter.get_finished_spans()
    facts = dict(span.attributes or {})
    assert (span.name, facts["nomaflow.state"]) == ("run good", "CANCELED")
    assert facts["nomaflow.reason"] == "cancelled by user:bob"
    assert span.start_time <= span.end_time


async def test_a_queued_run_that_another_replaces_is_told_too(tmp_path: Path) -> None:
    app = App.build(a_home(tmp_path / "home", a_query_job("good", "SELECT 1", overlap="replace")))
    exporter = recorded(app)
    elsewhere = ProcessId("elsewhere")
    async with app.store(), executing(app, "test"):
        replaced = await app.runs.start("good", RunOptions(), by="ann", reserved_for=elsewhere)
        run_id = await app.runs.start("good", RunOptions(), by="ann")
        await app.runs.wait(run_id)
    first, *_ = exporter.get_finished_spans()
    facts = dict(first.attributes or {})
    assert (facts["nomaflow.run_id"], facts["nomaflow.state"]) == (replaced, "CANCELED")
    assert facts["nomaflow.reason"] == f"cancelled by run {run_id}, which replaces it"


async def test_a_run_that_is_cancelled_while_it_is_put_back_is_told_too(tmp_path: Path) -> None:
    job = a_query_job("sad", "SELECT * FROM nowhere", retry={"attempts": 2, "base_seconds": 600})
    app = App.build(a_home(tmp_path / "home", job))
    exporter = recorded(app)

    def cancel_unheard(logged: LinesLogged) -> None:
        """Between the line that tells of the wait and the return to the queue."""
        if any(line.message.startswith("next attempt") for line in logged.lines):
            with closing(sqlite3.connect(app.home.data / "nomaflow.db")) as store:
                store.execute(CANCEL)
                store.commit()

    app.bus.subscribe(LinesLogged, cancel_unheard)
    async with app.store(), executing(app, "test"):
        run_id = await app.runs.start("sad", RunOptions(), by="ann")
        run = await app.runs.wait(run_id)
    assert run.state is RunState.CANCELED
    spans = named(exporter.get_finished_spans())
    assert dict(spans["run sad"].attributes or {})["nomaflow.reason"] == run.reason
    assert "attempt 1" in spans


async def test_the_request_that_starts_a_run_is_the_parent_of_its_trace(tmp_path: Path) -> None:
    app = App.build(a_home(tmp_path / "home", JOBS))
    exporter = recorded(app)
    http = http_app_of(app)
    async with http.router.lifespan_context(http):
        token = (await app.access.create_token("tests")).reveal()
        headers = {"Authorization": f"Bearer {token}", "traceparent": f"00-{TRACE}-{SPAN}-01"}
        transport = httpx2.ASGITransport(app=http)
        async with httpx2.AsyncClient(
            transport=transport, base_url="http://localhost", headers=headers
        ) as client:
            answer = await client.post("/api/v1/jobs/good/runs?wait=30")
            assert answer.json()["state"] == "SUCCEEDED"
            await client.get("/health")
            replay = await client.post(f"/api/v1/runs/{answer.json()['run_id']}/replay")
            await app.runs.wait(RunId(replay.json()["run_id"]))
    spans = exporter.get_finished_spans()
    requests = [span for span in spans if span.kind.name == "SERVER"]
    runs = [span for span in spans if span.name == "run good"]
    assert len(requests) == len(runs) == 2
    for request, run in zip(requests, runs, strict=True):
        assert f"{request.context.trace_id:032x}" == f"{run.context.trace_id:032x}" == TRACE
        assert f"{request.parent.span_id:016x}" == SPAN
        assert run.parent.span_id == request.context.span_id


@dataclass
class Collector:
    """Receives OTLP over HTTP as a real collector does."""

    port: int = 0
    headers: list[str | None] = field(default_factory=list)
    spans: list[tuple[str, str]] = field(default_factory=list)

    def take(self, body: bytes, header: str | None) -> None:
        self.headers.append(header)
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            facts = {each.key: each.value.string_value for each in resource.resource.attributes}
            for scope in resource.scope_spans:
                self.spans += [(facts["service.name"], span.name) for span in scope.spans]


@contextmanager
def collecting() -> Iterator[Collector]:
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            collector.take(body, self.headers.get("X-Key"))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Tests are quiet."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        collector.port = server.server_port
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield collector
        server.shutdown()
        thread.join()


def test_a_collector_named_by_the_environment_gets_the_spans(tmp_path: Path) -> None:
    home = a_home(tmp_path / "home", JOBS)
    with collecting() as collector:
        environment = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collector.port}",
            "OTEL_EXPORTER_OTLP_HEADERS": "x-key=abc",
            "OTEL_EXPORTER_OTLP_COMPRESSION": "none",
        }
        ended = nomaflow("run", "good", "--home", home, "--wait", environment=environment)
    assert ended.code == 0, ended.err
    assert set(collector.headers) == {"abc"}
    assert ("nomaflow", "run good") in collector.spans
    assert len(collector.spans) == 5


def test_a_collector_that_is_away_costs_no_run(tmp_path: Path) -> None:
    home = a_home(tmp_path / "home", JOBS)
    environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}
    ended = nomaflow("run", "good", "--home", home, "--wait", "--json", environment=environment)
    assert (ended.code, ended.json["state"]) == (0, "SUCCEEDED")


def test_without_traces_nothing_of_opentelemetry_is_imported(tmp_path: Path) -> None:
    home = a_home(tmp_path / "home", JOBS)
    code = (
        "import sys\nfrom nomaflow.cli.main import cli\n"
        f"cli(['run', 'good', '--home', {str(home)!r}, '--wait'], standalone_mode=False)\n"
        "print([name for name in sys.modules if name.startswith('opentelemetry')])"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True, text=True, check=True, env=clean_environment(),
    )  # fmt: skip
    assert ended.stdout.splitlines()[-1] == "[]"


def test_traces_are_wanted_where_somebody_names_a_collector() -> None:
    endpoint = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}
    assert not wants_traces(TracesSettings(), {})
    assert wants_traces(TracesSettings(), endpoint)
    assert wants_traces(TracesSettings(endpoint="http://collector:4318/v1/traces"), {})
    assert not wants_traces(TracesSettings(), endpoint | {"OTEL_TRACES_EXPORTER": "none"})
    assert not wants_traces(TracesSettings(enabled=False), endpoint)
    assert not wants_traces(TracesSettings(enabled=True), {"OTEL_SDK_DISABLED": "true"})
