"""The feed of events: what happened, for a system that mirrors episodes, read by cursor."""

import asyncio
from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from activities.cloud_events import as_object
from activities.store.events import CursorGone, EventPage, Feed, feed_of, read_events
from starter.access import Permission
from starter.api.asking import Asked, AskedBy, asked_router, needs
from starter.api.paging import Limit
from starter.api.parts import Parts
from starter.api.problems import Problem, ProblemError
from starter.kin_sight import events_for
from starter.webhooks import checked_kinds
from workflows.event_kinds import kinds_of

LONGEST_WAIT_SECONDS: Final = 25
MOST_WAITING: Final = 20
"""As many requests may wait for events at once; whoever comes then is answered at once."""

_LOOK_AGAIN_SECONDS: Final = 1.0

Kinds = Annotated[
    list[str],
    Query(alias="type", max_length=60, description="only these types, or families of them such as homeward.task"),
]


class EventShown(BaseModel):
    """An event: a CloudEvent 1.0. `sequence` is its number in the feed, a cursor too."""

    specversion: str = Field(description="the version of CloudEvents")
    id: str = Field(description="the event's id: the same event again has the same")
    source: str = Field(description="which authority's Homeward it comes from")
    type: str = Field(description="what happened, such as `homeward.episode.returned`")
    subject: str = Field(description="the episode's id")
    time: datetime = Field(description="when it happened")
    datacontenttype: str = Field(description="the form of `data`")
    sequence: str = Field(description="its number in the feed, a cursor too")
    data: dict[str, Any] = Field(description="what happened, by the type: docs/events.md")


class EventsShown(BaseModel):
    """Events after a cursor. `cursor` is where to read on from; `more`: there are more of them already."""

    events: list[EventShown] = Field(description="the events, oldest first")
    cursor: int = Field(description="where to read on from: the `after` of the next request")
    more: bool = Field(description="whether there are more of them already")


class _Waiters:
    """How many requests wait for events now."""

    def __init__(self) -> None:
        self.now = 0


def router_of(parts: Parts) -> APIRouter:
    """The routes of the feed."""
    router, waiters = asked_router("events", Problem.CURSOR_GONE), _Waiters()

    async def read(asked: Asked, after: int, limit: int, kinds: list[str]) -> EventPage:
        wanted = kinds_of(checked_kinds(kinds)) if kinds else ()
        async with parts.store.snapshot() as session:
            page = await read_events(session, asked.authority, after, limit, wanted)
            if isinstance(page, CursorGone):
                raise _gone(page)
            return await events_for(session, asked.principal, page, asked.now)

    @router.get("/events", operation_id="read_events")
    @needs(Permission.READ_EVENTS)
    async def events(
        asked: AskedBy,
        kinds: Kinds = [],  # noqa: B006 - never changed
        after: Annotated[int, Query(ge=0, le=2**62, description="the cursor: events with higher numbers")] = 0,
        limit: Limit = 100,
        wait: Annotated[
            int, Query(ge=0, le=LONGEST_WAIT_SECONDS, description="for how many seconds to wait when there is none")
        ] = 0,
    ) -> EventsShown:
        """Events after a cursor, oldest first. Who reads on from each answer's `cursor` misses none."""
        page = await read(asked, after, limit, kinds)
        if not page.events and wait and waiters.now < MOST_WAITING:
            waiters.now += 1
            try:
                for _ in range(round(wait / _LOOK_AGAIN_SECONDS)):
                    await asyncio.sleep(_LOOK_AGAIN_SECONDS)
                    page = await read(asked, page.cursor, limit, kinds)
                    if page.events:
                        break
            finally:
                waiters.now -= 1
        asked.saw(*{event.episode_id for event in page.events})
        shown = [EventShown.model_validate(as_object(event)) for event in page.events]
        return EventsShown(events=shown, cursor=page.cursor, more=page.more)

    @router.get("/feed", operation_id="show_feed")
    @needs(Permission.READ_EVENTS)
    async def feed(asked: AskedBy) -> Feed:
        """How far the feed goes. Begin a mirror with this, read every episode, and read events on from `last`."""
        async with parts.store.snapshot() as session:
            return await feed_of(session, asked.authority)

    return router


def _gone(page: CursorGone) -> ProblemError:
    said = (
        f"after: the feed holds what came after {page.dropped}, and ends at {page.cursor}: "
        f"read the episodes anew, and go on after {page.cursor}"
    )
    return ProblemError(Problem.CURSOR_GONE, said, headers={"Homeward-Cursor": str(page.cursor)})
