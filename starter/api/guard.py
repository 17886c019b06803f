"""What every request passes first: how large and slow it may be, what an answer carries, what a failure shows."""

import asyncio
import logging
import re
import traceback
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any, Final
from uuid import UUID, uuid4

from fastapi import Request, Response
from fastapi.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from starter.api.problems import PREFIX, Problem, ProblemError, answer
from starter.directory_rows import COLUMNS

LARGEST_REQUEST: Final = 64 * 1024
"""Bytes of a body: a receipt or an answer is far smaller."""

LARGEST_FILE: Final = 10 * 1024 * 1024
"""Bytes of a body that is a file of many rows."""

LARGE_AT_ONCE: Final = 4
"""As many requests at once may be larger than LARGEST_REQUEST, so that what they hold in memory has its limit too."""

LARGER: Final[Mapping[tuple[str, str], int]] = {
    **{("PUT", f"{PREFIX}/directory-files/{kind}"): LARGEST_FILE for kind in COLUMNS},
    ("POST", f"{PREFIX}/intakes"): LARGEST_FILE,
}
"""The requests that may be larger, by method and path, and how large: those that send whole files."""

LARGEST_FORM: Final = 512 * 1024
"""Bytes of a form on which people write at length: a dozen fields of 4000 letters, each sent as up to nine bytes."""

_WRITTEN_AT_LENGTH: Final = re.compile(r"/(?:episodes|report)/[^/]+/.+")
"""The paths of such forms: what is recorded and kept of an episode, and the parts of a report."""

REQUEST_ID: Final = "Homeward-Request-Id"
"""The header of an answer that says by which id the audit knows the request: the sender's key, or one made for it."""

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

_IDS: Final = re.compile(r"[\x21-\x7e]{1,100}")

log = logging.getLogger("homeward.service")

Page = Callable[[Request, ProblemError], Response]
"""A problem as a page for a browser."""


class Guard:
    """Takes a request's body in before anybody reads it, within its limits of size and time.

    A failure nobody foresaw is answered by one sentence, a browser by `page`.
    Its place in the code is logged and not its words, which can hold what was
    asked.
    """

    def __init__(self, app: ASGIApp, page: Page | None = None) -> None:
        self._app = app
        self._page = page
        self._large = asyncio.Semaphore(LARGE_AT_ONCE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = request_id(scope)
        scope.setdefault("state", {})["request_id"] = request
        answer = _Answer(send, request if _of_the_api(scope) else None)
        try:
            if _may_be_large(scope):
                async with self._large:
                    await self._answer(scope, receive, answer)
            else:
                await self._answer(scope, receive, answer)
        except Exception as error:  # noqa: BLE001 - the last one who can keep what it says out of the log
            where = "".join(traceback.format_tb(error.__traceback__))
            # Its words stay out, and a key of the sender's own choosing with them.
            log.error("a request failed: %s (%s)\n%s", type(error).__name__, _loggable(request), where)  # noqa: TRY400
            if not answer.begun:
                await self._refusal(scope, Problem.FAILED)(scope, receive, answer.send)

    async def _answer(self, scope: Scope, receive: Receive, answer: "_Answer") -> None:
        body = await _whole_body(scope, receive)
        if isinstance(body, Problem):
            await self._refusal(scope, body)(scope, receive, answer.send)
        elif body is not None:
            await self._app(scope, _Replay(body, receive).receive, answer.send)

    def _refusal(self, scope: Scope, problem: Problem) -> Response:
        """What the guard itself answers: a problem under /v1; elsewhere a browser's page, or one plain line."""
        if _of_the_api(scope):
            return answer(ProblemError(problem))
        if self._page is not None and b"text/html" in dict[bytes, bytes](scope["headers"]).get(b"accept", b""):
            try:
                return self._page(Request(scope), ProblemError(problem))
            except Exception as error:  # noqa: BLE001 - what failed may be what makes pages: then a line must do
                log.error("a page of a problem failed: %s", type(error).__name__)  # noqa: TRY400
        return PlainTextResponse(f"{_PLAIN[problem]}\n", problem.status)


def request_id(scope: Scope) -> str:
    """What a request is called from its beginning to its end: by the sender's key if it is a good one, or anew."""
    key = dict[bytes, bytes](scope["headers"]).get(b"idempotency-key", b"").decode("latin-1")
    return key if _IDS.fullmatch(key) else str(uuid4())


def _loggable(request: str) -> str:
    try:
        return str(UUID(request))
    except ValueError:
        return "under a key of the sender's own"


def _of_the_api(scope: Scope) -> bool:
    return bool(scope["path"].startswith(f"{PREFIX}/"))


def _largest(scope: Scope) -> int:
    """How many bytes a request's body may have."""
    if scope["method"] == "POST" and _WRITTEN_AT_LENGTH.fullmatch(scope["path"]):
        return LARGEST_FORM
    return LARGER.get((scope["method"], scope["path"]), LARGEST_REQUEST)


def _may_be_large(scope: Scope) -> bool:
    """Whether a request may be larger than others, and does not say that it is not."""
    length = dict[bytes, bytes](scope["headers"]).get(b"content-length")
    small = length is not None and length.isdigit() and len(length) < 9 and int(length) <= LARGEST_REQUEST
    return _largest(scope) > LARGEST_REQUEST and not small


_PLAIN: Final[Mapping[Problem, str]] = {
    Problem.TOO_LARGE: "The request is too large",
    Problem.TOO_SLOW: "The request is too slow",
    Problem.FAILED: "Homeward could not do this",
}


class _Answer:
    """An answer on its way, with the headers that keep a page to itself, and the request's id where it has one."""

    def __init__(self, send: Send, request: str | None) -> None:
        self._send = send
        self._request = request
        self.begun = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.begun = True
            given: list[tuple[bytes, bytes]] = list(message.get("headers", ()))
            names = {name.lower() for name, _ in given}
            message["headers"] = [*given, *((name, value) for name, value in _HEADERS.items() if name not in names)]
            if self._request is not None:
                message["headers"].append((REQUEST_ID.lower().encode(), self._request.encode()))
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


async def _whole_body(scope: Scope, receive: Receive) -> bytes | Problem | None:
    """The body; what is wrong when it is too large or too slow; None when the sender has left."""
    largest = _largest(scope)
    length = dict[bytes, bytes](scope["headers"]).get(b"content-length", b"0")
    if not length.isdigit() or len(length) > 9 or int(length) > largest:
        return Problem.TOO_LARGE
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
                    return Problem.TOO_LARGE
    except TimeoutError:
        return Problem.TOO_SLOW
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
