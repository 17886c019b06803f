"""Delivering events: each subscription by one worker at a time, all of them side by side, for as long as it runs.

It asks the database, and not the engine: events go out while that is away. An
event is sent and then written down; a worker that dies in between has another
send it again, under the same id, when its hold has run out.
"""

import asyncio
import logging
import random
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final
from uuid import uuid4

from activities.delivery_rules import DeliveryRules, judge
from activities.event_sender import EventSender
from activities.store import Store, StoreUnavailableError, deliveries
from activities.store.deliveries import Delivery

LONGEST_PAUSE_SECONDS: Final = 10.0

log = logging.getLogger("homeward.deliveries")


def _present() -> datetime:
    return datetime.now(UTC)


class Deliveries:
    """Runs beside a worker, for as long as it runs. `now` gives the present (UTC), `chance` numbers from 0 to 1."""

    def __init__(
        self,
        store: Store,
        sender: EventSender,
        rules: DeliveryRules,
        *,
        now: Callable[[], datetime] = _present,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._store = store
        self._sender = sender
        self._rules = rules
        self._now = now
        self._chance = chance
        self._me = str(uuid4())
        self._stop = asyncio.Event()
        self._running: dict[str, asyncio.Task[None]] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Deliver until told to stop, and then finish what was begun, which an attempt's time limits.

        A store that is away is waited out, ever longer up to a limit.
        """
        self._stop, pause = stop, self._rules.poll_seconds
        while not stop.is_set():
            try:
                await self.begin_what_is_due()
                pause = self._rules.poll_seconds
            except StoreUnavailableError as trouble:
                log.warning("events wait: %s", trouble)
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), pause)
        await asyncio.gather(*self._running.values())

    async def begin_what_is_due(self) -> list[asyncio.Task[None]]:
        """Begin to deliver to every subscription that has something due and is not being delivered to. What runs now.

        Raises StoreUnavailableError.
        """
        async with self._store.session() as session:
            due = await deliveries.with_something_due(session, self._now())
        self._running = {id: task for id, task in self._running.items() if not task.done()}
        for id in due:
            if id not in self._running:
                self._running[id] = asyncio.create_task(self._deliver_safely(id))
        return list(self._running.values())

    async def _deliver_safely(self, id: str) -> None:
        try:
            await self.deliver_to(id)
        except StoreUnavailableError as trouble:
            log.warning("events of a subscription wait: %s", trouble)
        except Exception as error:  # noqa: BLE001 - one subscription's trouble must not end the others'
            log.error("delivering to subscription %s failed: %s", id, type(error).__name__)  # noqa: TRY400 - its words may hold a URL

    async def deliver_to(self, id: str) -> None:
        """Send a subscription, in order, what is due for it, until nothing is. Raises StoreUnavailableError."""
        now = self._now()
        async with self._store.session() as session:
            held = await deliveries.take_hold(session, id, self._me, now, now + self._rules.hold)
        if not held:
            return
        try:
            while not self._stop.is_set() and (delivery := await self._next(id)) is not None:
                if not await self._deliver(delivery):
                    log.warning("subscription %s was taken over by another worker", id)
                    return
        finally:
            with suppress(StoreUnavailableError):
                async with self._store.session() as session:
                    await deliveries.let_go(session, id, self._me)

    async def _next(self, id: str) -> Delivery | None:
        now = self._now()
        async with self._store.session() as session:
            return await deliveries.next_delivery(session, id, self._me, now, now + self._rules.hold)

    async def _deliver(self, delivery: Delivery) -> bool:
        """Send one event, and write down what became of it; False when somebody else holds the subscription now."""
        to, parcel = delivery.to, delivery.parcel
        answer = await self._sender.send(to.url, to.secrets_at(self._now()), parcel.event_id, parcel.body)
        now = self._now()
        verdict = judge(answer, parcel.tries, to.failures, now, rules=self._rules, chance=self._chance)
        async with self._store.session() as session:
            written = await deliveries.write_down(session, to.id, self._me, parcel, verdict, now=now)
        if verdict.what in ("dead", "gone"):
            what = "an event is dead after its last try" if verdict.what == "dead" else "it wants no more events"
            log.warning("subscription %s: %s (%s)", to.id, what, verdict.reason)
        return written
