"""The pages on which people read an episode: how it stands, what is owed, what happened, who was told."""

from collections.abc import Iterator
from functools import partial
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict

from starter.access import Permission
from starter.api.asking import Asked, AskedBy, needs
from starter.api.parts import Parts
from starter.api.v1.glass import GlassBroken
from starter.console.asking import console_router
from starter.console.episode.deeds import as_done, done_under
from starter.console.episode.kinds import may_record
from starter.console.episode.line_words import line_in_words
from starter.console.episode.said import details_in_words
from starter.console.episode.shown import EpisodePage, can_be_replaced, can_be_withdrawn, episode_page
from starter.console.kin_words import Piece, pieces_of
from starter.console.pages import drawn_in_page, page
from starter.picture import draw_timeline
from starter.who_knew import WAY_WORDS, PostEvent, who_knew
from workflows.contracts import TimelineEntry
from workflows.facts import Fact, Known
from workflows.instants import Instant
from workflows.vocabulary import ClockKind, beginning_a_line

Wanted = Literal["all", "happened", "owed", "told"]

WANTED: Final[dict[Wanted, str]] = {
    "all": "Everything",
    "happened": "What happened",
    "owed": "What is owed",
    "told": "Who was told",
}
"""What a timeline can be narrowed down to, in words."""

_OF: Final[dict[str, Wanted]] = {
    **dict.fromkeys(("fact", "refused", "status", "rules", "earlier_episode"), "happened"),
    **dict.fromkeys(("state", "passed_over"), "owed"),
    **dict.fromkeys(("told", "post"), "told"),
}


class Line(BaseModel):
    """A line of the timeline. Instants are UTC; `fact` is there where it says that something was recorded.

    `pieces` are its text, with where the child's other absences are named in it.
    """

    model_config = ConfigDict(frozen=True)
    at: Instant
    recorded_at: Instant
    text: str
    pieces: tuple[Piece, ...]
    of: Wanted
    fact: Fact | None = None
    stands: bool = True
    replaceable: bool = False
    withdrawable: bool = False


def router_of(parts: Parts) -> APIRouter:
    """The pages of reading an episode."""
    router = console_router()
    _add_front(router, parts)
    _add_more(router, parts)
    return router


def _add_front(router: APIRouter, parts: Parts) -> None:
    @router.get("/episodes/{episode_id}")
    @needs(Permission.READ_EPISODES)
    async def front(episode_id: UUID, asked: AskedBy, done: UUID | None = None) -> Response:
        """How it stands and what is owed now."""
        shown = await episode_page(parts, asked, str(episode_id))
        answer = await done_under(parts, asked, done)
        glass = GlassBroken.model_validate(answer) if answer and "broken" in answer else None
        return _page(asked, shown, "front", owed=shown.owed(), done=as_done(answer), glass=glass)

    @router.get("/episodes/{episode_id}/clocks")
    @needs(Permission.READ_EPISODES)
    async def clocks(episode_id: UUID, asked: AskedBy) -> Response:
        """What is owed, what was done, and what has not begun, each with why."""
        shown = await episode_page(parts, asked, str(episode_id))
        return _page(asked, shown, "clocks", owed=shown.owed())


def _add_more(router: APIRouter, parts: Parts) -> None:
    @router.get("/episodes/{episode_id}/timeline")
    @needs(Permission.READ_EPISODES)
    async def timeline(
        episode_id: UUID, asked: AskedBy, show: Annotated[Wanted, Query(description="which lines")] = "all"
    ) -> Response:
        """What happened, as a picture and as a table."""
        shown = await episode_page(parts, asked, str(episode_id))
        lines = [one for one in lines_of(shown) if show in ("all", one.of)]
        return _page(
            asked,
            shown,
            "timeline",
            picture=picture_of(shown) if show == "all" else "",
            lines=lines,
            show=show,
            wanted=WANTED,
            details_in_words=partial(details_in_words, names=shown.names),
        )

    @router.get("/episodes/{episode_id}/told")
    @needs(Permission.READ_EPISODES)
    async def told(episode_id: UUID, asked: AskedBy) -> Response:
        """Who was told what, when, and whether they answered."""
        shown = await episode_page(parts, asked, str(episode_id))
        return _page(
            asked, shown, "told", rows=who_knew(shown.shown.view) if shown.shown.view else [], way_words=WAY_WORDS
        )


def _page(asked: Asked, shown: EpisodePage, name: str, **more: Any) -> Response:
    said: dict[str, Any] = {"episode": shown, "part": name, "fires": ClockKind.FIRE_AT, "may_record": may_record}
    return page(asked, f"episode/{name}.html.j2", "episodes", **said, **more)


def picture_of(shown: EpisodePage) -> str:
    """The timeline as SVG that can stand in a page; empty while there is nothing to draw."""
    if shown.shown.view is None:
        return ""
    named = Known([shown.named(fact) for fact in shown.known.facts], shown.now)
    return drawn_in_page(draw_timeline(shown.clocks, named, f"Child {shown.child_called}"))


def lines_of(shown: EpisodePage) -> Iterator[Line]:
    """The timeline, in the order in which it became known."""
    facts = {one.id: one for one in shown.shown.view.facts} if shown.shown.view else {}
    for line in shown.shown.timeline():
        yield _line(shown, line, facts.get(line.fact_id or "") if isinstance(line, TimelineEntry) else None)


def _line(shown: EpisodePage, line: TimelineEntry | PostEvent, fact: Fact | None) -> Line:
    mine = fact if line.kind == "fact" else None
    of_kin = line.kind == "earlier_episode"
    text = line.text if of_kin else line_in_words(shown, line, mine)
    pieces = pieces_of(beginning_a_line(text), shown.others if of_kin else {})
    return Line(
        at=line.at,
        recorded_at=line.recorded_at,
        text="".join(one.text for one in pieces),
        pieces=pieces,
        of=_OF[line.kind],
        fact=mine,
        stands=mine is None or shown.in_force(mine),
        replaceable=mine is not None and can_be_replaced(shown, mine),
        withdrawable=mine is not None and can_be_withdrawn(shown, mine),
    )
