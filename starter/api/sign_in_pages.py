"""What signing in looks like: its pages, its cookies, and its ends. The same for whoever vouches for people."""

from datetime import datetime

from fastapi import Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from activities.store.accounts import Account
from starter.access import Principal
from starter.console.pages import page_for
from starter.identity.asking import NotSignedInError
from starter.identity.origin import Whereabouts, path_back
from starter.identity.sessions import Sessions


def sign_in_page(back_to: str | None, wrong: str | None = None, status: int = 200) -> HTMLResponse:
    """The form, with what was wrong the last time."""
    return page_for(None, None, "sign_in.html.j2", status=status, back_to=back_to, wrong=wrong)


def said_page(
    heading: str, words: str = "", status: int = 200, *, goes_on_to: str = "", link: str = "Sign in"
) -> HTMLResponse:
    """A page that says one thing, and leads on."""
    said = {"heading": heading, "words": words, "goes_on_to": goes_on_to, "link": link}
    return page_for(None, None, "said.html.j2", status=status, **said)


def signed_out_page() -> HTMLResponse:
    """Where a sign-out ends."""
    return said_page("You are signed out", link="Sign in again")


class Doors:
    """How a browser comes in and goes out: its session's cookie, and where it is brought to."""

    def __init__(self, sessions: Sessions, whereabouts: Whereabouts) -> None:
        self._sessions = sessions
        self.whereabouts = whereabouts

    async def already_in(self, request: Request, now: datetime) -> Response | None:
        """Where somebody is brought who asks to sign in and has: where they would go, or the beginning. Or None."""
        token = request.cookies.get(self.whereabouts.session_cookie)
        try:
            await self._sessions.principal(token or "", now)
        except NotSignedInError:
            return None
        return RedirectResponse(path_back(request.query_params.get("to")) or "/", status_code=303)

    async def let_in(
        self, request: Request, who: Account | Principal, back_to: str | None, now: datetime
    ) -> RedirectResponse:
        """Begin a session, and bring the browser back to where it was going. `now` is UTC."""
        before = request.cookies.get(self.whereabouts.session_cookie)
        token = await self._sessions.begin(who, before, now)
        answer = RedirectResponse(path_back(back_to) or "/", status_code=303)
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
