"""Each request to the HTTP service, measured by its route: its address may be of a child."""

from time import perf_counter
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from starter.observing.metrics import REQUESTS

_NO_ROUTE: Final = "none"


class Measured:
    """Measures how long each answer takes to begin: a page that keeps itself up to date ends only with its session."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = perf_counter()

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                labels = scope["method"], _route_of(scope), f"{message['status'] // 100}xx"
                REQUESTS.labels(*labels).observe(perf_counter() - began)
            await send(message)

        await self._app(scope, receive, noting)


def _route_of(scope: Scope) -> str:
    """The route as it is declared; what is in its place in the address stays out."""
    return str(getattr(scope.get("route"), "path", _NO_ROUTE))
