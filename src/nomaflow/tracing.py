"""OpenTelemetry at arm's length: nothing of it is imported before somebody wants traces."""

from threading import Thread
from typing import TYPE_CHECKING

from nomaflow.config import TracesSettings, wants_traces
from nomaflow.log import FactLog

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.trace import TracerProvider


log = FactLog()


class NoExporter(Exception):
    """Traces are wanted, and the packages that send them are not installed."""


def provider_of(settings: TracesSettings) -> "TracerProvider":
    """Where spans go: to what the process set up for itself, else to a collector over OTLP/HTTP.

    The standard OTEL_ variables say the rest: headers, certificates, sampling, time-outs. Raises
    NoExporter.
    """
    from opentelemetry import trace

    shared = trace.get_tracer_provider()
    if not isinstance(shared, trace.ProxyTracerProvider):
        return shared
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise NoExporter(f"{error.name} is not installed: pip install 'nomaflow[otel]'") from None
    resource = Resource.create({"service.name": settings.service_name})
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=settings.endpoint)))
    return provider


def wanted_provider(settings: TracesSettings) -> "TracerProvider | None":
    """The provider, if traces are wanted and can be sent; why not is logged."""
    if not wants_traces(settings):
        return None
    try:
        return provider_of(settings)
    except NoExporter as error:
        log.warning("traces_unavailable", reason=str(error))
        return None


def flush(provider: "TracerProvider", seconds: float) -> None:
    """Send what waits, and go after so many seconds whether it was sent or not.

    The SDK's own time-out is not kept. A provider of somebody else may have nothing to send.
    """
    send = getattr(provider, "force_flush", None)
    if send is not None:
        sending = Thread(target=send, name="flush traces", daemon=True)
        sending.start()
        sending.join(seconds)


def current_parent() -> str | None:
    """The span that this task works in, as a W3C traceparent; None when there is none."""
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    carrier: dict[str, str] = {}
    TraceContextTextMapPropagator().inject(carrier)
    return carrier.get("traceparent")


def parent_of(trace_parent: str | None) -> "Context":
    """What a span begins in: the span of that traceparent, or nothing."""
    from opentelemetry.context import Context
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    carrier = {} if trace_parent is None else {"traceparent": trace_parent}
    return TraceContextTextMapPropagator().extract(carrier, Context())
