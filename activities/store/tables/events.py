"""The tables of the feed of events, and of the systems that are sent them."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from activities.store.tables.base import DOCUMENT, Table


class EventTable(Table):
    """What other systems are told of an episode; never changed. `number` is its place in its authority's feed."""

    __tablename__ = "event"
    __table_args__ = (UniqueConstraint("id"),)
    authority: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    id: Mapped[str]
    kind: Mapped[str]
    episode_id: Mapped[str]
    at: Mapped[datetime]
    data: Mapped[dict[str, Any]]


class EventFeedTable(Table):
    """How far an authority's feed goes: the last number given, and the last one whose event was dropped for age."""

    __tablename__ = "event_feed"
    authority: Mapped[str] = mapped_column(primary_key=True)
    last: Mapped[int] = mapped_column(BigInteger)
    dropped: Mapped[int] = mapped_column(BigInteger)


class SubscriptionTable(Table):
    """A system that is sent an authority's events. `position` is the number of the last event that was dealt with.

    `kinds` are the types it wants, all when empty. `state` is active, paused or
    gone (it answered so). It is rested until `rest_until` after `failures` in a
    row. Whoever delivers to it now is `held_by`, until `held_until` at the latest.
    """

    __tablename__ = "subscription"
    __table_args__ = (UniqueConstraint("authority", "name"),)
    id: Mapped[str] = mapped_column(primary_key=True)
    authority: Mapped[str]
    name: Mapped[str]
    url: Mapped[str]
    kinds: Mapped[list[str]] = mapped_column(DOCUMENT)
    secret: Mapped[str]
    old_secret: Mapped[str | None]
    old_secret_until: Mapped[datetime | None]
    state: Mapped[str]
    position: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime]
    failures: Mapped[int]
    rest_until: Mapped[datetime | None]
    held_by: Mapped[str | None]
    held_until: Mapped[datetime | None]
    last_taken_at: Mapped[datetime | None]
    last_failure: Mapped[str | None]


class UndeliveredTable(Table):
    """An event that a subscription has not taken yet: waiting to be tried (again), or dead after the last try.

    The event is kept as it is sent, because the feed may drop it meanwhile.
    """

    __tablename__ = "undelivered"
    __table_args__ = (Index(None, "subscription_id", "state"),)
    subscription_id: Mapped[str] = mapped_column(ForeignKey("subscription.id"), primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    event_id: Mapped[str]
    kind: Mapped[str]
    episode_id: Mapped[str]
    event: Mapped[str] = mapped_column(Text)
    state: Mapped[str]
    tries: Mapped[int]
    next_at: Mapped[datetime]
    reason: Mapped[str | None]
    died_at: Mapped[datetime | None]
