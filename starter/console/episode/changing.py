"""Decisions about what is recorded and owed: withdrawing, ruling on a clock, opening again, merging."""

from typing import Any
from uuid import UUID, uuid4

from fastapi import APIRouter, Response

from activities.store.child_records import EpisodeOfChild
from starter.access import Permission, permission_to_record
from starter.api.asking import Asked, AskedBy, needs
from starter.api.parts import Parts
from starter.api.problems import Problem, ProblemError
from starter.api.v1.episodes import FactSaid, Merging, Reopening
from starter.console.asking import PostedBy, console_router, go_to, take_refusal
from starter.console.episode.deeds import merged, recorded, reopened
from starter.console.episode.kinds import COMES_OF_IT, RULING_TITLES
from starter.console.episode.offering import absence_in_words, may_be_ruled
from starter.console.episode.recording import back_to, other_absences
from starter.console.episode.said import happened_in_words
from starter.console.episode.shown import EpisodePage, can_be_withdrawn, episode_page
from starter.console.fields import MOST_LETTERS
from starter.console.forms import Mistakes, Posted
from starter.console.pages import page
from starter.console.spoken import STATUS_WORDS
from workflows.fact_kinds import FACTS, RULINGS, FactKind
from workflows.facts import Fact
from workflows.instants import parse_instant
from workflows.plain_errors import BadInputError
from workflows.vocabulary import EpisodeStatus

_REASON = "reason"


def router_of(parts: Parts) -> APIRouter:
    """The pages of decisions."""
    router = console_router()
    _add_withdrawing(router, parts)
    _add_ruling(router, parts)
    _add_reopening(router, parts)
    _add_merging(router, parts)
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
        reason = _reason(posted, wrong)
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
                _take_refusal(error, wrong)
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


def _reason(posted: Posted, wrong: Mistakes) -> str:
    reason = posted.one(_REASON)
    if not reason:
        wrong.add(_REASON, "Say why")
    elif len(reason) > MOST_LETTERS:
        wrong.add(_REASON, f"The reason must have at most {MOST_LETTERS} characters")
    return reason


def _take_refusal(error: ProblemError, wrong: Mistakes) -> None:
    """Note why an episode refuses; its line may name a field that these pages do not have."""
    take_refusal(error, wrong)
    wrong.keep_to((_REASON,))


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
        return _reopen_page(asked, await _read(parts, asked, episode_id), Mistakes(), "")

    @router.post("/episodes/{episode_id}/reopen")
    @needs(Permission.RULE)
    async def reopen(episode_id: UUID, asked: AskedBy, posted: PostedBy) -> Response:
        """Open a closed record again."""
        shown, wrong = await _read(parts, asked, episode_id), Mistakes()
        reason = _reason(posted, wrong)
        if not wrong:
            try:
                await reopened(parts, asked, shown, Reopening(reason=reason))
                return go_to(back_to(asked, shown, posted))
            except BadInputError:
                wrong.add("", "This record is open already")
            except ProblemError as error:
                _take_refusal(error, wrong)
        return _reopen_page(asked, shown, wrong, reason)


async def _read(parts: Parts, asked: Asked, episode_id: UUID) -> EpisodePage:
    asked.require(Permission.READ_EPISODES)
    return await episode_page(parts, asked, str(episode_id))


def _reopen_page(asked: Asked, shown: EpisodePage, wrong: Mistakes, reason: str) -> Response:
    said = {"reason": reason, "mistakes": wrong, "key": None}
    status = 422 if wrong else 200
    return page(asked, "episode/reopen.html.j2", "episodes", status=status, episode=shown, **said)


def _add_merging(router: APIRouter, parts: Parts) -> None:
    @router.get("/episodes/{episode_id}/merge")
    @needs(Permission.RULE)
    async def ask(episode_id: UUID, asked: AskedBy) -> Response:
        """Into which other absence of the child this one could be merged."""
        return await _merge_page(parts, asked, await _read(parts, asked, episode_id), Mistakes(), Posted())

    @router.post("/episodes/{episode_id}/merge")
    @needs(Permission.RULE)
    async def merge(episode_id: UUID, asked: AskedBy, posted: PostedBy) -> Response:
        """Make two records of one absence one."""
        shown, wrong = await _read(parts, asked, episode_id), Mistakes()
        there = {one.id for one in await _going_on(parts, asked, shown)}
        reason, into = _reason(posted, wrong), posted.one("into")
        if into not in there:
            wrong.add("into", "Choose the absence that this one is the same as")
        if not wrong:
            try:
                await merged(parts, asked, shown, Merging(into=UUID(into), reason=reason))
                return go_to(back_to(asked, shown, posted))
            except BadInputError as error:
                wrong.take(BadInputError(str(error).removeprefix("--into: ")))
            except ProblemError as error:
                _take_refusal(error, wrong)
        return await _merge_page(parts, asked, shown, wrong, posted)


async def _going_on(parts: Parts, asked: Asked, shown: EpisodePage) -> list[EpisodeOfChild]:
    """The child's other absences into whose records this one can be merged."""
    return [one for one in await other_absences(parts, asked, shown) if one.goes_on]


def _as_it_stands(one: EpisodeOfChild) -> str:
    return f"{absence_in_words(one)}. {STATUS_WORDS[EpisodeStatus(one.status)]}"


async def _merge_page(parts: Parts, asked: Asked, shown: EpisodePage, wrong: Mistakes, posted: Posted) -> Response:
    others = [(one.id, _as_it_stands(one)) for one in await _going_on(parts, asked, shown)]
    asked.saw(*(id for id, _ in others))
    said = {"others": others, "into": posted.one("into"), "reason": posted.one(_REASON), "mistakes": wrong}
    said |= {"key": None, "words": FACTS[FactKind.MERGED].words}
    status = 422 if wrong else 200
    return page(asked, "episode/merge.html.j2", "episodes", status=status, episode=shown, **said)
