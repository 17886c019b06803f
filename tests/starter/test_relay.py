"""How the relay puts what waits to the engine: of one episode as it was said, of several at the same time."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from activities.policies import Policies
from activities.store import Store, StoreUnavailableError, inbox
from activities.store.inbox import InboxItem
from starter.applying import Outcome
from starter.client import EngineSilentError, Episodes
from starter.commands import Commands
from starter.relay import EPISODES_AT_ONCE, SILENT_IN_A_ROW, put_to_engine

BEGAN = datetime(2026, 6, 9, 18, 0, tzinfo=UTC)
NOBODY: Any = None


class Watched(Commands):
    """Commands whose engine takes a moment for each item, and fails as a test wants it to."""

    def __init__(self, store: Store, fails: Exception | None = None) -> None:
        super().__init__(store, Policies.load(), "here", NOBODY)
        self.fails = fails
        self.put: list[str] = []
        self.busy: set[str] = set()
        self.most_at_once = 0

    async def apply(self, episodes: Episodes, item: InboxItem, now: datetime, *, nobody_waits: bool = False) -> Outcome:
        """Take an item, a moment later."""
        del episodes, now, nobody_waits
        assert item.episode_id not in self.busy
        self.busy.add(item.episode_id)
        self.most_at_once = max(self.most_at_once, len(self.busy))
        await asyncio.sleep(0.01)
        self.busy.remove(item.episode_id)
        self.put.append(item.id)
        if self.fails:
            raise self.fails
        return Outcome(id=item.id, episode_id=item.episode_id, state="applied")


async def said(store: Store, episodes: int, each: int) -> list[InboxItem]:
    """So many facts of so many episodes, in the order in which they were said: in turns."""
    items = [
        InboxItem.model_validate(
            {"id": str(uuid4()), "authority": "here", "kind": "fact", "episode_id": f"e{number}", "body": {}}
            | {"urgency": 1, "received_at": BEGAN + timedelta(seconds=place * episodes + number)}
        )
        for place in range(each)
        for number in range(episodes)
    ]
    async with store.session() as session:
        for one in items:
            await inbox.keep(session, one)
    return items


def of_each(items: Sequence[InboxItem], ids: Sequence[str]) -> dict[str, list[str]]:
    episode = {one.id: one.episode_id for one in items}
    found: dict[str, list[str]] = {}
    for id in ids:
        found.setdefault(episode[id], []).append(id)
    return found


async def test_of_one_episode_in_order_and_of_several_at_the_same_time(store: Store) -> None:
    items = await said(store, episodes=20, each=4)
    commands = Watched(store)
    outcomes = await put_to_engine(store, commands, NOBODY, items)
    assert of_each(items, commands.put) == of_each(items, [one.id for one in items])
    assert (len(outcomes), commands.most_at_once) == (80, EPISODES_AT_ONCE)


@pytest.mark.parametrize(
    ("fails", "more"),
    [(EngineSilentError("silent"), SILENT_IN_A_ROW), (StoreUnavailableError("away"), 1)],
)
async def test_once_engine_or_store_are_away_no_more_is_tried(store: Store, fails: Exception, more: int) -> None:
    items = await said(store, episodes=40, each=2)
    commands = Watched(store, fails)
    with pytest.raises(type(fails)):
        await put_to_engine(store, commands, NOBODY, items)
    assert len(commands.put) < EPISODES_AT_ONCE + more


async def test_what_nobody_foresaw_keeps_back_that_item_alone(store: Store) -> None:
    items = await said(store, episodes=3, each=2)
    commands = Watched(store, RuntimeError("nobody foresaw it"))
    assert await put_to_engine(store, commands, NOBODY, items) == []
    assert len(commands.put) == 6
    async with store.session() as session:
        assert {one.attempts for one in await inbox.waiting(session, 100)} == {1}
