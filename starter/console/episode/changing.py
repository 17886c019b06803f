"""Decisions about what is recorded and owed: withdrawing, ruling on a clock, opening again."""

from typing import Any
from uuid import UUID, uuid4

from fastapi import APIRouter, Response

from starter.access import Permission, permission_to_record
from starter.api.asking import Asked, AskedBy, needs
from starter.api.parts import Parts
from starter.api.problems import Problem, ProblemError
from starter.api.v1.episodes import FactSaid, Reopening
from starter.console.asking import PostedBy, console_router, go_to, take_refusal
from starter.console.episode.deeds import recorded, reopened
from starter.console.episode.kinds import COMES_OF_IT, RULING_TITLES
from starter.console.episode.offering import may_be_ruled
from starter.console.episode.recording import back_to
from starter.console.episode.said import happened_in_words
from starter.console.episode.shown import EpisodePage, can_be_withdrawn, episode_page
from starter.console.fields import MOST_LETTERS
from starter.console.forms import Mistakes, Posted
from starter.console.pages import page
from workflows.fact_kinds import RULINGS, FactKind
from workflows.facts import Fact
from workflows.instants import parse_instant
from workflows.plain_errors import BadInputError

REASON = "reason"


def router_of(parts: Parts) -> APIRouter:
    """The pages of decisions."""
    router = console_router()
    _add_withdrawing(router, parts)
    _add_ruling(router, parts)
    _add_reopening(router, parts)
    return router


def _add_withdrawing(router: APIRouter, parts: Parts) -> None:
    @router.get("/episodes/{episode_id}/withdraw/{fact_id}")
    @needs(Permission.RECORD)
    async def ask(episode_id: UUID, fact_id: str, asked: AskedBy) -> Response:
        """What would be withdrawn, and why."""
        shown, fact = await _withdrawable(parts, asked, episode_id, fact_id)
        return _withdraw_page(asked, shown, fact, Mistakes(), "")

    @router.post("/episodes/{episode_id}/withdraw/{fact_id}")
    @needs(Permission.RECORD)
    async def withdraw(episode_id: UUID, fact_id: str, asked: AskedBy, posted: PostedBy) -> Response:
        """Withdraw it; it stays in the record, struck through."""
        shown, fact = await _withdrawable(parts, asked, episode_id, fact_id)
        wrong = Mistakes()
        reason = reason_of(posted, wrong)
        if not wrong:
            details = {"fact": fact.id, "reason": reason}
            # The form says when it was opened: sent twice, it is the same.
            try:
                said = FactSaid(kind=FactKind.WITHDRAWN, at=parse_instant(posted.one("at")), details=details)
                await recorded(parts, asked, shown, said)
                return go_to(back_to(asked, shown, posted))
            except ValueError:
                wrong.add("", "This must be sent from its own page")
            except ProblemError as error:
                take_page_refusal(error, wrong)
        return _withdraw_page(asked, shown, fact, wrong, reason, key=str(uuid4()))


async def _withdrawable(parts: Parts, asked: Asked, episode_id: UUID, fact_id: str) -> tuple[EpisodePage, Fact]:
    """An episode and something recorded of it that can still be withdrawn. Raises ProblemError."""
    asked.require(Permission.READ_EPISODES)
    shown = await episode_page(parts, asked, str(episode_id))
    fact = shown.fact(fact_id)
    if not can_be_withdrawn(shown, fact):
        raise ProblemError(Problem.NOT_FOUND)
    # Whoever may not decide it may not undo the decision either.
    asked.require(permission_to_record(fact.kind))
    return shown, fact


def _withdraw_page(
    asked: Asked, shown: EpisodePage, fact: Fact, wrong: Mistakes, reason: str, *, key: str | None = None
) -> Response:
    what = happened_in_words(fact.kind, fact.details)
    said = {"fact": fact, "what": what, "reason": reason, "mistakes": wrong, "key": key}
    status = 422 if wrong else 200
    return page(asked, "episode/withdraw.html.j2", "episodes", status=status, episode=shown, **said)


def reason_of(posted: Posted, wrong: Mistakes) -> str:
    """Why somebody decides so; what is wrong with it is noted."""
    reason = posted.one(REASON)
    if not reason:
        wrong.add(REASON, "Say why")
    elif len(reason) > MOST_LETTERS:
        wrong.add(REASON, f"The reason must have at most {MOST_LETTERS} characters")
    return reason


def take_page_refusal(error: ProblemError, wrong: Mistakes) -> None:
    """Note why an episode refuses; its line may name a field that these pages do not have."""
    take_refusal(error, wrong)
    wrong.keep_to((REASON,))


def _add_ruling(router: APIRouter, parts: Parts) -> None:
    @router.get("/episodes/{episode_id}/clocks/{clock}/ruling")
    @needs(Permission.RULE)
    async def choose(episode_id: UUID, clock: str, asked: AskedBy) -> Response:
        """What can be decided about something that is owed, and what comes of each."""
        asked.require(Permission.READ_EPISODES)
        shown = await episode_page(parts, asked, str(episode_id))
        found = next((one for one in shown.clocks if one.id == clock), None)
        if found is None:
            raise ProblemError(Problem.NOT_FOUND)
        rulings = [
            (RULING_TITLES[kind], COMES_OF_IT[kind], shown.way(kind, clock=clock).path)
            for kind in RULINGS
            if may_be_ruled(found.kind, found.state, kind)
        ]
        said: dict[str, Any] = {"clock": found, "rulings": rulings, "two": shown.pack.needs_two_people(clock)}
        return page(asked, "episode/ruling.html.j2", "episodes", episode=shown, **said)


def _add_reopening(router: APIRouter, parts: Parts) -> None:
    @router.get("/episodes/{episode_id}/reopen")
    @needs(Permission.RULE)
    async def ask(episode_id: UUID, asked: AskedBy) -> Response:
        """What comes of opening it again."""
        return _reopen_page(asked, await read_to_decide(parts, asked, episode_id), Mistakes(), "")

    @router.post("/episodes/{episode_id}/reopen")
    @needs(Permission.RULE)
    async def reopen(episode_id: UUID, asked: AskedBy, posted: PostedBy) -> Response:
        """Open a closed record again."""
        shown, wrong = await read_to_decide(parts, asked, episode_id), Mistakes()
        reason = reason_of(posted, wrong)
        if not wrong:
            try:
                await reopened(parts, asked, shown, Reopening(reason=reason))
                return go_to(back_to(asked, shown, posted))
            except BadInputError:
                wrong.add("", "This record is open already")
            except ProblemError as error:
                take_page_refusal(error, wrong)
        return _reopen_page(asked, shown, wrong, reason)


async def read_to_decide(parts: Parts, asked: Asked, episode_id: UUID) -> EpisodePage:
    """An episode about which somebody decides, who must be able to read it. Raises ProblemError."""
    asked.require(Permission.READ_EPISODES)
    return await episode_page(parts, asked, str(episode_id))


def _reopen_page(asked: Asked, shown: EpisodePage, wrong: Mistakes, reason: str) -> Response:
    said = {"reason": reason, "mistakes": wrong, "key": None}
    status = 422 if wrong else 200
    return page(asked, "episode/reopen.html.j2", "episodes", status=status, episode=shown, **said)
