"""A task cancelled in the middle of a transaction leaves nothing behind: no half of it, and no lock."""

import asyncio
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from activities.store import Store, inbox
from activities.store.inbox import InboxItem
from activities.store.tables import InboxTable

NOW = datetime(2026, 6, 10, 12, tzinfo=UTC)
SOON_SECONDS = 5.0
"""Well before a lock is given up that nobody lets go."""


def item() -> InboxItem:
    return InboxItem(
        id=str(uuid4()), authority="here", kind="fact", episode_id="e", body={}, urgency=1, received_at=NOW
    )


async def say_two_things(store: Store) -> None:
    async with store.session() as session:
        await inbox.keep(session, item())
        await asyncio.sleep(0)
        await inbox.keep(session, item())


async def how_many(store: Store) -> int:
    async with store.session() as session:
        return await session.scalar(select(func.count()).select_from(InboxTable)) or 0


@pytest.mark.parametrize("others", [0, 3], ids=["alone", "while others write"])
async def test_a_task_cancelled_at_any_moment_of_a_transaction_leaves_none_of_it_and_no_lock(
    store: Store, others: int
) -> None:
    for moment in range(60):
        before = await how_many(store)
        beside = [asyncio.create_task(say_two_things(store)) for _ in range(others)]
        cancelled = asyncio.create_task(say_two_things(store))
        await asyncio.sleep(0.0004 * moment)
        cancelled.cancel()
        await asyncio.gather(cancelled, return_exceptions=True)
        async with asyncio.timeout(SOON_SECONDS):
            await asyncio.gather(*beside)
            await say_two_things(store)
        after = await how_many(store) - before
        assert after - 2 * (others + 1) in (0, 2), f"cancelled after {0.4 * moment:.1f} ms"


async def test_a_ping_that_takes_too_long_leaves_no_lock(store: Store) -> None:
    for moment in range(40):
        try:
            async with asyncio.timeout(0.0003 * moment):
                await store.ping()
        except TimeoutError:
            pass
    async with asyncio.timeout(SOON_SECONDS):
        await say_two_things(store)
