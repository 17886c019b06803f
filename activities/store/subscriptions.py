"""Subscriptions in the store: which systems are sent an authority's events, and what of them is dead.

A subscription of another authority behaves as one that is not there.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from activities.store.events import feed_of
from activities.store.statements import insert_once
from activities.store.tables import SubscriptionTable, UndeliveredTable

SubscriptionState = Literal["active", "paused", "gone"]


class Subscription(BaseModel):
    """A system that is sent events. Instants are UTC. The secrets are never shown."""

    model_config = ConfigDict(from_attributes=True)
    id: str
    authority: str
    name: str
    url: str = Field(repr=False)
    kinds: tuple[str, ...]
    secret: str = Field(repr=False, exclude=True)
    old_secret: str | None = Field(default=None, repr=False, exclude=True)
    old_secret_until: datetime | None = None
    state: SubscriptionState = "active"
    position: int
    created_at: datetime
    failures: int = 0
    rest_until: datetime | None = None
    last_taken_at: datetime | None = None
    last_failure: str | None = None

    def secrets_at(self, now: datetime) -> tuple[str, ...]:
        """The secrets that events are signed with at an instant (UTC), the newest first."""
        old = self.old_secret if self.old_secret_until and now < self.old_secret_until else None
        return (self.secret, old) if old else (self.secret,)


class Backlog(BaseModel):
    """What a subscription has not taken: events not tried yet, those being tried again, and those that are dead."""

    behind: int
    waiting: int
    dead: int


class DeadLetter(BaseModel):
    """An event that a subscription did not take by the last try, and why. Instants are UTC."""

    model_config = ConfigDict(from_attributes=True)
    subscription_id: str
    number: int
    event_id: str
    kind: str
    episode_id: str
    tries: int
    reason: str | None
    died_at: datetime | None


async def add_subscription(session: AsyncSession, subscription: Subscription) -> bool:
    """Add a subscription; False when the authority has one of that name."""
    about = {"secret": subscription.secret, "kinds": list(subscription.kinds)}
    return await insert_once(session, SubscriptionTable, subscription.model_dump() | about)


async def subscription_of(session: AsyncSession, authority: str, name: str) -> Subscription | None:
    """The authority's subscription of that name or id, or None."""
    mine = (SubscriptionTable.authority == authority, (SubscriptionTable.name == name) | (SubscriptionTable.id == name))
    # A name comes before an id that happens to be the same.
    chosen = select(SubscriptionTable).where(*mine).order_by(SubscriptionTable.name != name).limit(1)
    row = await session.scalar(chosen.execution_options(populate_existing=True))
    return Subscription.model_validate(row) if row else None


async def subscriptions_of(session: AsyncSession, authority: str) -> list[Subscription]:
    """The authority's subscriptions, by name."""
    chosen = select(SubscriptionTable).where(SubscriptionTable.authority == authority).order_by(SubscriptionTable.name)
    return [Subscription.model_validate(row) for row in (await session.scalars(chosen)).all()]


async def backlog_of(session: AsyncSession, subscription: Subscription) -> Backlog:
    """What a subscription has not taken. Events of kinds it does not want count as `behind` until they are passed."""
    feed = await feed_of(session, subscription.authority)
    chosen = select(UndeliveredTable.state, func.count()).where(UndeliveredTable.subscription_id == subscription.id)
    rows = await session.execute(chosen.group_by(UndeliveredTable.state))
    counts = {str(row[0]): int(row[1]) for row in rows.all()}
    behind = max(feed.last - subscription.position, 0)
    return Backlog(behind=behind, waiting=counts.get("waiting", 0), dead=counts.get("dead", 0))


async def change_subscription(session: AsyncSession, id: str, **values: Any) -> None:
    """Bring columns of a subscription to these values."""
    await session.execute(update(SubscriptionTable).where(SubscriptionTable.id == id).values(**values))


async def resume_subscription(session: AsyncSession, subscription: Subscription) -> int:
    """Have a subscription be sent events again, from where it stood; how many were dropped for age meanwhile."""
    feed = await feed_of(session, subscription.authority)
    missed = max(feed.dropped - subscription.position, 0)
    again: dict[str, Any] = {"state": "active", "failures": 0, "rest_until": None, "last_failure": None}
    await change_subscription(session, subscription.id, **again, position=subscription.position + missed)
    return missed


async def rotate_secret(
    session: AsyncSession, subscription: Subscription, secret: str, now: datetime, overlap: timedelta
) -> datetime:
    """Sign with a new secret, and with the one before too for a time; until when (UTC)."""
    until = now + overlap
    values = {"secret": secret, "old_secret": subscription.secret, "old_secret_until": until}
    await change_subscription(session, subscription.id, **values)
    return until


async def remove_subscription(session: AsyncSession, id: str) -> None:
    """Remove a subscription, and what it has not taken."""
    await session.execute(select(SubscriptionTable.id).where(SubscriptionTable.id == id).with_for_update())
    await session.execute(delete(UndeliveredTable).where(UndeliveredTable.subscription_id == id))
    await session.execute(delete(SubscriptionTable).where(SubscriptionTable.id == id))


async def dead_letters(
    session: AsyncSession, subscriptions: Sequence[str], after: int = 0, limit: int | None = None
) -> list[DeadLetter]:
    """The dead letters of subscriptions (by their ids) behind a number of the feed, in the feed's order."""
    mine = (UndeliveredTable.subscription_id.in_(subscriptions), UndeliveredTable.state == "dead")
    chosen = select(UndeliveredTable).where(*mine, UndeliveredTable.number > after)
    rows = await session.scalars(
        chosen.order_by(UndeliveredTable.number, UndeliveredTable.subscription_id).limit(limit)
    )
    return [DeadLetter.model_validate(row) for row in rows.all()]


async def resend(session: AsyncSession, id: str, now: datetime, event_id: str | None = None) -> int:
    """Try a subscription's dead letter again from now on (UTC), or all of them; how many."""
    mine = (UndeliveredTable.subscription_id == id, UndeliveredTable.state == "dead")
    chosen = update(UndeliveredTable).where(*mine)
    if event_id is not None:
        chosen = chosen.where(UndeliveredTable.event_id == event_id)
    again = chosen.values(state="waiting", tries=0, next_at=now, died_at=None).returning(UndeliveredTable.number)
    return len((await session.execute(again)).all())
