"""The traces of what processes do, from a request through the engine to what comes of it: none names a child."""

from collections.abc import Mapping, Sequence
from typing import Final

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.util.types import AttributeValue
from temporalio.client import Interceptor
from temporalio.contrib.opentelemetry import TracingInterceptor

from starter.observing.logs import without_keys

_KEPT: Final = frozenset(
    {
        "http.request.method",
        "http.route",
        "http.response.status_code",
        "temporalWorkflowID",
        "temporalRunID",
        "temporalActivityID",
        "temporalUpdateID",
    }
)
"""What a span may tell besides its name and times. A failure's words can be of a child: its type has to do."""


def begin_tracing(process: str, url: str) -> TracerProvider | None:
    """Send this process's traces to a collector; nowhere when the URL is empty. Call once.

    Whoever ends the process shuts the provider down, so that what was collected is sent.
    """
    if not url:
        return None
    provider = TracerProvider(resource=Resource.create({"service.name": f"homeward-{process}"}))
    provider.add_span_processor(BatchSpanProcessor(NamingNobody(OTLPSpanExporter(endpoint=url))))
    trace.set_tracer_provider(provider)
    return provider


def engine_interceptors(url: str) -> Sequence[Interceptor]:
    """What carries a trace through the engine; nothing where no traces are sent: it costs each event some bytes."""
    return [TracingInterceptor()] if url else []


class NamingNobody(SpanExporter):
    """Sends spans on without what could be of a child, or is the key of somebody's page."""

    def __init__(self, to: SpanExporter) -> None:
        self._to = to

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send these spans on."""
        return self._to.export([_naming_nobody(span) for span in spans])

    def shutdown(self) -> None:
        """Send nothing more."""
        self._to.shutdown()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Have what waits sent, in so many milliseconds."""
        return self._to.force_flush(timeout_millis)


def _naming_nobody(span: ReadableSpan) -> ReadableSpan:
    return ReadableSpan(
        name=without_keys(span.name),
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes=_kept(span.attributes or {}),
        events=[Event(one.name, _types_only(one.attributes or {}), one.timestamp) for one in span.events],
        kind=span.kind,
        instrumentation_scope=span.instrumentation_scope,
        status=trace.Status(span.status.status_code),
        start_time=span.start_time,
        end_time=span.end_time,
    )


def _kept(attributes: Mapping[str, AttributeValue]) -> dict[str, AttributeValue]:
    kept = {name: value for name, value in attributes.items() if name in _KEPT}
    return {name: without_keys(value) if isinstance(value, str) else value for name, value in kept.items()}


def _types_only(attributes: Mapping[str, AttributeValue]) -> dict[str, AttributeValue]:
    return {name: value for name, value in attributes.items() if name == "exception.type"}
