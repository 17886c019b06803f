"""What every request to the HTTP service passes first, over real connections; and what logs leave out."""

import asyncio
import json
import logging
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from uuid import uuid4

import pytest
import uvicorn
from fastapi.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from starter.api import guard
from starter.api.guard import LARGEST_REQUEST, Guard, Impatient
from starter.observing.logs import formatter
from starter.observing.settings import ObservingSettings
from starter.service import _Server, listening_socket
from workflows.plain_errors import BadInputError

HEAD = b"POST /well HTTP/1.1\r\nHost: x\r\n"
PIECE = b"1000\r\n" + b"x" * 0x1000 + b"\r\n"


async def counting(scope: Scope, receive: Receive, send: Send) -> None:
    """An application that says how much it was sent, or fails."""
    if scope["path"] == "/fails":
        raise RuntimeError(scope["query_string"].decode())
    body = (await receive())["body"]
    await PlainTextResponse(f"took {len(body)}")(scope, receive, send)


def test_what_may_be_large_takes_turns_only_where_it_is() -> None:
    long = {"type": "http", "method": "POST", "path": f"/episodes/{uuid4()}/plan/philomena"}
    for scope, length, waits in (
        (long, b"1000", False),
        (long, b"100000", True),
        (long, None, True),
        (long, b"no number", True),
        ({**long, "path": "/tasks/answers"}, b"100000", False),
        ({**long, "method": "GET"}, b"100000", False),
    ):
        headers = [] if length is None else [(b"content-length", length)]
        assert guard._may_be_large({**scope, "headers": headers}) is waits, (scope, length)


@asynccontextmanager
async def listening() -> AsyncGenerator[int]:
    with socket.socket() as own:
        own.bind(("127.0.0.1", 0))
        config = uvicorn.Config(Guard(counting), http=Impatient, ws="none", lifespan="off", log_config=None)
        server = _Server(config)
        serving = asyncio.create_task(server.serve(sockets=[own]))
        while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.01)
        yield int(own.getsockname()[1])
        server.should_exit = True
        await serving


async def asked(*pieces: bytes) -> str:
    """What is answered to these bytes, until the connection is closed."""
    async with listening() as port, asyncio.timeout(10):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for piece in pieces:
            writer.write(piece)
        answer = await reader.read()
        writer.close()
    return answer.decode()


@pytest.fixture(autouse=True)
def _short_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "HEAD_SECONDS", 0.3)
    monkeypatch.setattr(guard, "BODY_SECONDS", 0.3)


REQUESTS = {
    "nothing at all": ((), "", ""),
    "half a head": ((b"POST /well HT",), "", ""),
    "a whole request": ((HEAD, b"Content-Length: 3\r\n\r\nabc"), "200", "took 3"),
    "in pieces": ((HEAD, b"Transfer-Encoding: chunked\r\n\r\n", PIECE, PIECE, b"0\r\n\r\n"), "200", "took 8192"),
    "half a body": ((HEAD, b"Content-Length: 3\r\n\r\na"), "408", "too slow"),
    "said to be too large": ((HEAD, b"Content-Length: %d\r\n\r\n" % (LARGEST_REQUEST + 1)), "413", "too large"),
    "too large in pieces": ((HEAD, b"Transfer-Encoding: chunked\r\n\r\n", PIECE * 20), "413", "too large"),
    "no end of digits": ((HEAD, b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n"), "4", ""),
}


@pytest.mark.parametrize("name", REQUESTS)
async def test_a_request_has_its_limits_and_one_connection(name: str) -> None:
    pieces, status, words = REQUESTS[name]
    answer = await asked(*pieces)
    if not status:
        assert answer == ""
        return
    assert answer.startswith(f"HTTP/1.1 {status}")
    assert words in answer
    assert "connection: close" in answer.lower()


async def test_a_failure_nobody_foresaw_shows_and_logs_none_of_its_words(caplog: pytest.LogCaptureFixture) -> None:
    answer = await asked(b"GET /fails?secret-word HTTP/1.1\r\nHost: x\r\n\r\n")
    assert answer.startswith("HTTP/1.1 500")
    assert "content-security-policy" in answer
    assert "a request failed: RuntimeError" in caplog.text
    assert "in counting" in caplog.text
    assert "secret-word" not in answer + caplog.text


def test_a_port_in_use_is_named_by_its_setting() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(BadInputError, match=f"^HOMEWARD_HTTP_PORT: port {port} is in use by another program"):
            listening_socket(port)


@pytest.mark.parametrize("shape", ["/m/{}", "message-{}", "{}-notify_email", "{}-smtp", "workflow_id: message-{}, run"])
def test_a_log_leaves_the_ids_of_messages_out_and_nothing_else(shape: str) -> None:
    key, episode = str(uuid4()), str(uuid4())
    record = logging.LogRecord("n", logging.INFO, "f", 1, "%s of episode-%s", (shape.format(key), episode), None)
    said = json.loads(formatter(ObservingSettings()).format(record))["message"]
    assert key not in said
    assert said.endswith(f" of episode-{episode}")
