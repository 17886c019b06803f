"""What the API answers when it cannot do what was asked: problem details (RFC 9457), without what was sent."""

from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import Any, Final, cast

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse
from fastapi.routing import APIRoute, iter_route_contexts
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.routing import Match, Route

from activities.policies import UnknownPolicyError
from activities.store import StoreUnavailableError
from starter.access import Permission
from starter.client import EngineSilentError
from starter.identity.asking import ForeignOriginError, IssuerAwayError
from workflows.plain_errors import BadInputError, path_in_words

PREFIX: Final = "/v1"
MEDIA_TYPE: Final = "application/problem+json"
STORE_RETRY_SECONDS: Final = 30


class Problem(Enum):
    """What can go wrong: its name, status, title, and what helps."""

    NOT_SIGNED_IN = ("not-signed-in", 401, "Nobody is signed in", "Send a good bearer token, or sign in again.")
    NOT_ALLOWED = ("not-allowed", 403, "Not allowed", "Ask an administrator which role allows it.")
    FOREIGN_PAGE = (
        "foreign-page",
        403,
        "Not asked for from a page of ours",
        "A change with a session's cookie is asked for from a page of this service. Systems send a bearer token.",
    )
    NEED_TO_KNOW = (
        "need-to-know",
        403,
        "Need to know",
        "Only who holds a role for this child may see it. Who must look breaks the glass: the administrator is told.",
    )
    NOT_FOUND = ("not-found", 404, "Not found", "Check the id: there is nothing of that id here.")
    NO_SUCH_METHOD = ("no-such-method", 405, "No such method", "The documentation says what can be done here.")
    NOT_ACCEPTABLE = ("not-acceptable", 406, "Not to be had in that form", "Ask in `Accept` for a form that there is.")
    TOO_SLOW = ("too-slow", 408, "Too slow", "Send the whole request at once.")
    REFUSED = ("refused", 409, "Refused", "It cannot be true together with what is known. The detail says why.")
    KEY_REUSED = (
        "key-reused",
        409,
        "The key was used for something else",
        "An Idempotency-Key belongs to one request: send a new key with what is new.",
    )
    CURSOR_GONE = (
        "cursor-gone",
        410,
        "The feed cannot be read on from there",
        "Read the episodes anew, and go on from the cursor that the detail names.",
    )
    TOO_LARGE = ("too-large", 413, "Too large", "Send less in one request.")
    WRONG_MEDIA_TYPE = (
        "wrong-media-type",
        415,
        "Sent in another form than is read here",
        "The documentation says which Content-Type is read.",
    )
    CANNOT_BE_USED = ("cannot-be-used", 422, "What was sent cannot be used", "Mend the fields that are named.")
    TOO_MANY = ("too-many", 429, "Too many requests", "Wait as long as Retry-After says.")
    FAILED = ("failed", 500, "Homeward could not do this", "Tell whoever runs Homeward the request's id.")
    UNAVAILABLE = (
        "unavailable",
        503,
        "Homeward cannot reach its records",
        "Nothing was kept. Send it again, with the same key, when Retry-After has passed.",
    )

    ISSUER_AWAY = (
        "issuer-away",
        503,
        "Who asks cannot be known now",
        "Whoever vouches for people and systems does not answer. Send it again when Retry-After has passed.",
    )

    def __init__(self, slug: str, status: int, title: str, helps: str) -> None:
        self.slug = slug
        self.status = status
        self.title = title
        self.helps = helps

    @property
    def uri(self) -> str:
        """Where the problem is explained."""
        return f"{PREFIX}/problems/{self.slug}"


class FieldMistake(BaseModel):
    """One field that cannot be used, and what would be right."""

    field: str = Field(description="the field, as facts[2].at; empty for the request as a whole")
    detail: str = Field(description="what would be right")


class ProblemDetails(BaseModel):
    """The body of an answer that says what went wrong (RFC 9457)."""

    type: str = Field(description="which problem it is: an address that explains it")
    title: str = Field(description="the problem in a few words, the same each time")
    status: int = Field(description="the status of the answer")
    detail: str = Field(description="what was wrong this time, or what helps, in one line")
    errors: list[FieldMistake] | None = Field(default=None, description="the fields that cannot be used")


class ProblemError(Exception):
    """Something could not be done. `detail` is one line for whoever asked."""

    def __init__(
        self,
        problem: Problem,
        detail: str | None = None,
        errors: Sequence[FieldMistake] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(problem.slug)
        self.problem = problem
        self.detail = detail or problem.helps
        self.errors = list(errors)
        self.headers = dict(headers or {})


class NotAllowedError(ProblemError):
    """Whoever asked lacks a permission."""

    def __init__(self, permission: Permission) -> None:
        super().__init__(Problem.NOT_ALLOWED, f"this needs the permission '{permission}'")
        self.permission = permission


def answer(error: ProblemError) -> JSONResponse:
    """A problem as an answer."""
    problem = error.problem
    said = ProblemDetails(
        type=problem.uri, title=problem.title, status=problem.status, detail=error.detail, errors=error.errors or None
    )
    body = said.model_dump(exclude_none=True)
    return JSONResponse(body, problem.status, media_type=MEDIA_TYPE, headers=error.headers)


def cannot_be_used(line: str) -> ProblemError:
    """A line of ours, '<field>: <what would be right>', as a problem that names the field."""
    field, colon, sentence = line.partition(": ")
    named = colon and " " not in field
    mistake = FieldMistake(field=field if named else "", detail=sentence if named else line)
    return ProblemError(Problem.CANNOT_BE_USED, line, [mistake])


def documented(*problems: Problem) -> dict[int | str, dict[str, Any]]:
    """What routes say of the problems they may answer with, for the description of the API."""
    said: dict[int | str, dict[str, Any]] = {}
    for problem in problems:
        words = said[problem.status]["description"] + " or " if problem.status in said else ""
        said[problem.status] = {
            "description": words + problem.title,
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}},
        }
    return said


