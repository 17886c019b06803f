"""What signing in looks like: its pages, its cookies, and its ends. The same for whoever vouches for people."""

from datetime import datetime
from typing import Final

from fastapi import Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from activities.store.accounts import Account
from starter.access import Principal
from starter.identity.asking import NotSignedInError
from starter.identity.origin import Whereabouts, path_back
from starter.identity.sessions import Sessions
from starter.templates import templates_of

_PAGES: Final = templates_of("api/templates")
_FROM_OUR_PAGE: Final = {"Referrer-Policy": "same-origin"}
"""So that older browsers, which know no Sec-Fetch-Site, say with the form that it is ours."""


def sign_in_page(back_to: str | None, wrong: str | None = None, status: int = 200) -> HTMLResponse:
    """The form, with what was wrong the last time."""
    page = _PAGES.get_template("sign_in.html.j2").render(back_to=back_to, wrong=wrong)
    return HTMLResponse(page, status, _FROM_OUR_PAGE)


def said_page(
    heading: str, words: str = "", status: int = 200, *, goes_on_to: str = "", link: str = "Sign in"
) -> HTMLResponse:
    """A page that says one thing, and leads on."""
    page = _PAGES.get_template("said.html.j2").render(heading=heading, words=words, goes_on_to=goes_on_to, link=link)
    return HTMLResponse(page, status)


def signed_out_page() -> HTMLResponse:
    """Where a sign-out ends."""
    return said_page("You are signed out", link="Sign in again")


class Doors:
    """How a browser comes in and goes out: its session's cookie, and where it is brought to."""

    def __init__(self, sessions: Sessions, whereabouts: Whereabouts) -> None:
        self._sessions = sessions
        self.whereabouts = whereabouts

    async def already_in(self, request: Request, now: datetime) -> Response | None:
        """What to answer somebody who asks to sign in and has: on to where they would go, or who they are. Or None."""
        token = request.cookies.get(self.whereabouts.session_cookie)
        try:
            principal = await self._sessions.principal(token or "", now)
        except NotSignedInError:
            return None
        if back_to := path_back(request.query_params.get("to")):
            return RedirectResponse(back_to, status_code=303)
        page = _PAGES.get_template("signed_in.html.j2").render(name=principal.name)
        return HTMLResponse(page, headers=_FROM_OUR_PAGE)

    async def let_in(
        self, request: Request, who: Account | Principal, back_to: str | None, now: datetime
    ) -> RedirectResponse:
        """Begin a session, and bring the browser back to where it was going. `now` is UTC."""
        before = request.cookies.get(self.whereabouts.session_cookie)
        token = await self._sessions.begin(who, before, now)
        answer = RedirectResponse(path_back(back_to) or "/sign-in", status_code=303)
        self.set_cookie(answer, self.whereabouts.session_cookie, token)
        return answer

    async def let_out(self, request: Request, answer: Response) -> Response:
        """End the browser's session with this answer."""
        if token := request.cookies.get(self.whereabouts.session_cookie):
            await self._sessions.end(token)
        self.drop_cookie(answer, self.whereabouts.session_cookie)
        return answer

    def set_cookie(self, answer: Response, name: str, value: str, seconds: int | None = None) -> None:
        """Give the browser a cookie that no script reads; without `seconds`, until it is closed."""
        secure = self.whereabouts.is_secure
        answer.set_cookie(name, value, max_age=seconds, path="/", secure=secure, httponly=True, samesite="lax")

    def drop_cookie(self, answer: Response, name: str) -> None:
        """Take a cookie from the browser."""
        answer.delete_cookie(name, path="/", secure=self.whereabouts.is_secure, httponly=True, samesite="lax")
