"""Episodes by how a reference begins, whoever wrote it how: on both databases, by indexes."""

from typing import Any

import pytest
from sqlalchemy import event, select

from activities.store import Store
from activities.store.reference_search import Beginnings, episodes_by_reference
from activities.store.tables import ChildTable, FactTable
from tests.api.callers import ELSEWHERE, HERE, Service
from tests.benchmarks.filled import Filling
from tests.console.absences import absence, said

SOUGHT: tuple[tuple[str, list[tuple[str, bool]]], ...] = (
    ("INV-44/71", [("INV-44/71", True)]),
    ("inv 4471", [("INV-44/71", True)]),
    ("  Inv\u00a04471", [("INV-44/71", True)]),
    ("inv\u20134471", [("INV-44/71", True)]),
    ("INV_44.7", [("INV-44/71", False), ("inv 4472", False)]),
    ("inv", [("INV-44/71", False), ("inv 4472", False)]),
    ("12", [("12", True)]),
    ("123", [("123 4", False)]),
    ("in", []),
    ("inv-44/711", []),
    ("100%", [("100%A", False)]),
    ("ÉTÉ 1", [("ÉTÉ-1", True)]),
)


async def found(store: Store, **begins: str) -> list[str]:
    async with store.snapshot() as session:
        return [one.episode_id for one in await episodes_by_reference(session, HERE, Beginnings(**begins), limit=50)]


async def test_a_reference_is_found_however_it_is_written_and_by_its_beginning(store: Store) -> None:
    references = {
        await absence(store, child=one): one for one in ("12", "123 4", "INV-44/71", "inv 4472", "100%A", "ÉTÉ-1")
    }
    await absence(store, child="INV-44/71", authority=ELSEWHERE)
    await absence(store, child=None)
    for written, expected in SOUGHT:
        async with store.snapshot() as session:
            rows = await episodes_by_reference(session, HERE, Beginnings(child=written), limit=50)
        assert [(references[one.episode_id], one.whole) for one in rows] == expected, written


async def test_of_one_reference_the_open_come_first_and_then_the_latest(store: Store) -> None:
    shut = await absence(store, child="INV-1", closed=True)
    later = await absence(store, child="INV-2")
    here = await absence(store, child="INV-1")
    assert await found(store, child="inv1") == [here, shut]
    assert await found(store, child="inv") == [here, shut, later]


async def test_the_polices_reference_is_found_in_whatever_fact_says_it(store: Store) -> None:
    mine = await absence(store, said("reported", 5, police_ref="13 2600/7 A"), child=None)
    other = await absence(store, said("police_report_checked", 5, police_ref="13-2600-8"), child="INV-1")
    await absence(store, said("reported", 5, police_ref="13 2600/7 A"), authority=ELSEWHERE)
    await absence(store, said("reported", 5))
    assert await found(store, police_reference="1326007a") == [mine]
    assert await found(store, police_reference="13 2600") == [mine, other]
    assert await found(store, police_reference="13 2600", child="INV-1") == [other]
    with pytest.raises(ValueError, match="must be said"):
        await found(store)


async def test_what_is_looked_for_follows_what_is_written(store: Store) -> None:
    mine = await absence(store, said("reported", 5, police_ref="A/11"), child="INV-1")
    async with store.session() as session:
        row = (await session.scalars(select(FactTable).where(FactTable.episode_id == mine))).one()
        row.body = row.body | {"details": row.body["details"] | {"police_ref": "B/22"}}
    assert (await found(store, police_reference="a/11"), await found(store, police_reference="b 22")) == ([], [mine])


@pytest.mark.parametrize(
    ("begins", "index"),
    [
        ({"child": "inv-5"}, "ix_child_authority_plain_reference"),
        ({"police_reference": "invented/5"}, "ix_fact_plain_police_reference"),
    ],
)
async def test_it_is_found_by_an_index(store: Store, begins: dict[str, str], index: str) -> None:
    filling = Filling(store, Service(store).policies)
    await filling.with_workers()
    await filling.fill(range(600), closed=True)
    await filling.settle()
    asked: list[tuple[str, Any]] = []
    event.listen(store._engine.sync_engine, "before_cursor_execute", lambda *said: asked.append((said[2], said[3])))
    assert len(await found(store, **begins)) == 50
    async with store.snapshot() as session:
        connection = await session.connection()
        (statement, values), *_ = [one for one in asked if one[0].startswith("SELECT")]
        sqlite = connection.dialect.name == "sqlite"
        plan = await connection.exec_driver_sql(f"EXPLAIN {'QUERY PLAN ' if sqlite else ''}{statement}", values)
        steps = "; ".join(str(row[-1]) for row in plan)
    assert index in steps, steps
    assert not sqlite or "SCAN" not in steps, steps


async def test_the_column_is_not_read_with_the_rest(store: Store) -> None:
    await absence(store, child="INV-1")
    asked: list[str] = []
    event.listen(store._engine.sync_engine, "before_cursor_execute", lambda *said: asked.append(said[2]))
    async with store.snapshot() as session:
        await session.scalars(select(ChildTable))
    assert not any("plain_reference" in one for one in asked)
