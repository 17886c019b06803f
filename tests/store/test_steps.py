"""What falls due first over all that is open: as found by reading all of it, on both databases, by indexes."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, select

from activities.store import Store
from activities.store.board import owed_in
from activities.store.statements import upsert
from activities.store.steps import Window, first_owed
from activities.store.tables import ClockTable, EpisodeTable, TaskTable
from tests.api.callers import ELSEWHERE, HERE, Service
from tests.benchmarks.filled import NOW, Filling
from tests.console.families import child, owes
from workflows.owed import Owed

HOUR = timedelta(hours=1)


async def filled(store: Store) -> None:
    """Open episodes with clocks and their tasks, some of a kind each; a closed one that left things undone."""
    filling = Filling(store, Service(store).policies)
    await filling.with_workers()
    await filling.fill(range(30, 36), closed=True)
    await filling.fill(range(30), closed=False)
    alone = await child(store, "ALONE")
    await owes(store, alone, "no_task", -1, role=None)
    await owes(store, alone, "by_itself", -2, kind="fire_at")
    await owes(store, alone, "undated", None)
    await owes(store, await child(store, "THEIRS", authority=ELSEWHERE), "theirs", -1, authority=ELSEWHERE)
    async with store.session() as session:
        for place, state in enumerate(("open", "open", "done")):
            row: dict[str, Any] = {"key": f"{alone}/extra-{place}", "episode_id": alone, "authority": HERE}
            row |= {"clock": None, "role": "duty_manager", "do": f"Invented {place}", "state": state, "opened_at": NOW}
            await upsert(session, TaskTable, row | {"due": NOW + HOUR * (place - 1), "holder": "W1"})
        (await session.get_one(EpisodeTable, "episode-000003")).closed_at = NOW


async def all_owed(store: Store, window: Window) -> list[Owed]:
    """The same by reading everything."""
    async with store.snapshot() as session:
        mine = select(EpisodeTable.id).where(EpisodeTable.authority == HERE, EpisodeTable.closed_at.is_(None))
        ids = list((await session.scalars(mine)).all())
        found = await owed_in(session, HERE, ids)
    kept = [
        one
        for id, those in found.items()
        for one in those
        if not one.by_itself
        and one.due is not None
        and (window.since is None or one.due >= window.since)
        and (one.due < window.until or (window.to_the_end and one.due == window.until))
        and (window.among is None or id in window.among)
        and id not in window.but
    ]
    return sorted(kept, key=lambda one: (one.due, one.episode_id, one.title))


SOME = [f"episode-{number:06}" for number in range(0, 30, 4)]
WINDOWS = {
    "late": Window(None, NOW, to_the_end=False),
    "late among some": Window(None, NOW, to_the_end=False, among=SOME),
    "coming": Window(NOW, NOW + 12 * HOUR),
    "coming but not some": Window(NOW, NOW + 48 * HOUR, but=frozenset(SOME)),
    "an hour to its end": Window(NOW - HOUR, NOW),
    "among none": Window(None, NOW, among=[]),
}


@pytest.mark.parametrize("name", WINDOWS)
async def test_the_first_are_those_that_reading_everything_finds(store: Store, name: str) -> None:
    await filled(store)
    window = WINDOWS[name]
    expected = await all_owed(store, window)
    assert expected or name == "among none"
    async with store.snapshot() as session:
        for limit in (1, 7, 5000):
            assert await first_owed(session, HERE, window, limit) == expected[:limit], limit


@pytest.mark.parametrize("name", ["late among some", "coming"])
async def test_they_are_found_by_indexes(store: Store, name: str) -> None:
    await filled(store)
    asked: list[tuple[str, Any]] = []
    event.listen(store._engine.sync_engine, "before_cursor_execute", lambda *said: asked.append((said[2], said[3])))
    async with store.snapshot() as session:
        await first_owed(session, HERE, WINDOWS[name], 5)
        connection = await session.connection()
        # How PostgreSQL goes depends on how much there is.
        sqlite = connection.dialect.name == "sqlite"
        for statement, values in [one for one in asked if one[0].startswith("SELECT") and sqlite]:
            plan = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
            steps = [str(row[-1]) for row in plan]
            assert not [one for one in steps if one.startswith("SCAN") and "anon" not in one], steps


async def test_a_clock_says_what_it_is_called_and_who_has_taken_its_task(store: Store) -> None:
    id = await child(store, "ONE")
    await owes(store, id, "rhi", -1, title="Interview", holder="boss")
    async with store.session() as session:
        (await session.get_one(ClockTable, (id, "rhi"))).due = NOW - 2 * HOUR
        [one] = await first_owed(session, HERE, Window(None, NOW), 9)
    assert (one.title, one.holder, one.task, one.role) == ("Interview", "boss", f"{id}/rhi", "social_worker")
