"""The way in for every request: who asks, what they may, what is written down of it.

A route says what it does by `needs`; one that says nothing cannot be made. A
change is written down before it is begun, so that none is made unseen; a
reading when it is known what was shown, before it is shown.
"""

from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Header, Request, Response
from fastapi.routing import APIRoute

from activities.store.audit import AuditOutcome, subject_named
from starter.access import SHOWS_NOBODY, Permission, Principal, needs
from starter.api.problems import PREFIX, NotAllowedError, Problem, ProblemError, documented
from starter.api.rates import Rates
from starter.audit import Audit, entry_of
from starter.identity.asking import Identity, NotSignedInError

__all__ = ["Asked", "AskedBy", "AskedRoute", "Gate", "Key", "asked_of", "asked_router", "needs"]

Handle = Callable[[Request], Coroutine[Any, Any, Response]]

LONGEST_REASON: Final = 500
"""As many characters of why something is asked for are written into the audit."""

BY_ITSELF: Final = "by_itself"
"""What says by 'yes' in an address's query that a page asks and nobody is there: no session lives longer for it."""

_READING: Final = ("GET", "HEAD")
_IF_SOMETHING_IS_SHOWN: Final = frozenset({Permission.READ_EVENTS})
"""What is asked every few seconds by machines: it is written down when something was shown."""

_ANY_ROUTE: Final = (
    Problem.NOT_SIGNED_IN,
    Problem.NOT_ALLOWED,
    Problem.FOREIGN_PAGE,
    Problem.NOT_FOUND,
    Problem.CANNOT_BE_USED,
    Problem.TOO_MANY,
    Problem.UNAVAILABLE,
    Problem.ISSUER_AWAY,
)

_ANY_POST: Final = (Problem.REFUSED, Problem.KEY_REUSED, Problem.TOO_LARGE)

_REFUSALS: Final[dict[Problem, AuditOutcome]] = {
    Problem.NOT_ALLOWED: "refused",
    Problem.NEED_TO_KNOW: "refused",
    Problem.NOT_FOUND: "not_found",
}


@dataclass
class Asked:
    """What an endpoint knows of a request: who asks, when (UTC), the sender's key, why, and what was shown to them.

    `request` is the sender's key if it is one, or an id that the guard made; each answer carries it.
    """

    principal: Principal
    now: datetime
    request: str
    why: str | None
    subjects: list[str] = field(default_factory=list[str])

    @property
    def authority(self) -> str:
        """The one authority whose things the request may see and change."""
        return self.principal.authority

    def saw(self, *subjects: str | None) -> None:
        """Note the ids of what the answer shows."""
        self.subjects += [one for one in subjects if one]

    def require(self, permission: Permission) -> None:
        """Ask for one more permission, by what is in the request. Raises ProblemError."""
        if not self.principal.may(permission):
            raise NotAllowedError(permission)


def asked_of(request: Request) -> Asked:
    """What the gate knows of a request that it let in."""
    asked: Asked = request.state.asked
    return asked


AskedBy = Annotated[Asked, Depends(asked_of)]
Key = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=100,
        pattern=r"^[\x21-\x7e]+$",
        description="The sender's own name of this request: however often it is sent, it is done once.",
    ),
]


def _with_a_key(key: Key) -> None:
    """Nothing more: that the header is there and is one is all that is asked. The key is in what was asked."""
    del key


KEYED: Final = [Depends(_with_a_key)]
"""What a route depends on whose requests must each carry a key of their own."""


