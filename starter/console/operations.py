"""Operations: what stands still and why, what helps, and how Homeward itself stands. No child is named here."""

from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Response

from activities.health.findings import KINDS, Deed, StuckKind
from activities.store import subscriptions
from activities.store.answered import Answered, answered
from starter.access import Permission
from starter.api.asking import LONGEST_REASON, Asked, AskedBy, needs
from starter.api.parts import Parts
from starter.api.problems import Problem, ProblemError
from starter.api.v1.stuck import Doing, StandstillShown, StuckShown, do_deed, look_around, may_do
from starter.batches import BatchDone, summed_up
from starter.client import EngineSilentError
from starter.console.asking import PostedBy, console_router, go_to
from starter.console.forms import REASON, Mistakes, Posted
from starter.console.navigation import OPERATIONS
from starter.console.pages import page
from starter.operating import DONE_HERE, EVERYTHING
from workflows.names import ROLES_UNHELD
from workflows.plain_errors import BadInputError

_AWAY: Final = "The engine does not answer, so nothing was done. Try again when it does."


@dataclass(frozen=True)
class DeedWords:
    """How a deed is asked for, and what it does."""

    asks: str
    does: str


DEEDS: Final = {
    Deed.RETRY_NOW: DeedWords(
        "Try it now",
        "What failed is tried at once instead of when its turn comes. Nothing is done twice: what a provider has taken "
        "is not sent again.",
    ),
    Deed.RESEND: DeedWords(
        "Send it again",
        "Every way out to that person is tried again, but for what a provider has taken already.",
    ),
    Deed.RECONCILE: DeedWords(
        "Compare it with the engine",
        "The records and the engine are compared. What can be mended is mended; what cannot is said.",
    ),
    Deed.RESET: DeedWords(
        "Begin it anew from its records",
        "The workflow that fails is ended in the engine, and another begins with the report, the facts and all that "
        "the records hold. What was told is not told again. First try the version of the workers that ran before.",
    ),
    Deed.PUT_TO_ENGINE: DeedWords(
        "Put it to the engine now",
        "The engine is asked at once, under the same ids. What it has taken already is not taken twice.",
    ),
    Deed.PAUSE_WEBHOOK: DeedWords("Pause it", "It is sent nothing until it is resumed. Events wait for it."),
    Deed.RESUME_WEBHOOK: DeedWords("Resume it", "It is sent events again, from where it stood."),
    Deed.RESEND_EVENTS: DeedWords("Send its events again", "What it did not take by the last try is tried again."),
}

_TOUCHES: Final = {
    "children": ("red", "Children's clocks"),
    "people": ("orange", "People"),
    "systems": ("blue", "Other systems"),
}

_STANDING_WORDS: Final = {
    "database": "Database",
    "engine": "Engine",
    "agreement": "Records and engine",
    "inbox": "Said, not yet applied",
    "messages": "Messages",
    "webhooks": "Webhooks",
    "policies": "Policies and calendar",
    "open episodes": "Open episodes",
}

_ABOUT_WORDS: Final = {
    "episode": "Episode",
    "message": "Message",
    "postbox": "Postbox",
    "schedule": "Scheduled work",
    "said": "Said under the id",
    "webhook": "Webhook",
    "queue": "Queue",
    "worker": "Worker",
    "thing": "About",
    "engine": "",
}


_LONGEST_SUBJECT: Final = 100

_WORDS: Final[dict[str, Any]] = {
    "kinds": KINDS,
    "touches": _TOUCHES,
    "deeds": DEEDS,
    "about_words": _ABOUT_WORDS,
    "standing_words": _STANDING_WORDS,
    "everything": EVERYTHING,
    "unheld": ROLES_UNHELD,
}


@dataclass(frozen=True)
class Group:
    """What stands still in one way, and how many more there are than are listed."""

    kind: StuckKind
    items: list[StuckShown]
    more: int


Subject = Annotated[str, Query(max_length=100)]


