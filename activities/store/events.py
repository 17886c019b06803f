"""The feed of events: written with what they tell of, numbered in the order of commits, read by cursor.

The numbers of an authority have no gap, and whoever has read up to one has
missed nothing: a number is given while everybody else who wants one waits, and
they wait until it can be read. So numbering is the last thing that a
transaction does.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import BigInteger, delete, func, insert, literal, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from activities.store.statements import insert_once, take_turns
from activities.store.tables import ClockTable, EpisodeTable, EventFeedTable, EventTable, SubscriptionTable, TaskTable
from workflows.clocks import Clock
from workflows.contracts import EpisodeChanges, TaskRow
from workflows.event_kinds import EpisodeData, EventKind
from workflows.events import Before, Event

_COLUMNS_OF_EPISODE = [EpisodeTable.__table__.c[name] for name in EpisodeData.model_fields if name != "was"]


class NumberedEvent(BaseModel):
    """An event in its authority's feed. `at` is UTC."""

    model_config = ConfigDict(frozen=True, from_attributes=True)
    authority: str
    number: int
    id: str
    kind: EventKind
    episode_id: str
    at: datetime
    data: dict[str, Any]


class EventPage(BaseModel):
    """Events after a cursor, and the cursor from which to read on. `more`: there are more of them already."""

    events: list[NumberedEvent]
    cursor: int
    more: bool


class CursorGone(BaseModel):
    """The feed cannot be read on from a cursor: what came after it was dropped, or it is none this feed has given.

    Who reads all episodes now, and goes on from `cursor`, misses nothing.
    """

    cursor: int
    dropped: int


class Feed(BaseModel):
    """How far a feed goes: the last number given, and the last one dropped for its age. 0: none."""

    model_config = ConfigDict(from_attributes=True)
    last: int = Field(default=0, description="the last number that was given")
    dropped: int = Field(default=0, description="the last number that was dropped for its age")


async def before_turn(session: AsyncSession, changes: EpisodeChanges) -> Before:
    """What the store holds of an episode, as far as a turn touches it; to be asked for before the turn is written."""
    episode_id = changes.episode.episode_id
    found = select(*_COLUMNS_OF_EPISODE).where(EpisodeTable.id == episode_id)
    row = (await session.execute(found)).mappings().one_or_none()
    if row is None:
        return Before()
    return Before(
        episode=EpisodeData.model_validate(dict(row)),
        clocks=await _clocks_before(session, changes),
        tasks=await _tasks_before(session, changes),
    )


async def _clocks_before(session: AsyncSession, changes: EpisodeChanges) -> dict[str, Clock]:
    touched = [*(clock.id for clock in changes.clocks), *changes.dropped_clocks]
    if not touched:
        return {}
    mine = (ClockTable.episode_id == changes.episode.episode_id, ClockTable.id.in_(touched))
    rows = await session.execute(select(ClockTable.id, ClockTable.body).where(*mine))
    return {id: Clock.model_validate(body) for id, body in rows.all()}


async def _tasks_before(session: AsyncSession, changes: EpisodeChanges) -> dict[str, TaskRow]:
    if not changes.tasks:
        return {}
    columns = [TaskTable.__table__.c[name] for name in TaskRow.model_fields]
    mine = TaskTable.key.in_([task.key for task in changes.tasks])
    rows = await session.execute(select(*columns).where(mine))
    return {row["key"]: TaskRow.model_validate(dict(row)) for row in rows.mappings()}


async def append_events(session: AsyncSession, authority: str, events: Sequence[Event]) -> None:
    """Add events to an authority's feed, but for those that are there: the last thing a transaction does."""
    if not events:
        return
    await take_turns(session, "events", [authority])
    ids = select(EventTable.id).where(EventTable.id.in_([event.id for event in events]))
    there = set((await session.scalars(ids)).all())
    new = [event for event in events if event.id not in there]
    if not new:
        return
    first = await _numbers(session, authority, len(new))
    rows = [{"authority": authority, "number": first + place, **event.model_dump()} for place, event in enumerate(new)]
    await session.execute(insert(EventTable), rows)


