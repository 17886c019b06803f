"""Signing in to a local account, and the tokens of systems that have one."""

import base64
import binascii
from datetime import datetime
from math import ceil
from urllib.parse import unquote_plus

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from starter.api.forms import form_of
from starter.api.sign_in_pages import Doors, sign_in_page, signed_out_page
from starter.identity.accounts import IssuedToken, LocalAccounts, TooSoon
from starter.identity.known import Clock
from starter.identity.origin import path_back


def router_of(accounts: LocalAccounts, doors: Doors, clock: Clock) -> APIRouter:
    """The pages of sign-in and sign-out, and the address where systems get tokens."""
    router = APIRouter()

    @router.get("/sign-in")
    async def ask(request: Request) -> Response:
        """The form; or who is signed in."""
        there = await doors.already_in(request, clock())
        return there or sign_in_page(path_back(request.query_params.get("to")))

    @router.post("/sign-in")
    async def sign_in(request: Request) -> Response:
        """Begin a session for a name and password."""
        doors.whereabouts.require_own_page(request)
        now = clock()
        try:
            form = await form_of(request)
        except ValueError:
            return sign_in_page(None, "The form could not be read. Try again.", 400)
        back_to = path_back(form.get("to"))
        found = await accounts.sign_in(form.get("name", ""), form.get("password", ""), _address(request), now)
        if isinstance(found, TooSoon):
            seconds = _seconds(found, now)
            page = sign_in_page(back_to, f"Too much was tried. Wait {seconds} seconds, then try again.", 429)
            page.headers["Retry-After"] = str(seconds)
            return page
        if found is None:
            return sign_in_page(back_to, "The name or the password is not right, or the account is locked.", 401)
        return await doors.let_in(request, found, back_to, now)

    @router.post("/sign-out")
    async def sign_out(request: Request) -> Response:
        """End the session."""
        doors.whereabouts.require_own_page(request)
        return await doors.let_out(request, signed_out_page())

    @router.post("/token")
    async def token(request: Request) -> Response:
        """A token for a system: RFC 6749, client_credentials."""
        now = clock()
        try:
            form = await form_of(request)
            client_id, secret = _credentials(request.headers.get("authorization"), form)
        except ValueError:
            return _refused("invalid_request", 400)
        if form.get("grant_type") != "client_credentials":
            return _refused("unsupported_grant_type" if form.get("grant_type") else "invalid_request", 400)
        found = await accounts.token(client_id, secret, _address(request), now)
        if isinstance(found, TooSoon):
            return _refused("invalid_client", 429, {"Retry-After": str(_seconds(found, now))})
        if found is None:
            return _refused("invalid_client", 401, {"WWW-Authenticate": 'Basic realm="Homeward"'})
        return JSONResponse(_granted(found), headers={"Pragma": "no-cache"})

    return router


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


def _seconds(found: TooSoon, now: datetime) -> int:
    return max(1, ceil((found.until - now).total_seconds()))


def _credentials(authorization: str | None, form: dict[str, str]) -> tuple[str, str]:
    """A client's id and secret, given in one of two ways. Raises ValueError, also when given in both."""
    in_form = form.get("client_id", ""), form.get("client_secret", "")
    if authorization is None:
        return in_form
    if in_form[1]:
        raise ValueError("the client must authenticate in one way")
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        raise ValueError("the client must authenticate by Basic or in the form")
    try:
        client_id, colon, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise ValueError("the Authorization header cannot be read") from None
    if not colon or in_form[0] not in ("", unquote_plus(client_id)):
        raise ValueError("the Authorization header and the form must name one client")
    return unquote_plus(client_id), unquote_plus(secret)


def _granted(found: IssuedToken) -> dict[str, object]:
    return {"access_token": found.token, "token_type": "Bearer", "expires_in": int(found.lives.total_seconds())}


def _refused(error: str, status: int, headers: dict[str, str] | None = None) -> JSONResponse:
    return JSONResponse({"error": error}, status, headers)
