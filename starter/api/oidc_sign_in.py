"""Signing in at a provider: there, back again, and out at both."""

from typing import Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from starter.api.sign_in_pages import Doors, said_page, signed_out_page
from starter.identity.asking import IssuerAwayError
from starter.identity.known import Clock
from starter.identity.oidc import SIGN_IN_LIVES, Failed, ProviderSignIn, SignInFailedError
from starter.identity.origin import path_back
from starter.identity.provider import Provider

_SAYS: Final = {
    Failed.BEGIN_AGAIN: (
        400,
        "This sign-in cannot be finished",
        "It took too long, was finished before, or began in another browser. Begin again.",
    ),
    Failed.REFUSED: (403, "You are not signed in", "Whoever vouches for you did not let you in, or you went back."),
    Failed.AWAY: (503, "You cannot sign in now", "Whoever vouches for you does not answer. Try again in a minute."),
    Failed.UNUSABLE: (
        502,
        "You cannot sign in",
        "What whoever vouches for you said of you cannot be believed. Tell whoever runs Homeward.",
    ),
    Failed.NOBODY: (
        403,
        "You have no role here",
        "You are known, but not what you may do in Homeward. Ask whoever runs it in your authority.",
    ),
}


def router_of(signing_in: ProviderSignIn, provider: Provider, doors: Doors, clock: Clock) -> APIRouter:
    """The way to the provider and back."""
    router = APIRouter()

    @router.get("/sign-in")
    async def begin(request: Request) -> Response:
        """On to the provider; or who is signed in."""
        now = clock()
        if there := await doors.already_in(request, now):
            return there
        try:
            begun = await signing_in.begin(path_back(request.query_params.get("to")) or "", now)
        except IssuerAwayError:
            return _failed(Failed.AWAY)
        answer = RedirectResponse(begun.url, status_code=303)
        doors.set_cookie(answer, doors.whereabouts.sign_in_cookie, begun.browser, int(SIGN_IN_LIVES.total_seconds()))
        return answer

    @router.get("/signed-in")
    async def finish(request: Request) -> Response:
        """Back from the provider."""
        now = clock()
        browser = request.cookies.get(doors.whereabouts.sign_in_cookie, "")
        try:
            who, back_to = await signing_in.finish(request.query_params, browser, now)
        except SignInFailedError as failed:
            answer: Response = _failed(failed.why)
        else:
            answer = await doors.let_in(request, who, back_to, now)
        doors.drop_cookie(answer, doors.whereabouts.sign_in_cookie)
        return answer

    @router.post("/sign-out")
    async def sign_out(request: Request) -> Response:
        """End the session here, and go on to end it at the provider."""
        doors.whereabouts.require_own_page(request)
        url = await provider.sign_out_url(f"{doors.whereabouts.url}/signed-out", clock())
        # A page and not a redirect: browsers do not let a form of ours lead to another host.
        words = "You are signed out here. Sign out there too, or whoever uses this browser next can sign in as you."
        page = said_page("You are signed out", words, goes_on_to=url, link="Sign out there") if url else None
        return await doors.let_out(request, page or signed_out_page())

    @router.get("/signed-out")
    async def signed_out() -> Response:
        """Where a sign-out at the provider ends."""
        return signed_out_page()

    return router


def _failed(why: Failed) -> HTMLResponse:
    status, heading, words = _SAYS[why]
    page = said_page(heading, words, status, link="Sign in again")
    if why is Failed.AWAY:
        page.headers["Retry-After"] = "60"
    return page
