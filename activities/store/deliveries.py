"""Delivering in the store: who holds a subscription, which event is next, and what became of it.

An event that was not taken waits to be tried again, and what comes after it
in its episode waits behind it; other episodes go on. So an episode's events
arrive in their order, and one that a receiver cannot take holds up no other
child's.
"""

from datetime import datetime

from pydantic import BaseModel, ConfigDict
from sqlalchemy import ColumnElement, delete, exists, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from activities.cloud_events import written
from activities.delivery_rules import Verdict
from activities.store.events import NumberedEvent, feed_of
from activities.store.statements import upsert
from activities.store.subscriptions import Subscription
from activities.store.tables import EventFeedTable, EventTable, SubscriptionTable, UndeliveredTable
from workflows.event_kinds import kinds_of

_AT_ONCE = 200
"""How many events are looked through at once for the next that is wanted."""


class Parcel(BaseModel):
    """An event to be sent: `body` is what is signed, `tries` were before. `fresh`: it does not wait yet."""

    model_config = ConfigDict(frozen=True)
    number: int
    event_id: str
    kind: str
    episode_id: str
    body: str
    tries: int = 0
    fresh: bool = True


class Delivery(BaseModel):
    """What to send, and to whom."""

    to: Subscription
    parcel: Parcel


async def with_something_due(session: AsyncSession, now: datetime) -> list[str]:
    """The ids of the subscriptions for which there is something to do by now (UTC), and which nobody holds."""
    behind = select(EventFeedTable.last).where(EventFeedTable.authority == SubscriptionTable.authority)
    due = exists().where(UndeliveredTable.subscription_id == SubscriptionTable.id, *_due(now))
    chosen = select(SubscriptionTable.id).where(
        SubscriptionTable.state == "active",
        SubscriptionTable.held_until.is_(None) | (SubscriptionTable.held_until <= now),
        SubscriptionTable.rest_until.is_(None) | (SubscriptionTable.rest_until <= now),
        (SubscriptionTable.position < behind.scalar_subquery()) | due,
    )
    return list((await session.scalars(chosen.order_by(SubscriptionTable.id))).all())


def _due(now: datetime) -> tuple[ColumnElement[bool], ...]:
    """That something waits, its time has come, and nothing of its episode waits before it."""
    before = aliased(UndeliveredTable)
    earlier = exists().where(
        before.subscription_id == UndeliveredTable.subscription_id,
        before.episode_id == UndeliveredTable.episode_id,
        before.state == "waiting",
        before.number < UndeliveredTable.number,
    )
    return (UndeliveredTable.state == "waiting", UndeliveredTable.next_at <= now, ~earlier)


async def take_hold(session: AsyncSession, id: str, who: str, now: datetime, until: datetime) -> bool:
    """Hold an active subscription until an instant, unless somebody else does now; whether it is held. UTC."""
    free = SubscriptionTable.held_until.is_(None) | (SubscriptionTable.held_until <= now)
    mine = update(SubscriptionTable).where(SubscriptionTable.id == id, SubscriptionTable.state == "active", free)
    held = mine.values(held_by=who, held_until=until).returning(SubscriptionTable.id)
    return (await session.execute(held)).first() is not None


async def let_go(session: AsyncSession, id: str, who: str) -> None:
    """Hold a subscription no longer."""
    mine = update(SubscriptionTable).where(SubscriptionTable.id == id, SubscriptionTable.held_by == who)
    await session.execute(mine.values(held_by=None, held_until=None))


async def next_delivery(session: AsyncSession, id: str, who: str, now: datetime, until: datetime) -> Delivery | None:
    """What a subscription is sent next, and hold it until an instant (UTC).

    None when there is nothing now, the receiver is rested, or `who` does not
    hold it any more.
    """
    row = await _held(session, id, who)
    if row is None or row.state != "active" or (row.rest_until and row.rest_until > now):
        return None
    row.held_until = until
    parcel = await _due_again(session, id, now) or await _fresh(session, row, now)
    return Delivery(to=Subscription.model_validate(row), parcel=parcel) if parcel else None


