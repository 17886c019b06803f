"""An invented absence in the store as its workflow would have written it: facts, and the clocks they give."""

from datetime import timedelta
from uuid import uuid4

from activities.store import Store
from activities.store.episodes import _clock_values, _fact_values
from activities.store.statements import upsert, upsert_all
from activities.store.tables import ClockTable, EpisodeTable, FactTable
from tests.api.callers import HERE
from tests.api.town import NOW, episode
from tests.workflows.builders import CHILD, calendar, fact, pack
from workflows.clocks import plan
from workflows.facts import Fact
from workflows.instants import to_rfc3339


def ago(hours: float) -> str:
    """So many hours before NOW."""
    return to_rfc3339(NOW - timedelta(hours=hours))


def said(line: str, hours: float, **details: str) -> Fact:
    """A fact of a kind, so many hours before NOW."""
    return fact(f"{line} {ago(hours)} {uuid4()}", **details)


async def absence(
    store: Store,
    *facts: Fact,
    child: str | None = "INV-1",
    authority: str = HERE,
    need_to_know: bool = False,
    closed: bool = False,
) -> str:
    """An episode of the default policy with these facts, or only a report of five hours before; its id."""
    there = facts or (said("last_seen", 6, place="Invented Park"), said("reported", 5))
    episode_id = await episode(store, child, authority=authority, need_to_know=need_to_know, closed=closed)
    clocks = plan(there, CHILD, pack(), calendar(), NOW)
    async with store.session() as session:
        row = await session.get_one(EpisodeTable, episode_id)
        row.policy_version = pack().version
        await upsert_all(session, FactTable, [_fact_values(episode_id, one) for one in there])
        for clock in clocks:
            await upsert(session, ClockTable, _clock_values(episode_id, clock))
    return episode_id
