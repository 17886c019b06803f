"""Who asks: from a request's bearer token, else from its session's cookie."""

from collections.abc import Callable
from datetime import datetime
from typing import Final, Protocol

from fastapi import Request

from starter.access import Principal
from starter.identity.asking import NotSignedInError
from starter.identity.origin import CHANGES_NOTHING, Whereabouts
from starter.identity.sessions import Sessions

LONGEST_TOKEN: Final = 16 * 1024

Clock = Callable[[], datetime]
"""Tells the present, in UTC."""


class Bearers(Protocol):
    """Tells who was given a token."""

    async def principal_of_token(self, token: str, now: datetime) -> Principal:
        """Whom a token was given to. `now` is UTC. Raises NotSignedInError or StoreUnavailableError."""
        ...


class KnownIdentity:
    """Tells who asks, by tokens of one kind and by sessions."""

    def __init__(self, bearers: Bearers, sessions: Sessions, whereabouts: Whereabouts, clock: Clock) -> None:
        self._bearers = bearers
        self._sessions = sessions
        self._whereabouts = whereabouts
        self._clock = clock

    async def principal(self, request: Request, *, in_use: bool = True) -> Principal:
        """Who asks. Raises NotSignedInError, ForeignOriginError or StoreUnavailableError.

        A request with a token is asked by whom the token says and by nobody
        else: a cookie beside it counts for nothing.
        """
        now = self._clock()
        authorization = request.headers.get("authorization")
        if authorization is not None:
            return await self._bearers.principal_of_token(_bearer(authorization), now)
        token = request.cookies.get(self._whereabouts.session_cookie)
        if not token:
            raise NotSignedInError("there is neither a bearer token nor a session")
        if request.method not in CHANGES_NOTHING:
            self._whereabouts.require_own_page(request)
        return await self._sessions.principal(token, now, in_use=in_use)


def _bearer(authorization: str) -> str:
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token or len(token) > LONGEST_TOKEN or not token.isascii():
        raise NotSignedInError("the Authorization header holds no bearer token")
    return token
