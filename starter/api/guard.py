"""What every request passes first: how large and slow it may be, what an answer carries, what a failure shows."""

import asyncio
import logging
import traceback
from collections.abc import MutableMapping
from typing import Any, Final

from fastapi.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

LARGEST_REQUEST: Final = 64 * 1024
"""Bytes of a body: a receipt or an answer is far smaller."""

LARGEST_FILE: Final = 2 * 1024 * 1024
"""Bytes of a file that is to be taken in: some ten thousand lines."""

FILES_GO_TO: Final = "/v1/intakes"

HEAD_SECONDS: Final = 10.0
BODY_SECONDS: Final = 10.0

_HEADERS: Final = {
    b"content-security-policy": (
        b"default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    b"referrer-policy": b"no-referrer",
    b"x-content-type-options": b"nosniff",
    b"cache-control": b"no-store",
    # One request for each connection, so that none is held open to keep others out.
    b"connection": b"close",
}

log = logging.getLogger("homeward.service")


class Guard:
    """Takes a request's body in before anybody reads it, within its limits of size and time.

    A failure nobody foresaw is answered by one sentence. Its place in the code
    is logged and not its words, which can hold what was asked.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = _Answer(send)
        try:
            body = await _whole_body(scope, receive)
            if isinstance(body, PlainTextResponse):
                await body(scope, receive, answer.send)
            elif body is not None:
                await self._app(scope, _Replay(body, receive).receive, answer.send)
        except Exception as error:  # noqa: BLE001 - the last one who can keep what it says out of the log
            where = "".join(traceback.format_tb(error.__traceback__))
            log.error("a request failed: %s\n%s", type(error).__name__, where)  # noqa: TRY400 - its words stay out
            if not answer.begun:
                await PlainTextResponse("Homeward could not do this\n", 500)(scope, receive, answer.send)


class _Answer:
    """An answer on its way, with the headers that keep a page to itself."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.begun = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.begun = True
            given: list[tuple[bytes, bytes]] = list(message.get("headers", ()))
            names = {name.lower() for name, _ in given}
            message["headers"] = [*given, *((name, value) for name, value in _HEADERS.items() if name not in names)]
        await self._send(message)


class _Replay:
    """A body that was taken in, for the one who reads it."""

    def __init__(self, body: bytes, receive: Receive) -> None:
        self._body: bytes | None = body
        self._receive = receive

    async def receive(self) -> Message:
        if self._body is None:
            return await self._receive()
        body, self._body = self._body, None
        return {"type": "http.request", "body": body, "more_body": False}


async def _whole_body(scope: Scope, receive: Receive) -> bytes | PlainTextResponse | None:
    """The body; what to answer when it is too large or too slow; None when the sender has left."""
    too_large = PlainTextResponse("The request is too large\n", 413)
    largest = LARGEST_FILE if scope["path"] == FILES_GO_TO else LARGEST_REQUEST
    length = dict[bytes, bytes](scope["headers"]).get(b"content-length", b"0")
    if not length.isdigit() or len(length) > 9 or int(length) > largest:
        return too_large
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            more = True
            while more:
                message: MutableMapping[str, Any] = await receive()
                if message["type"] != "http.request":
                    return None
                body += message.get("body", b"")
                more = bool(message.get("more_body", False))
                if len(body) > largest:
                    return too_large
    except TimeoutError:
        return PlainTextResponse("The request is too slow\n", 408)
    return bytes(body)


class Impatient(H11Protocol):
    """A connection that is closed when no whole head of a request has come in HEAD_SECONDS."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request."""
        super().connection_made(transport)
        self.loop.call_later(HEAD_SECONDS, self._close_if_silent)

    def _close_if_silent(self) -> None:
        # Its type promises what is only so once a head has come.
        if vars(self)["scope"] is None and not self.transport.is_closing():
            self.transport.close()