async def _held(session: AsyncSession, id: str, who: str) -> SubscriptionTable | None:
    mine = select(SubscriptionTable).where(SubscriptionTable.id == id, SubscriptionTable.held_by == who)
    return await session.scalar(mine.with_for_update())


async def _due_again(session: AsyncSession, id: str, now: datetime) -> Parcel | None:
    chosen = select(UndeliveredTable).where(UndeliveredTable.subscription_id == id, *_due(now))
    row = await session.scalar(chosen.order_by(UndeliveredTable.next_at, UndeliveredTable.number).limit(1))
    if row is None:
        return None
    about = {name: getattr(row, name) for name in ("number", "event_id", "kind", "episode_id", "tries")}
    return Parcel(**about, body=row.event, fresh=False)


async def _fresh(session: AsyncSession, row: SubscriptionTable, now: datetime) -> Parcel | None:
    """The next event of the feed that is wanted and need not wait behind another; the position goes up to it."""
    waits = (UndeliveredTable.subscription_id == row.id, UndeliveredTable.state == "waiting")
    held_up = set((await session.scalars(select(UndeliveredTable.episode_id).where(*waits).distinct())).all())
    feed = await feed_of(session, row.authority)
    row.position = max(row.position, feed.dropped)
    wanted = kinds_of(row.kinds)
    while row.position < feed.last:
        events = await _after(session, row, feed.last)
        row.position = row.position if events else feed.last
        for event in events:
            parcel = _parcel(event)
            if event.kind not in wanted:
                row.position = event.number
            elif event.episode_id in held_up:
                await _keep(session, row.id, parcel, Verdict("again", row.failures, next_at=now), now)
                row.position = event.number
            else:
                return parcel
    return None


async def _after(session: AsyncSession, row: SubscriptionTable, last: int) -> list[NumberedEvent]:
    mine = (EventTable.authority == row.authority, EventTable.number > row.position, EventTable.number <= last)
    rows = await session.scalars(select(EventTable).where(*mine).order_by(EventTable.number).limit(_AT_ONCE))
    return [NumberedEvent.model_validate(one) for one in rows.all()]


def _parcel(event: NumberedEvent) -> Parcel:
    return Parcel(
        number=event.number,
        event_id=event.id,
        kind=event.kind.value,
        episode_id=event.episode_id,
        body=written(event),
    )


async def write_down(
    session: AsyncSession, id: str, who: str, parcel: Parcel, verdict: Verdict, *, now: datetime
) -> bool:
    """Write down what became of an event, now (UTC); False, and nothing, when `who` does not hold it any more."""
    row = await _held(session, id, who)
    if row is None:
        return False
    row.failures, row.rest_until = verdict.failures, verdict.rest_until
    if verdict.what == "taken":
        mine = (UndeliveredTable.subscription_id == id, UndeliveredTable.number == parcel.number)
        await session.execute(delete(UndeliveredTable).where(*mine))
        row.last_taken_at, row.last_failure = now, None
    else:
        row.last_failure = verdict.reason
    if verdict.what == "gone" and row.state == "active":
        row.state = "gone"
    if verdict.what in ("again", "dead"):
        await _keep(session, id, parcel.model_copy(update={"tries": parcel.tries + 1}), verdict, now)
    if parcel.fresh and verdict.what in ("taken", "again", "dead"):
        row.position = max(row.position, parcel.number)
    return True


async def _keep(session: AsyncSession, id: str, parcel: Parcel, verdict: Verdict, now: datetime) -> None:
    dead = verdict.what == "dead"
    values = parcel.model_dump(exclude={"body", "fresh"}) | {"subscription_id": id, "event": parcel.body}
    values |= {"state": "dead" if dead else "waiting", "died_at": now if dead else None}
    await upsert(session, UndeliveredTable, values | {"next_at": verdict.next_at or now, "reason": verdict.reason})


async def count_dead(session: AsyncSession, authority: str) -> int:
    """How many of an authority's events are dead."""
    mine = (SubscriptionTable.authority == authority, UndeliveredTable.state == "dead")
    chosen = select(func.count()).select_from(UndeliveredTable).join(SubscriptionTable)
    return await session.scalar(chosen.where(*mine)) or 0