def router_of(parts: Parts) -> APIRouter:
    """The pages of operations."""
    router = console_router()

    @router.get(OPERATIONS.path)
    @needs(Permission.OPERATE)
    async def index(asked: AskedBy, done: Annotated[str, Query(max_length=36)] = "") -> Response:
        """What stands still, the worst first; how Homeward itself stands."""
        stands = await look_around(parts, asked)
        async with parts.store.snapshot() as session:
            answer = await answered(session, asked.authority, asked.principal.id, done) if done else None
            webhooks = [
                (one, await subscriptions.backlog_of(session, one))
                for one in await subscriptions.subscriptions_of(session, asked.authority)
            ]
        groups = [_group(kind, stands) for kind in StuckKind]
        return page(
            asked,
            "operations.html.j2",
            OPERATIONS.id,
            said=_said_of(answer),
            stands=stands,
            groups=[one for one in groups if one.items],
            for_many={one.kind: _for_many(one) for one in groups},
            webhooks=webhooks,
            sees_episodes=asked.principal.may(Permission.READ_EPISODES),
            manages_webhooks=asked.principal.may(Permission.MANAGE_WEBHOOKS),
            **_WORDS,
        )

    @router.get(f"{OPERATIONS.path}/{{deed}}")
    @needs(Permission.OPERATE)
    async def ask(deed: Deed, asked: AskedBy, subject: Subject = "") -> Response:
        """What a deed does, and why it is to be done."""
        return _deed_page(asked, deed, subject)

    @router.post(f"{OPERATIONS.path}/{{deed}}")
    @needs(Permission.OPERATE)
    async def do(deed: Deed, asked: AskedBy, posted: PostedBy) -> Response:
        """Do it. Why goes into the audit."""
        mistakes = Mistakes()
        try:
            await do_deed(parts, asked, _read(deed, posted))
        except EngineSilentError:
            mistakes.add("", _AWAY)
        except BadInputError as error:
            mistakes.take(error)
        except ProblemError as error:
            if error.problem is not Problem.KEY_REUSED:
                raise
            mistakes.add("", error.detail)
        else:
            return go_to(f"{OPERATIONS.path}?done={asked.request}")
        return _deed_page(asked, deed, posted.one("subject"), mistakes, posted)

    return router


def _group(kind: StuckKind, stands: StandstillShown) -> Group:
    return Group(kind, [one for one in stands.stuck if one.kind is kind], stands.more.get(kind, 0))


def read_why(posted: Posted) -> None:
    """Raise BadInputError unless a form says why, in as many words as the audit keeps."""
    why = posted.one(REASON)
    if not why:
        raise BadInputError(f"{REASON}: say why; it goes into the audit")
    if len(why) > LONGEST_REASON:
        raise BadInputError(f"{REASON}: say it in at most {LONGEST_REASON} characters")


def _said_of(answer: Answered | None) -> str | None:
    """What came of the deed that was done last, for one or for all of a kind."""
    if answer is None or "lines" not in answer.body:
        return answer.body.get("says") if answer else None
    done = BatchDone.model_validate(answer.body)
    return " ".join((summed_up(done.lines), *(f"{one.subject}: {one.says}." for one in done.lines if not one.done)))


def _for_many(group: Group) -> list[Deed]:
    """The deeds that are offered for all of a group at once. What was said has a deed of its own for all that waits."""
    if len(group.items) < 2 or group.kind is StuckKind.SAID_NOT_APPLIED:
        return []
    return [deed for deed in KINDS[group.kind].deeds if deed in DEEDS and any(deed in one.deeds for one in group.items)]


def _read(deed: Deed, posted: Posted) -> Doing:
    read_why(posted)
    return Doing(deed=deed, subject=posted.one("subject")[:_LONGEST_SUBJECT])


def _deed_page(
    asked: Asked, deed: Deed, subject: str, mistakes: Mistakes | None = None, posted: Posted | None = None
) -> Response:
    if deed not in DONE_HERE or not subject:
        raise ProblemError(Problem.NOT_FOUND)
    if not may_do(asked, deed):
        raise ProblemError(Problem.NOT_ALLOWED)
    return page(
        asked,
        "operations_deed.html.j2",
        OPERATIONS.id,
        status=422 if mistakes else 200,
        deed=deed,
        words=DEEDS[deed],
        subject=subject,
        mistakes=mistakes or Mistakes(),
        posted=posted or Posted(),
        most=LONGEST_REASON,
        everything=EVERYTHING,
    )
