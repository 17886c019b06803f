"""The HTTP service, put together: receipts from providers, and the pages on which people answer messages."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final

from fastapi import FastAPI, Request, Response
from fastapi.responses import PlainTextResponse
from starlette.middleware.base import RequestResponseEndpoint

from activities.store import Store, StoreUnavailableError
from starter.answers import Answers
from starter.api import messages, receipts
from starter.api.receipts import Receipts

LARGEST_REQUEST: Final = 64 * 1024
"""Bytes: a receipt or an answer is far smaller."""

_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


def create_app(store: Store, answers: Answers, receipts_in: Receipts) -> FastAPI:
    """The service over one store, one way in for answers and one for receipts."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        yield
        await store.close()

    app = FastAPI(title="Homeward", openapi_url=None, docs_url=None, redoc_url=None, lifespan=lifespan)
    app.include_router(receipts.router_of(receipts_in))
    app.include_router(messages.router_of(store, answers))
    app.middleware("http")(_guard)
    app.exception_handler(StoreUnavailableError)(_unavailable)
    return app


async def _guard(request: Request, call_next: RequestResponseEndpoint) -> Response:
    """Refuse what is too large, and send the headers that keep a page to itself."""
    length = request.headers.get("content-length", "0")
    if not length.isascii() or not length.isdigit() or int(length) > LARGEST_REQUEST:
        return PlainTextResponse("The request is too large\n", status_code=413)
    response = await call_next(request)
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    return response


async def _unavailable(_: Request, __: Exception) -> Response:
    return PlainTextResponse(
        "Homeward cannot reach its records now; try again in a minute\n", status_code=503, headers={"Retry-After": "60"}
    )
