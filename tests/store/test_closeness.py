"""Who is close to the open episodes: found from what is theirs, as it is found for some of them."""

import pytest
from sqlalchemy import update

from activities.store import Store, inbox
from activities.store.closeness import close_to, close_to_open
from activities.store.tables import EpisodeTable
from starter.sight import asker_of
from tests.starter.test_sight import (
    EPISODE,
    ME,
    OPEN_EPISODE,
    WAYS,
    Setting,
    glass_broken,
    held_authority_wide,
    nothing,
    restricted,
    task_of_nobody,
    told_that_the_glass_was_broken,
)
from tests.store.rows import AT, AUTHORITY, LATER

ENOUGH = [begins for begins, _ in WAYS.values()]
ALL = [*ENOUGH, *(ends for _, ends in WAYS.values()), glass_broken, held_authority_wide, nothing, task_of_nobody]


async def close(store: Store) -> set[str]:
    """The episodes to which I am close, as the one way and the other find them."""
    asker = asker_of(ME)
    async with store.snapshot() as session:
        among = await close_to(session, asker, [EPISODE, OPEN_EPISODE], AT)
        over_all = await close_to_open(session, asker, AT)
    assert among == over_all
    return set(over_all)


@pytest.mark.parametrize("way", [*ALL, told_that_the_glass_was_broken], ids=lambda way: way.__name__)
async def test_both_ways_find_the_same(store: Store, way: Setting) -> None:
    await restricted(store)
    async with store.session() as session:
        await way(session)
    assert await close(store) == ({EPISODE} if way in (*ENOUGH, glass_broken) else set())


@pytest.mark.parametrize("way", [*ENOUGH, glass_broken], ids=lambda way: way.__name__)
async def test_what_is_closed_or_anothers_is_not_among_what_is_open(store: Store, way: Setting) -> None:
    await restricted(store)
    async with store.session() as session:
        await way(session)
        await session.execute(update(EpisodeTable).where(EpisodeTable.id == EPISODE).values(closed_at=AT))
    async with store.snapshot() as session:
        assert await close_to_open(session, asker_of(ME), AT) == frozenset()
    async with store.session() as session:
        await session.execute(update(EpisodeTable).values(closed_at=None, authority="elsewhere"))
    assert await close(store) == set()


async def test_what_one_reported_is_close_and_glass_only_while_it_is_broken(store: Store) -> None:
    await restricted(store)
    said = {"id": "i1", "authority": AUTHORITY, "kind": "report", "episode_id": OPEN_EPISODE, "digest": "d1"}
    said |= {"body": {}, "urgency": 0, "received_at": AT, "said_by": ME.id}
    async with store.session() as session:
        await inbox.keep(session, inbox.InboxItem.model_validate(said))
        await glass_broken(session)
    assert await close(store) == {EPISODE, OPEN_EPISODE}
    async with store.snapshot() as session:
        assert await close_to_open(session, asker_of(ME), LATER) == {OPEN_EPISODE}