class Gate:
    """Lets requests in, or not."""

    def __init__(self, identity: Identity, audit: Audit, rates: Rates, clock: Callable[[], datetime]) -> None:
        self._identity = identity
        self._audit = audit
        self._rates = rates
        self._clock = clock

    async def let_in(self, request: Request, permission: Permission, handle: Handle) -> Response:
        """Answer a request by an endpoint that needs a permission. Raises ProblemError, or StoreUnavailableError."""
        asked = await self._asked(request)
        way = f"{request.method} {request.scope['route'].path}"
        asked.saw(*(subject_named(str(value)) for value in request.path_params.values()))

        async def write(outcome: AuditOutcome) -> None:
            shows_nobody = permission in SHOWS_NOBODY and outcome == "allowed"
            idle = permission in _IF_SOMETHING_IS_SHOWN and outcome == "allowed" and not asked.subjects
            if not (shows_nobody or idle):
                entry = entry_of(
                    asked.principal,
                    permission,
                    way,
                    asked.now,
                    request=asked.request,
                    outcome=outcome,
                    subjects=asked.subjects,
                    why=asked.why,
                )
                await self._audit.write(entry)

        if not asked.principal.may(permission):
            await write("refused")
            raise NotAllowedError(permission)
        return await _answered(request, handle, write)

    async def _asked(self, request: Request) -> Asked:
        if "\0" in request.scope["path"] or b"%00" in request.scope["query_string"]:
            raise ProblemError(Problem.CANNOT_BE_USED, "the address: must be without the character NUL")
        try:
            in_use = request.query_params.get(BY_ITSELF) != "yes"
            principal = await self._identity.principal(request, in_use=in_use)
        except NotSignedInError as nobody:
            await self._rates.count_unknown(request.client.host if request.client else "")
            challenge = {"WWW-Authenticate": 'Bearer realm="homeward"'}
            raise ProblemError(Problem.NOT_SIGNED_IN, str(nobody) or None, headers=challenge) from None
        await self._rates.count(principal)
        headers = request.headers
        why = headers.get("homeward-reason") or getattr(request.state, "why", None)
        if why is not None and len(why) > LONGEST_REASON:
            raise ProblemError(
                Problem.CANNOT_BE_USED, f"Homeward-Reason: must have at most {LONGEST_REASON} characters"
            )
        asked = Asked(principal, self._clock(), request.state.request_id, why)
        request.state.asked = asked
        return asked


async def _answered(request: Request, handle: Handle, write: Callable[[AuditOutcome], Awaitable[None]]) -> Response:
    reading = request.method in _READING
    asked = asked_of(request)
    if not reading:
        await write("allowed")
    known = len(asked.subjects)
    try:
        response = await handle(request)
    except ProblemError as error:
        outcome = _REFUSALS.get(error.problem)
        if outcome or len(asked.subjects) > known:
            await write(outcome or "allowed")
        raise
    if reading:
        await write("allowed")
        return _tagged(request, response)
    if len(asked.subjects) > known:
        # What it was about besides was known only once it was done.
        await write("allowed")
    return response


def _tagged(request: Request, response: Response) -> Response:
    """Give an answer its tag; 304 when the asker has it already. Nothing is cached by anybody in between."""
    body = getattr(response, "body", None)
    if response.status_code != 200 or not isinstance(body, bytes):
        return response
    tag = f'"{sha256(body).hexdigest()[:32]}"'
    there = [one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")]
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    if tag in there:
        return Response(status_code=304, headers=headers)
    response.headers.update(headers)
    return response


def asked_router(what: str, *besides: Problem) -> APIRouter:
    """A router of the first version's routes about one thing; `besides` are problems of its own."""
    problems = (*_ANY_ROUTE, *besides)
    return APIRouter(prefix=PREFIX, route_class=AskedRoute, tags=[what], responses=documented(*problems))


class AskedRoute(APIRoute):
    """A route whose endpoint says which permission it needs, and which the gate lets in. Raises TypeError without."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **more: Any) -> None:
        permission = vars(endpoint).get("needed_permission")
        if not isinstance(permission, Permission):
            raise TypeError(f"the endpoint of {path} does not say which permission it needs")
        self.permission = permission
        if operation_id := more.get("operation_id"):
            more["summary"] = more.get("summary") or str(operation_id).replace("_", " ").capitalize()
        if "POST" in (more.get("methods") or ()):
            more["responses"] = {**documented(*_ANY_POST), **(more.get("responses") or {})}
        super().__init__(path, endpoint, **more)

    def get_route_handler(self) -> Handle:
        """What answers a request to this route."""
        handle = super().get_route_handler()

        async def through_the_gate(request: Request) -> Response:
            gate: Gate = request.app.state.gate
            return await gate.let_in(request, self.permission, handle)

        return through_the_gate
