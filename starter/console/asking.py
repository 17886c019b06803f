"""The console's routes: through the same gate as the API's, answering people with pages instead of problems."""

from collections.abc import Callable, Coroutine, Mapping
from typing import Annotated, Any, Final
from urllib.parse import quote
from uuid import UUID, uuid4

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from starter.access import Principal
from starter.api.asking import LONGEST_REASON, AskedRoute
from starter.api.problems import PROBLEMS, NotAllowedError, Problem, ProblemError, as_problem
from starter.console.allowed import may_not_in_words
from starter.console.forms import KEY, REASON, Mistakes, Posted, posted_by
from starter.console.pages import page_for
from workflows.plain_errors import BadInputError

Handle = Callable[[Request], Coroutine[Any, Any, Response]]

_WORDS: Final[dict[Problem, tuple[str, str]]] = {
    Problem.NOT_ALLOWED: ("You cannot do this here", "If you should be able to, ask an administrator."),
    Problem.NOT_FOUND: ("There is nothing here", "Check the address. It may be another authority's, or mistyped."),
    Problem.FOREIGN_PAGE: ("This did not come from a page of Homeward", "Go back to Homeward and do it from there."),
    Problem.UNAVAILABLE: (
        "Homeward cannot reach its records",
        "Nothing was kept. Wait half a minute and send it again. If a child is missing, ring the police on 101 or 999 "
        "now, whatever Homeward says.",
    ),
    Problem.KEY_REUSED: (
        "This form was already sent",
        "What was sent first is kept. Go back to where you were, and open the form anew for what is new.",
    ),
    Problem.TOO_MANY: ("Too much at once", "Wait a minute, then try again."),
    Problem.TOO_LARGE: (
        "That is too much to send at once",
        "Nothing of it was kept. Go back by your browser's button, copy what you wrote to where it is safe, and send "
        "less of it at once.",
    ),
    Problem.FAILED: (
        "Homeward could not do this",
        "Something in Homeward went wrong. Send it again; if it fails again, tell whoever runs Homeward when it "
        "happened. If a child is missing, ring the police on 101 or 999 now, whatever Homeward says.",
    ),
}
"""What a page says of a problem: a heading, and what helps. Others say what the problem itself does."""


SENT_BEFORE: Final = (
    "This form was sent before, and what it said then is kept. What it says now is not: if it is still needed, send it "
    "again"
)
"""What a form says that was sent once more with other words."""


def posted_of(request: Request) -> Posted:
    """The form that was posted with a request; an empty one where none was."""
    posted: Posted = getattr(request.state, "posted", Posted())
    return posted


PostedBy = Annotated[Posted, Depends(posted_of)]


class ConsoleRoute(AskedRoute):
    """A route of the console. Who is not signed in is brought to sign in, and back to where they were going.

    What somebody posts and could not be taken is given back to them on the page
    that says so, to be sent again: nothing they wrote is lost.
    """

    def get_route_handler(self) -> Handle:
        """What answers a request to this route."""
        through_the_gate = super().get_route_handler()

        async def answered(request: Request) -> Response:
            try:
                if request.method == "POST":
                    await _take_form(request)
                return _kept_by_nobody(await through_the_gate(request))
            except PROBLEMS as error:
                return problem_page(request, as_problem(error))

        return answered


def console_router() -> APIRouter:
    """A router of pages."""
    return APIRouter(route_class=ConsoleRoute, include_in_schema=False)


def go_to(path: str) -> RedirectResponse:
    """On to another page, after a form was taken."""
    return RedirectResponse(path, status_code=303)


def take_refusal(error: ProblemError, mistakes: Mistakes, *mendable: Problem, otherwise: str = "") -> None:
    """Note why something was refused, or another problem that the form can mend; raise any other again.

    It is noted by the field that its line names, or by another's name.
    """
    if error.problem not in (Problem.REFUSED, *mendable):
        raise error
    if error.problem is Problem.KEY_REUSED:
        mistakes.add(otherwise, SENT_BEFORE)
        return
    mistakes.take(BadInputError(error.detail), otherwise)


async def _take_form(request: Request) -> None:
    """Read a posted form; its key stands for the request, as an API's Idempotency-Key does. Raises BadInputError."""
    posted = await posted_by(request)
    try:
        key = UUID(posted.one(KEY))
    except ValueError:
        raise BadInputError("form: must be sent from its own page") from None
    request.state.posted = posted
    # One that is too long is said to be by its own page, with all that was written.
    request.state.why = posted.one(REASON)[:LONGEST_REASON] or None
    request.state.request_id = str(key)


def _kept_by_nobody(response: Response) -> Response:
    """An answer about children is kept by no browser: whoever uses the machine next must not go back to it."""
    if response.headers.get("content-type", "").startswith(("text/html", "application/pdf")):
        del response.headers["ETag"]
        response.headers["Cache-Control"] = "no-store"
    return response


def problem_page(request: Request, error: ProblemError) -> Response:
    """A problem as a page that leads back; to sign in, for whoever is not."""
    asked = getattr(request.state, "asked", None)
    if error.problem is Problem.NOT_SIGNED_IN:
        return _signed_out(request)
    heading, helps = _WORDS.get(error.problem, (error.problem.title, error.problem.helps))
    response = page_for(
        asked.principal if asked else None,
        asked.now if asked else None,
        "problem.html.j2",
        status=error.problem.status,
        heading=heading,
        helps=helps,
        detail=_detail(asked.principal if asked else None, error),
        need_to_know=request.path_params.get("episode_id") if error.problem is Problem.NEED_TO_KNOW else None,
        path=_path(request),
        fields=_to_send_again(request, error.problem),
    )
    response.headers.update(error.headers)
    return response


def _detail(principal: Principal | None, error: ProblemError) -> str:
    """What was wrong this time, in words; nothing where a problem says no more than it always does."""
    if principal and isinstance(error, NotAllowedError):
        return may_not_in_words(principal, error.permission)
    return error.detail if error.detail != error.problem.helps else ""


def _signed_out(request: Request) -> Response:
    path = _path(request)
    if fields := _to_send_again(request, Problem.NOT_SIGNED_IN):
        return page_for(None, None, "signed_out.html.j2", status=401, path=path, fields=fields)
    back_to = path if request.method in ("GET", "HEAD") else "/"
    return RedirectResponse(f"/sign-in?to={quote(back_to)}", status_code=303)


def _path(request: Request) -> str:
    query = f"?{request.url.query}" if request.url.query else ""
    return request.url.path + query


def _to_send_again(request: Request, problem: Problem) -> Mapping[str, tuple[str, ...]]:
    """What was posted from a page of ours, to be given back; nothing where nothing was.

    Another's page must not put its words into somebody's mouth. Where the form's key stands for what was sent before,
    what is sent again has another.
    """
    posted = posted_of(request)
    if request.method != "POST" or request.headers.get("sec-fetch-site") != "same-origin":
        return {}
    if problem is Problem.KEY_REUSED:
        return {**posted.fields, KEY: (str(uuid4()),)}
    return posted.fields
