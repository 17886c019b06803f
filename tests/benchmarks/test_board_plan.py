"""That the board looks at what is open, and not through all that ever was."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, text

from activities.store import Store
from activities.store.board import open_episodes
from activities.store.episode_search import episodes_found, episodes_there
from starter.console.naming import children_called
from tests.api.callers import HERE, Service
from tests.benchmarks.filled import NOW, OWED_CLOCKS, Filling

BY = {
    "FROM episode": "ix_episode_authority_closed_at",
    "FROM clock": "ix_clock_episode_id_state_kind_due",
    "FROM task": "ix_task_authority_state_episode_id_due",
}


@pytest.fixture
def asked(store: Store) -> list[tuple[str, Any]]:
    """The statements that the store is asked, with their parameters."""
    found: list[tuple[str, Any]] = []
    event.listen(store._engine.sync_engine, "before_cursor_execute", lambda *said: found.append((said[2], said[3])))
    return found


async def test_open_episodes_are_found_by_indexes(store: Store, asked: list[tuple[str, Any]]) -> None:
    filling = Filling(store, Service(store).policies)
    await filling.with_workers()
    await filling.fill(range(20, 600), closed=True)
    await filling.fill(range(20), closed=False)
    asked.clear()
    async with store.snapshot() as session:
        found = await open_episodes(session, HERE, NOW, timedelta(hours=4))
        statements = [(said, values) for said, values in asked if said.startswith("SELECT")]
        assert len(found) == 20
        assert len(statements) == 3
        assert {one.due is not None for one in found} == {True}
        if session.get_bind().dialect.name == "sqlite":
            connection = await session.connection()
            for said, values in statements:
                plan = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {said}", values)
                steps = "; ".join(str(row._mapping["detail"]) for row in plan)
                (index,) = [name for begins, name in BY.items() if begins in said.replace("\n", " ")]
                assert index in steps, steps
                assert "SCAN" not in steps, steps


async def test_what_children_are_called_is_found_by_their_episodes_alone(
    store: Store, asked: list[tuple[str, Any]]
) -> None:
    """Not among all that the authority ever had, on every page that names children."""
    ids = [f"episode-{number}" for number in range(50)]
    asked.clear()
    async with store.snapshot() as session:
        await children_called(session, HERE, ids)
        await episodes_found(session, HERE, ids, NOW)
        await episodes_there(session, HERE, ids)
        statements = [(said, values) for said, values in asked if said.startswith("SELECT")]
        assert len(statements) >= 4
        if session.get_bind().dialect.name == "sqlite":
            connection = await session.connection()
            for said, values in statements:
                plan = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {said}", values)
                assert not [step for step in plan if "authority" in str(step._mapping["detail"])]


async def test_what_was_filled_is_what_is_meant(store: Store) -> None:
    filling = Filling(store, Service(store).policies)
    await filling.with_workers()
    await filling.fill(range(8), closed=False)
    async with store.session() as session:
        owed = await session.scalar(text("SELECT count(*) FROM clock WHERE state IN ('running', 'overdue')"))
    assert owed == 8 * OWED_CLOCKS
