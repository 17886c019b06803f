"""What the HTTP service and the relay count, and serving what a process counts."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

from prometheus_client import Histogram, start_http_server
from temporalio.runtime import PrometheusConfig, Runtime, TelemetryConfig

from workflows.plain_errors import BadInputError

_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 2.5, 5, 10)
_WAITING_SECONDS: Final = (0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600)

REQUESTS: Final = Histogram(
    "homeward_http_request_seconds",
    "How long until an answer began, by method, route and the first digit of its status",
    ["method", "route", "status"],
    buckets=_SECONDS,
)
INBOX_TO_ENGINE: Final = Histogram(
    "homeward_inbox_to_engine_seconds",
    "How long after it was kept the engine answered for what was said, by what became of it",
    ["became"],
    buckets=_WAITING_SECONDS,
)


@contextmanager
def serving_metrics(host: str, port: int, variable: str) -> Generator[None]:
    """Serve what this process counts, for Prometheus, at /metrics; port 0: not at all.

    Raises BadInputError, naming the variable of the port, when that is in use.
    """
    if not port:
        yield
        return
    try:
        server, thread = start_http_server(port, host)
    except OSError:
        raise BadInputError(f"{variable}: port {port} is in use by another program; set another") from None
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def engine_client_runtime(host: str, port: int) -> Runtime | None:
    """What the engine's client counts by itself, served for Prometheus; port 0: the client's own default.

    Made once in a process. Raises RuntimeError when the port is in use.
    """
    if not port:
        return None
    at = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return Runtime(telemetry=TelemetryConfig(metrics=PrometheusConfig(bind_address=at)))
