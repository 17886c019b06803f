"""The HTTP service, put together: receipts from providers, and the pages on which people answer messages."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import PlainTextResponse

from activities.store import Store, StoreUnavailableError
from starter.answers import Answers
from starter.api import messages, receipts
from starter.api.entrance import Entrance
from starter.api.guard import Guard
from starter.api.receipts import Receipts
from starter.identity.asking import ForeignOriginError, IssuerAwayError
from starter.identity.loopback import LoopbackOnly

HEALTH_SECONDS: Final = 3.0
"""How long the store may take before the service calls itself unwell."""


def create_app(store: Store, answers: Answers, receipts_in: Receipts, way_in: Entrance) -> FastAPI:
    """The service over one store, one way in for answers, one for receipts and one for whoever asks."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        yield
        await store.close()

    async def health() -> Response:
        return Response(status_code=204 if await _readable(store) else 503)

    app = FastAPI(title="Homeward", openapi_url=None, docs_url=None, redoc_url=None, lifespan=lifespan)
    app.add_api_route("/health", health, methods=["GET"])
    app.include_router(receipts.router_of(receipts_in))
    app.include_router(messages.router_of(store, answers))
    app.include_router(way_in.router)
    if way_in.this_machine_only:
        app.add_middleware(LoopbackOnly)
    app.add_middleware(Guard)
    app.exception_handler(StoreUnavailableError)(_unavailable)
    app.exception_handler(IssuerAwayError)(_issuer_away)
    app.exception_handler(ForeignOriginError)(_foreign)
    app.exception_handler(RequestValidationError)(_unreadable)
    return app


async def _readable(store: Store) -> bool:
    try:
        async with asyncio.timeout(HEALTH_SECONDS):
            await store.ping()
    except (StoreUnavailableError, TimeoutError):
        return False
    return True


async def _unavailable(_: Request, __: Exception) -> Response:
    return PlainTextResponse(
        "Homeward cannot reach its records now; try again in a minute\n", status_code=503, headers={"Retry-After": "60"}
    )


async def _issuer_away(_: Request, away: Exception) -> Response:
    return PlainTextResponse(f"{away}\n", status_code=503, headers={"Retry-After": "60"})


async def _foreign(_: Request, foreign: Exception) -> Response:
    return PlainTextResponse(f"{foreign}\n", status_code=403)


async def _unreadable(_: Request, __: Exception) -> Response:
    """Say that a request cannot be read, and nothing of what it said."""
    return PlainTextResponse("The request cannot be read\n", status_code=422)
