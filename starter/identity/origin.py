"""Where this service is: which pages are ours, which names reach it, where a browser may be sent back to. Pure."""

import re
from ipaddress import ip_address
from typing import Final

import httpx
from fastapi import Request

from starter.identity.asking import ForeignOriginError

CHANGES_NOTHING: Final = frozenset({"GET", "HEAD", "OPTIONS"})
LONGEST_PATH: Final = 500

_OWN_PATH: Final = re.compile(r"/(?![/\\])[\x21-\x5b\x5d-\x7e]*", re.ASCII)
"""A path that no browser takes for another host's: no second slash, no backslash, nothing invisible."""

_OF_SIGN_IN: Final = ("/sign-in", "/signed-in", "/sign-out", "/signed-out")


def is_loopback(host: str) -> bool:
    """Whether a host, without its port, is this machine itself."""
    bare = host.removeprefix("[").removesuffix("]")
    try:
        return bare == "localhost" or ip_address(bare).is_loopback
    except ValueError:
        return False


def host_of(header: str) -> str:
    """The host of a Host header, without its port; empty for what is none."""
    found = re.fullmatch(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(:[0-9]{1,5})?", header, re.ASCII)
    return found[1].lower() if found else ""


def path_back(asked: str | None) -> str | None:
    """The path of ours that somebody asked to be brought back to; None for whatever is no such path."""
    if not asked or len(asked) > LONGEST_PATH or _OWN_PATH.fullmatch(asked) is None:
        return None
    return None if asked.split("?")[0] in _OF_SIGN_IN else asked


class Whereabouts:
    """How people reach this service: at `public_url`, or on this machine at `local_url`, by any of its names."""

    def __init__(self, public_url: str, local_url: str) -> None:
        self.url = public_url or local_url
        self.is_secure = self.url.startswith("https:")
        own = httpx.URL(self.url)
        hosts = () if public_url else ("localhost", "127.0.0.1", "::1")
        self._origins = {_origin(own), *(_origin(own.copy_with(host=host)) for host in hosts)}

    @property
    def session_cookie(self) -> str:
        """The name of the cookie of a session; of its kind with `__Host-` no other host can set one."""
        return self._cookie("homeward")

    @property
    def sign_in_cookie(self) -> str:
        """The name of the cookie of a sign-in that was begun."""
        return self._cookie("homeward-sign-in")

    def _cookie(self, name: str) -> str:
        return f"__Host-{name}" if self.is_secure else name

    def require_own_page(self, request: Request) -> None:
        """Raise ForeignOriginError unless a change was asked for from a page of ours.

        A browser says so in Sec-Fetch-Site, an older one in Origin. Origin is
        `null` where a page keeps to itself where it is, and tells nothing then.
        """
        site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
        is_ours = origin in self._origins
        is_same_origin = site == "same-origin" and origin in (None, "null")
        if not is_same_origin and not (is_ours and site in (None, "same-origin")):
            raise ForeignOriginError(
                f"a change with a cookie must be asked for from a page of {self.url} (Sec-Fetch-Site, Origin)"
            )


def _origin(url: httpx.URL) -> str:
    """The origin as browsers write it: a port only where it is not the scheme's own."""
    return f"{url.scheme}://{url.netloc.decode()}"
