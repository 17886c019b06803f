"""Beginning the episodes of kept reports: what each begins with, or begins again with, and many of them at once."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Final

from activities.policies import Policies
from activities.reconcile.remembering import remembered
from activities.store import Store
from activities.store.agreement import one_episode
from activities.store.inbox import InboxItem
from starter.client import EngineSilentError, Episodes
from starter.reports import Report
from workflows.contracts import EpisodeInput
from workflows.facts import Fact

AT_ONCE: Final = 16
"""How many episodes are asked for at once, and how many silences are those of the engine itself."""


def first_input(item: InboxItem) -> EpisodeInput:
    """What a report that was kept begins its episode with, the same each time."""
    report = Report.model_validate(item.body["report"])
    return EpisodeInput(
        episode_id=item.episode_id,
        authority=item.authority,
        child=report.circumstances(),
        child_id=item.body["child_id"],
        policy=report.policy,
        policy_version=item.body["policy_version"],
        facts=(
            *report.facts(item.id, item.received_at),
            *(Fact.model_validate(fact) for fact in item.body["facts"]),
        ),
        perhaps_a_duplicate=item.body.get("perhaps_a_duplicate", False),
    )


async def remembered_by_rows(store: Store, policies: Policies, item: InboxItem, now: datetime) -> EpisodeInput | str:
    """What the episode that something was said of begins again with, by its rows; or why that is not known.

    `now` is UTC.
    """
    async with store.snapshot() as session:
        rows = await one_episode(session, item.authority, item.episode_id, now)
    return await remembered(store, policies, first_input, item.authority, item.episode_id, rows=rows, now=now)


async def begin_many(connect: Callable[[], Awaitable[Episodes]], items: Sequence[InboxItem]) -> dict[str, str | None]:
    """Ask the engine to begin each item's episode: by the item's id, None when it has, or how it was silent."""
    if not items:
        return {}
    try:
        episodes = await connect()
    except EngineSilentError as silence:
        return {item.id: str(silence) for item in items}
    turn = asyncio.Semaphore(AT_ONCE)
    silences: list[str] = []

    async def begin(item: InboxItem) -> str | None:
        async with turn:
            if len(silences) >= AT_ONCE:
                return silences[-1]
            try:
                await episodes.begin(first_input(item))
            except EngineSilentError as silence:
                silences.append(str(silence))
                return silences[-1]
        return None

    answers = await asyncio.gather(*(begin(item) for item in items))
    return {item.id: answer for item, answer in zip(items, answers, strict=True)}