async def _numbers(session: AsyncSession, authority: str, count: int) -> int:
    """Take so many numbers; the first of them."""
    await insert_once(session, EventFeedTable, {"authority": authority, "last": 0, "dropped": 0})
    taken = update(EventFeedTable).where(EventFeedTable.authority == authority)
    taken = taken.values(last=EventFeedTable.last + count).returning(EventFeedTable.last)
    return (await session.execute(taken)).scalar_one() - count + 1


async def feed_of(session: AsyncSession, authority: str) -> Feed:
    """How far an authority's feed goes."""
    row = await session.get(EventFeedTable, authority, populate_existing=True)
    return Feed.model_validate(row) if row else Feed()


async def read_events(
    session: AsyncSession, authority: str, after: int, limit: int, kinds: Collection[str] = ()
) -> EventPage | CursorGone:
    """An authority's events after a cursor, at most `limit`, of these kinds, or of all when none is given.

    The cursor that is answered lies behind events of other kinds too.
    """
    # Asked for before the events: whatever has a number up to this one can be read by now.
    feed = await feed_of(session, authority)
    if not feed.dropped <= after <= feed.last:
        return CursorGone(cursor=feed.last, dropped=feed.dropped)
    chosen = select(EventTable).where(
        EventTable.authority == authority, EventTable.number > after, EventTable.number <= feed.last
    )
    if kinds:
        chosen = chosen.where(EventTable.kind.in_(kinds))
    rows = (await session.scalars(chosen.order_by(EventTable.number).limit(limit + 1))).all()
    events = [NumberedEvent.model_validate(row) for row in rows[:limit]]
    more = len(rows) > limit
    return EventPage(events=events, cursor=events[-1].number if more else feed.last, more=more)


async def last_events(session: AsyncSession, authority: str, most: int, kinds: Collection[str] = ()) -> EventPage:
    """An authority's latest events, at most so many, of these kinds or of all, oldest first."""
    feed = await feed_of(session, authority)
    chosen = select(EventTable).where(EventTable.authority == authority, EventTable.number <= feed.last)
    if kinds:
        chosen = chosen.where(EventTable.kind.in_(kinds))
    rows = (await session.scalars(chosen.order_by(EventTable.number.desc()).limit(most))).all()
    events = [NumberedEvent.model_validate(row) for row in reversed(rows)]
    return EventPage(events=events, cursor=feed.last, more=False)


async def episodes_told_of(session: AsyncSession, authority: str, after: int, up_to: int, limit: int) -> set[str]:
    """The episodes of which an authority's events after one number and up to another tell, at most so many."""
    chosen = select(EventTable.episode_id).distinct()
    chosen = chosen.where(EventTable.authority == authority, EventTable.number > after, EventTable.number <= up_to)
    return set((await session.scalars(chosen.limit(limit))).all())


async def drop_events(session: AsyncSession, authority: str, before: datetime) -> int:
    """Drop an authority's oldest events, those from before an instant (UTC); how many.

    The first event that is younger ends it, and so does the first that an
    active subscription has not dealt with.
    """
    await take_turns(session, "events", [authority])
    feed = await feed_of(session, authority)
    young = select(func.min(EventTable.number)).where(EventTable.authority == authority, EventTable.at >= before)
    active = (SubscriptionTable.authority == authority, SubscriptionTable.state == "active")
    waiting = select(func.min(SubscriptionTable.position)).where(*active)
    first_young, dealt_with = await session.scalar(young), await session.scalar(waiting)
    up_to = feed.last if first_young is None else first_young - 1
    up_to = up_to if dealt_with is None else min(up_to, dealt_with)
    if up_to <= feed.dropped:
        return 0
    mine = (EventTable.authority == authority, EventTable.number <= up_to)
    count = await session.scalar(select(func.count()).select_from(EventTable).where(*mine)) or 0
    await session.execute(delete(EventTable).where(*mine))
    dropped = update(EventFeedTable).where(EventFeedTable.authority == authority)
    await session.execute(dropped.values(dropped=literal(up_to, BigInteger())))
    return count
