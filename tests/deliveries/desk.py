"""A desk that delivers events to stand-ins, at a time of its own that tests move on by hand."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

from activities.delivery_rules import DeliveryRules
from activities.event_sender import EventSender
from activities.store import Store
from activities.store.events import append_events, feed_of
from activities.store.subscriptions import (
    Backlog,
    DeadLetter,
    Subscription,
    add_subscription,
    backlog_of,
    dead_letters,
    subscription_of,
)
from starter.deliveries import Deliveries
from tests.standins.http_server import Asked, Reply
from tests.standins.webhooks import SECRET, WebhookStandIn
from tests.store.rows import AT, AUTHORITY
from workflows.event_kinds import EventKind
from workflows.events import Event

RULES = DeliveryRules(attempt_seconds=5.0)


class Receiver(WebhookStandIn):
    """A receiver that cannot take some events, whatever it does: those of `cannot_take` it answers with that code."""

    def __init__(self) -> None:
        super().__init__()
        self.cannot_take: dict[str, int] = {}

    def answer(self, asked: Asked) -> Reply:
        code = self.cannot_take.get(asked.headers["webhook-id"])
        return Reply(code) if code else super().answer(asked)

    @property
    def ids(self) -> list[str]:
        """The ids of what was received, in order, repeats and all."""
        return [one.webhook_id for one in self.received]


class Desk:
    """One worker's deliveries, and the words of tests about them. `now` is its time (UTC)."""

    def __init__(self, store: Store, rules: DeliveryRules = RULES, now: datetime = AT) -> None:
        self.store = store
        self.rules = rules
        self.now = now
        self.deliveries = self.worker()

    def worker(self, sender: Any = None) -> Deliveries:
        """A worker's deliveries, at the desk's time."""
        sender = sender or EventSender(private=True, timeout=self.rules.attempt_seconds)
        return Deliveries(self.store, sender, self.rules, now=lambda: self.now, chance=lambda: 0.5)

    async def tell(self, *ids: str, episode: str = "e1", kind: EventKind = EventKind.FACT_RECORDED) -> None:
        """Add events of these ids to the feed."""
        events = [Event(id=id, kind=kind, episode_id=episode, at=self.now, data={"fact": id}) for id in ids]
        async with self.store.session() as session:
            await append_events(session, AUTHORITY, events)

    async def subscribe(self, to: WebhookStandIn, name: str = "case", kinds: tuple[str, ...] = ()) -> str:
        """Subscribe a receiver to what happens from now on; the subscription's id."""
        async with self.store.session() as session:
            position = (await feed_of(session, AUTHORITY)).last
            one = Subscription(
                id=f"id-of-{name}",
                authority=AUTHORITY,
                name=name,
                url=f"{to.url}/hooks",
                kinds=kinds,
                secret=SECRET,
                position=position,
                created_at=self.now,
            )
            assert await add_subscription(session, one)
        return one.id

    async def deliver(self, worker: Deliveries | None = None) -> None:
        """Deliver all that is due now."""
        await asyncio.gather(*await (worker or self.deliveries).begin_what_is_due())

    async def pass_time(self, ahead: timedelta, step: timedelta) -> None:
        """Deliver whatever falls due, looking again each `step`."""
        until = self.now + ahead
        while self.now < until:
            self.now += step
            await self.deliver()

    async def subscription(self, name: str = "case") -> Subscription:
        async with self.store.snapshot() as session:
            found = await subscription_of(session, AUTHORITY, name)
        assert found is not None
        return found

    async def backlog(self, name: str = "case") -> Backlog:
        one = await self.subscription(name)
        async with self.store.snapshot() as session:
            return await backlog_of(session, one)

    async def dead(self, name: str = "case") -> list[DeadLetter]:
        one = await self.subscription(name)
        async with self.store.snapshot() as session:
            return await dead_letters(session, [one.id])


@asynccontextmanager
async def opened(url: str) -> AsyncGenerator[Store]:
    """A store of its own connections."""
    store = Store(url)
    await store.upgrade()
    yield store
    await store.close()
