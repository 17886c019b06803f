"""A collector of traces: takes what is sent by OTLP over HTTP, and keeps the spans."""

import gzip

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.standins.http_server import Asked, HttpStandIn, Reply


class Collector(HttpStandIn):
    """Keeps each span, by the process that it came from. `raw` is all that was sent, as bytes."""

    def __init__(self) -> None:
        super().__init__()
        self.spans: list[tuple[str, Span]] = []
        self.raw = b""

    @property
    def traces_url(self) -> str:
        """Where traces are sent to."""
        return f"{self.url}/v1/traces"

    def answer(self, asked: Asked) -> Reply:
        """Take some spans."""
        body = gzip.decompress(asked.body) if asked.headers.get("content-encoding") == "gzip" else asked.body
        self.raw += body
        for of_process in ExportTraceServiceRequest.FromString(body).resource_spans:
            names = {one.key: one.value.string_value for one in of_process.resource.attributes}
            for scope in of_process.scope_spans:
                self.spans += [(names["service.name"], span) for span in scope.spans]
        return Reply(200)
