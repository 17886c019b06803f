"""Making two records of one absence one, and with that giving its number to a child who was reported without."""

from typing import Any, Final, NamedTuple
from uuid import UUID

from fastapi import APIRouter, Response
from sqlalchemy.ext.asyncio import AsyncSession

from activities.store.child_records import EpisodeOfChild, child_of, episodes_of, unnumbered_episodes
from starter.access import Permission
from starter.api.asking import Asked, AskedBy, needs
from starter.api.parts import Parts
from starter.api.problems import ProblemError
from starter.api.v1.episodes import Merging
from starter.console.asking import PostedBy, console_router, go_to
from starter.console.episode.changing import REASON, read_to_decide, reason_of, take_page_refusal
from starter.console.episode.deeds import merged
from starter.console.episode.recording import back_to, other_absences
from starter.console.episode.shown import EpisodePage
from starter.console.forms import Mistakes, Posted
from starter.console.kin_words import absence_in_words
from starter.console.naming import children_called
from starter.console.pages import page
from starter.sight import hidden_among
from workflows.fact_kinds import FACTS, FactKind
from workflows.plain_errors import BadInputError
from workflows.vocabulary import STATUS_WORDS, EpisodeStatus

MOST_UNNUMBERED: Final = 20
"""As many records of children without a number are offered, the latest first."""

_NUMBER: Final = "number"
_INTO: Final = "into"


class Candidate(NamedTuple):
    """A record into which another can be merged, in words."""

    id: str
    words: str


def router_of(parts: Parts) -> APIRouter:
    """The page of merging."""
    router = console_router()

    @router.get("/episodes/{episode_id}/merge")
    @needs(Permission.RULE)
    async def ask(episode_id: UUID, asked: AskedBy) -> Response:
        """Into which other record this one could be merged."""
        return await _merge_page(parts, asked, await read_to_decide(parts, asked, episode_id), Mistakes(), Posted())

    @router.post("/episodes/{episode_id}/merge")
    @needs(Permission.RULE)
    async def merge(episode_id: UUID, asked: AskedBy, posted: PostedBy) -> Response:
        """Make two records of one absence one; or look up the records of the child's number."""
        shown, wrong = await read_to_decide(parts, asked, episode_id), Mistakes()
        if posted.one("go") == "find":
            if not posted.one(_NUMBER):
                wrong.add(_NUMBER, "Write the child's number")
            elif not await _of_number(parts, asked, shown, posted.one(_NUMBER)):
                wrong.add(_NUMBER, "There is no record of a child of this number that goes on and that you may see")
            return await _merge_page(parts, asked, shown, wrong, posted)
        there = {one.id for one in await _candidates(parts, asked, shown, posted.one(_NUMBER))}
        reason, into = reason_of(posted, wrong), posted.one(_INTO)
        if into not in there:
            wrong.add(_INTO, "Choose the absence that this one is the same as")
        if not wrong:
            try:
                await merged(parts, asked, shown, Merging(into=UUID(into), reason=reason))
                return go_to(back_to(asked, shown, posted))
            except BadInputError as error:
                wrong.take(BadInputError(str(error).removeprefix("--into: ")))
            except ProblemError as error:
                take_page_refusal(error, wrong)
        return await _merge_page(parts, asked, shown, wrong, posted)

    return router


async def _candidates(parts: Parts, asked: Asked, shown: EpisodePage, number: str) -> list[Candidate]:
    """The records that go on into which this one can be merged, as far as whoever asks may see them.

    Of a child whose number is known they are that child's; else those of the
    number that is written, and those of others without a number.
    """
    if shown.seen.child_id is not None:
        found = [one for one in await other_absences(parts, asked, shown) if one.goes_on]
        return [Candidate(one.id, _as_it_stands(one)) for one in found]
    return [*await _of_number(parts, asked, shown, number), *await _unnumbered(parts, asked, shown)]


async def _of_number(parts: Parts, asked: Asked, shown: EpisodePage, number: str) -> list[Candidate]:
    async with parts.store.snapshot() as session:
        child = await child_of(session, asked.authority, number) if number else None
        found = await episodes_of(session, asked.authority, child) if child else []
        seen = await _going_on_and_seen(session, asked, shown, found)
    return [Candidate(one.id, f"{number}. {_as_it_stands(one)}") for one in seen]


async def _unnumbered(parts: Parts, asked: Asked, shown: EpisodePage) -> list[Candidate]:
    async with parts.store.snapshot() as session:
        found = await unnumbered_episodes(session, asked.authority, MOST_UNNUMBERED + 1)
        seen = (await _going_on_and_seen(session, asked, shown, found))[:MOST_UNNUMBERED]
        called = await children_called(session, asked.authority, [one.id for one in seen])
    return [Candidate(one.id, f"{called[one.id]}. {_as_it_stands(one)}") for one in seen]


async def _going_on_and_seen(
    session: AsyncSession, asked: Asked, shown: EpisodePage, found: list[EpisodeOfChild]
) -> list[EpisodeOfChild]:
    others = [one for one in found if one.goes_on and one.id != shown.id]
    hidden = await hidden_among(session, asked.principal, [one.id for one in others], asked.now)
    return [one for one in others if one.id not in hidden]


def _as_it_stands(one: EpisodeOfChild) -> str:
    return f"{absence_in_words(one)}. {STATUS_WORDS[EpisodeStatus(one.status)]}"


async def _merge_page(parts: Parts, asked: Asked, shown: EpisodePage, wrong: Mistakes, posted: Posted) -> Response:
    others = await _candidates(parts, asked, shown, posted.one(_NUMBER))
    asked.saw(*(one.id for one in others))
    said: dict[str, Any] = {
        "others": others,
        "unnumbered": shown.seen.child_id is None,
        "number": posted.one(_NUMBER),
        "into": posted.one(_INTO),
        "reason": posted.one(REASON),
        "mistakes": wrong,
        "key": None,
        "words": FACTS[FactKind.MERGED].words,
    }
    return page(asked, "episode/merge.html.j2", "episodes", status=422 if wrong else 200, episode=shown, **said)
