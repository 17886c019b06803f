"""While local accounts are in use, only this machine is answered."""

from typing import Final

from fastapi.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from starter.identity.origin import host_of, is_loopback

_BY_THEIR_OWN_KEY: Final = ("/m/", "/callbacks/", "/health")
"""What is open to whoever has its key, and asks no account: messages' pages, receipts, and whether all is well."""

_OF_PROXIES: Final = frozenset({b"forwarded", b"x-forwarded-for", b"x-forwarded-host"})


class LoopbackOnly:
    """Refuses requests that came by another name than this machine's, or through a proxy.

    A page of a stranger's whose name is made to lead to this machine would
    otherwise be a page of ours to the browser.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["path"].startswith(_BY_THEIR_OWN_KEY) or _is_from_here(scope):
            await self._app(scope, receive, send)
            return
        words = "With local accounts Homeward answers on this machine only: ask at localhost, without a proxy\n"
        await PlainTextResponse(words, 421)(scope, receive, send)


def _is_from_here(scope: Scope) -> bool:
    headers: list[tuple[bytes, bytes]] = scope["headers"]
    hosts = [value.decode("latin-1") for name, value in headers if name == b"host"]
    return len(hosts) == 1 and is_loopback(host_of(hosts[0])) and not _OF_PROXIES & {name for name, _ in headers}
