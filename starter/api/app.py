"""The HTTP service, put together: the API, receipts from providers, and the pages on which people answer messages."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Annotated, Final

from fastapi import APIRouter, FastAPI, Path, Response
from fastapi.telemetry import TelemetryConfig

from activities.store import Store, StoreUnavailableError
from starter.api import messages, problems, receipts
from starter.api.asking import Gate
from starter.api.entrance import OPEN_AT_THE_ENTRANCE
from starter.api.guard import Guard
from starter.api.parts import Parts
from starter.api.problems import PREFIX, Problem, ProblemDetails, ProblemError, documented
from starter.api.rates import Rates
from starter.api.v1 import (
    audit,
    children,
    directory,
    directory_uploads,
    disagreements,
    episodes,
    events,
    forms,
    glass,
    intakes,
    oneself,
    packs,
    policies,
    referrals,
    said,
    stuck,
    tasks,
    trays,
    webhooks,
)
from starter.audit import Audit
from starter.console import rooms
from starter.console.asking import problem_page
from starter.identity.loopback import LoopbackOnly
from starter.intake.beside import Beside
from starter.observing.requests import Measured

TRACED: Final[TelemetryConfig] = {
    "tracing": True,
    "operation_spans": False,
    "metrics": False,
    # They hold the words of failures, which can be of a child; and nothing but our own settings says where traces go.
    "logs": False,
    "auto_configure": False,
}
"""What the framework tells of requests by itself: a span for each, by its route."""

HEALTH_SECONDS: Final = 3.0
"""How long the store may take before the service calls itself unwell."""

OPEN_TO_ALL: Final = frozenset(
    {
        "/health",
        "/callbacks/notify",
        "/m/style.css",
        "/m/{message}",
        f"{PREFIX}/openapi.json",
        f"{PREFIX}/problems/{{slug}}",
        *OPEN_AT_THE_ENTRANCE,
        *rooms.OPEN_TO_ALL,
    }
)
"""The routes that ask for nobody's name: by their nature, or because their path is itself the key."""


def create_app(parts: Parts) -> FastAPI:
    """The service over its parts."""

    beside = Beside(parts.store, parts.commands, parts.intake_folder)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        beside.go_on()
        yield
        parts.streams.close()
        await beside.stop()
        await parts.store.close()

    async def health() -> Response:
        return Response(status_code=204 if await _readable(parts.store) else 503)

    app = FastAPI(
        title="Homeward",
        version="1",
        description="Runs the statutory clocks that start when a child goes missing from home or care in England.",
        openapi_url=f"{PREFIX}/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        telemetry=TRACED,
    )
    app.state.beside = beside
    app.state.streams = parts.streams
    app.state.gate = Gate(parts.identity, Audit(parts.store), Rates(parts.requests_a_minute), parts.clock)
    app.add_api_route("/health", health, methods=["GET"], include_in_schema=False)
    app.include_router(receipts.router_of(parts.receipts), include_in_schema=False)
    app.include_router(messages.router_of(parts.store, parts.answers), include_in_schema=False)
    app.include_router(_problems())
    routers = (
        oneself.router_of(),
        policies.router_of(parts.policies),
        tasks.router_of(parts),
        trays.router_of(parts),
        directory.router_of(parts),
        directory_uploads.router_of(parts),
        children.router_of(parts),
        packs.router_of(parts),
        episodes.router_of(parts),
        said.router_of(parts),
        intakes.router_of(parts, beside),
        forms.router_of(parts),
        referrals.router_of(parts),
        disagreements.router_of(parts),
        stuck.router_of(parts),
        events.router_of(parts),
        webhooks.router_of(parts),
        audit.router_of(parts.store),
        glass.router_of(parts.store, parts.glass),
    )
    for router in routers:
        app.include_router(router)
    for router in rooms.routers_of(parts):
        app.include_router(router, include_in_schema=False)
    if parts.entrance is not None:
        app.include_router(parts.entrance.router, include_in_schema=False)
        if parts.entrance.this_machine_only:
            app.add_middleware(LoopbackOnly)
    app.add_middleware(Guard, page=problem_page)
    app.add_middleware(Measured)
    problems.add_to(app, problem_page)
    return app


def _problems() -> APIRouter:
    router = APIRouter(prefix=PREFIX, tags=["problems"])

    @router.get(
        "/problems/{slug}",
        operation_id="explain_problem",
        responses=documented(Problem.NOT_FOUND, Problem.CANNOT_BE_USED),
    )
    async def problem(slug: Annotated[str, Path(max_length=60, description="a problem's name")]) -> ProblemDetails:
        """What a problem means, and what helps."""
        for one in Problem:
            if one.slug == slug:
                return ProblemDetails(type=one.uri, title=one.title, status=one.status, detail=one.helps)
        raise ProblemError(Problem.NOT_FOUND)

    return router


async def _readable(store: Store) -> bool:
    try:
        async with asyncio.timeout(HEALTH_SECONDS):
            await store.ping()
    except (StoreUnavailableError, TimeoutError):
        return False
    return True
