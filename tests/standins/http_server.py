"""A real HTTP server in threads of this process, on a free port of 127.0.0.1, that can go down and come up again."""

import json
import sys
import threading
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from tests.standins.faults import Fault

LONGEST_SILENCE_SECONDS = 120.0


@dataclass(frozen=True)
class Asked:
    """One request as it came."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Reply:
    """One answer, and how it goes out."""

    code: int
    body: dict[str, Any] = field(default_factory=dict[str, Any])
    fault: Fault | None = None


class HttpStandIn(ABC):
    """The server around what a stand-in answers. `asked` holds every request, `broken` what went wrong in here."""

    def __init__(self) -> None:
        self.port = 0
        self.asked: list[Asked] = []
        self.broken: list[BaseException] = []
        self.going_down = threading.Event()
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def up(self) -> None:
        """Listen: on a free port the first time, on the same one ever after."""
        self.going_down.clear()
        self._server = _Server(self, self.port)
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def down(self) -> None:
        """Stop listening: connections are refused, and silent requests end without an answer."""
        if self._server and self._thread:
            self.going_down.set()
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()
            self._server = self._thread = None

    @abstractmethod
    def answer(self, asked: Asked) -> Reply:
        """What a request is answered; called in a thread of its own."""

    def __enter__(self) -> Self:
        self.up()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.down()
        assert not self.broken, self.broken


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # so that down() waits for what is being answered
    request_queue_size = 64

    def __init__(self, stand_in: HttpStandIn, port: int) -> None:
        self.stand_in = stand_in
        super().__init__(("127.0.0.1", port), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        del request, client_address
        error = sys.exception()
        # A client that stopped waiting is what many tests are about.
        if error and not isinstance(error, ConnectionError):
            self.stand_in.broken.append(error)


class _Handler(BaseHTTPRequestHandler):
    @property
    def stand_in(self) -> HttpStandIn:
        assert isinstance(self.server, _Server)
        return self.server.stand_in

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: what is asked is kept."""

    def _answer(self) -> None:
        stand_in = self.stand_in
        where = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(where.query).items()}
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        asked = Asked(self.command, where.path, query, {k.lower(): v for k, v in self.headers.items()}, body)
        stand_in.asked.append(asked)
        reply = stand_in.answer(asked)
        fault = reply.fault or Fault()
        if fault.ending == "silence":
            stand_in.going_down.wait(LONGEST_SILENCE_SECONDS)
        if fault.ending in ("silence", "hang_up") or stand_in.going_down.wait(fault.wait_seconds):
            return
        content = json.dumps(reply.body).encode()
        self.send_response(reply.code)
        for name, value in {**fault.headers, "Content-Type": "application/json"}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        if fault.ending == "trickle":
            self._trickle()
            return
        self.end_headers()
        self.wfile.write(content)

    def _trickle(self) -> None:
        self.flush_headers()
        while not self.stand_in.going_down.wait(0.01):
            self.wfile.write(b"X-Patience: please\r\n")