PROBLEMS: Final = (
    ProblemError,
    BadInputError,
    UnknownPolicyError,
    RequestValidationError,
    HTTPException,
    ForeignOriginError,
    StoreUnavailableError,
    EngineSilentError,
)
"""The errors that are answered by a problem."""


def add_to(app: FastAPI, page: Callable[[Request, ProblemError], Response]) -> None:
    """Have the app answer with problems: in JSON under /v1; elsewhere browsers by `page`, others in a plain line."""

    async def problem(request: Request, error: Exception) -> Response:
        found = as_problem(error)
        if found.problem is Problem.NO_SUCH_METHOD:
            found.headers["Allow"] = ", ".join(_methods(app, request))
        if request.url.path.startswith(f"{PREFIX}/"):
            return answer(found)
        if "text/html" in request.headers.get("accept", ""):
            return page(request, found)
        return PlainTextResponse(f"{found.detail}\n", found.problem.status, found.headers)

    for kind in PROBLEMS:
        app.exception_handler(kind)(problem)


def _methods(app: FastAPI, request: Request) -> list[str]:
    """What can be done at a path, by all the routes that lead there."""
    found: set[str] = set()
    for context in iter_route_contexts(app.routes):
        route = context.original_route
        if isinstance(route, Route | APIRoute) and route.matches(request.scope)[0] is not Match.NONE:
            found |= route.methods or set()
    return sorted(found)


def as_problem(error: Exception) -> ProblemError:
    """One of PROBLEMS as the problem that answers it."""
    if isinstance(error, ProblemError):
        return error
    if isinstance(error, BadInputError | UnknownPolicyError):
        return cannot_be_used(str(error))
    if isinstance(error, RequestValidationError):
        mistakes = [_mistake(one, error.body) for one in error.errors()]
        return ProblemError(Problem.CANNOT_BE_USED, _line(mistakes[0]), mistakes)
    if isinstance(error, HTTPException):
        by_status = {404: Problem.NOT_FOUND, 405: Problem.NO_SUCH_METHOD, 413: Problem.TOO_LARGE}
        return ProblemError(by_status.get(error.status_code, Problem.CANNOT_BE_USED))
    if isinstance(error, ForeignOriginError):
        return ProblemError(Problem.FOREIGN_PAGE, str(error))
    away = isinstance(error, IssuerAwayError)
    return ProblemError(
        Problem.ISSUER_AWAY if away else Problem.UNAVAILABLE, headers={"Retry-After": str(STORE_RETRY_SECONDS)}
    )


def _mistake(detail: Mapping[str, Any], body: object) -> FieldMistake:
    """One mistake by pydantic's account, without the value that was sent: it can be about a child."""
    location = [step for step in detail["loc"][1:] if not str(step).startswith("function-")]
    kind, said = str(detail["type"]), cast("dict[str, Any]", detail.get("ctx") or {})
    if detail["loc"][:1] == ("body",):
        location = _sent_location(location, body)
    if kind.startswith("union_tag_"):
        location.append(str(said["discriminator"]).strip("'"))
    if kind == "json_invalid":
        return FieldMistake(field="", detail="the body is not JSON")
    known = {
        "missing": "must be given",
        "extra_forbidden": "there is no such field",
        "enum": f"must be one of {said.get('expected', '')}".replace("'", ""),
        "literal_error": f"must be one of {said.get('expected', '')}".replace("'", ""),
        "union_tag_not_found": "must be given",
        "union_tag_invalid": f"must be one of {said.get('expected_tags', '')}".replace("'", ""),
        "value_error": str(said.get("error", detail["msg"])),
    }
    message = str(detail["msg"])
    where = path_in_words(location) or ("" if detail["loc"][:1] == ("body",) else str(detail["loc"][-1]))
    return FieldMistake(field=where, detail=known.get(kind, f"{message[:1].lower()}{message[1:]}"))


def _sent_location(location: Sequence[str | int], body: object) -> list[str | int]:
    """A location in a body without the steps that are none there: which of several models it was read as."""
    sent: list[str | int] = []
    here = body
    for number, step in enumerate(location):
        if isinstance(here, Mapping):
            known = cast("Mapping[str | int, object]", here)
            if step not in known and number + 1 < len(location):
                continue
            here = known.get(step)
        elif isinstance(here, list) and isinstance(step, int):
            here = cast("list[object]", here)[step]
        sent.append(step)
    return sent


def _line(mistake: FieldMistake) -> str:
    return f"{mistake.field}: {mistake.detail}" if mistake.field else mistake.detail
