"""Each agreement about an episode broken alone, on the real engine and store: found, mended, and not found again."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import delete

from activities.store.statements import insert_once
from activities.store.tables import (
    ClockTable,
    EpisodeTable,
    FactTable,
    NoticeTable,
    TaskTable,
    TimelineTable,
)
from tests.engine.conftest import Theatre, on_both
from tests.engine.town import Town, hours_ago, kinds
from workflows.agreement import Disagreement
from workflows.facts import Fact, fact_from_outside

pytestmark = [pytest.mark.asyncio(loop_scope="session"), on_both]

Break = Callable[[Town, str], Awaitable[None]]


async def _delete_rows(town: Town, episode: str, *tables: Any) -> None:
    async with town.store.session() as session:
        for table in tables:
            key = table.id if table is EpisodeTable else table.episode_id
            await session.execute(delete(table).where(key == episode))


async def _delete_one(town: Town, table: Any, episode: str, *where: Any) -> None:
    row = await town.first(table, episode, *where)
    async with town.store.session() as session:
        await session.delete(await session.merge(row))


async def _terminated(town: Town, episode: str) -> None:
    await town.handle(episode).terminate("invented")


async def _no_rows(town: Town, episode: str) -> None:
    await _delete_rows(town, episode, TaskTable, TimelineTable, ClockTable, FactTable, EpisodeTable)


async def _row_closed(town: Town, episode: str) -> None:
    await town.change(episode, closed_at=datetime.now(UTC))


async def _earlier_turn(town: Town, episode: str) -> None:
    await town.change(episode, turn=0)


async def _later_turn(town: Town, episode: str) -> None:
    await town.change(episode, turn=1000)


async def _no_fact(town: Town, episode: str) -> None:
    await _delete_one(town, FactTable, episode)


def said(kind: str, **details: Any) -> Fact:
    """Something that happened an hour ago."""
    return fact_from_outside({"kind": kind, "at": hours_ago(1), **details}, id=str(uuid4()), source="test")


async def _fact_behind_its_back(town: Town, episode: str) -> None:
    fact = said("told", role="parent")
    about = {"episode_id": episode, "id": fact.id, "kind": fact.kind.value, "at": fact.at}
    async with town.store.session() as session:
        body = {"recorded_at": fact.recorded_at, "body": fact.model_dump(mode="json")}
        await insert_once(session, FactTable, about | body)


async def _no_clock(town: Town, episode: str) -> None:
    await _delete_one(town, ClockTable, episode)


async def _clock_of_nobody(town: Town, episode: str) -> None:
    row = await town.first(ClockTable, episode)
    about = {"episode_id": episode, "id": "invented", "kind": row.kind, "state": row.state}
    async with town.store.session() as session:
        await insert_once(session, ClockTable, about | {"start": row.start, "due": row.due, "body": row.body})


async def _clock_stands_otherwise(town: Town, episode: str) -> None:
    await town.change(episode, ClockTable, ClockTable.state == "running", state="met")


async def _no_line(town: Town, episode: str) -> None:
    await _delete_one(town, TimelineTable, episode)


async def _task_done(town: Town, episode: str) -> None:
    await town.change(episode, TaskTable, state="done", closed_at=datetime.now(UTC))


async def _no_task(town: Town, episode: str) -> None:
    await _delete_one(town, TaskTable, episode)


async def _no_notice(town: Town, episode: str) -> None:
    await _delete_one(town, NoticeTable, episode)


BREAKS: list[tuple[Disagreement, Break]] = [
    (Disagreement.EPISODE_LOST, Town.lose),
    (Disagreement.EPISODE_ENDED_UNFINISHED, _terminated),
    (Disagreement.EPISODE_NOT_IN_ROWS, _no_rows),
    (Disagreement.CLOSED_ONLY_IN_ROWS, _row_closed),
    (Disagreement.ROWS_OLDER, _earlier_turn),
    (Disagreement.ROWS_AHEAD, _later_turn),
    (Disagreement.FACT_NOT_IN_ROWS, _no_fact),
    (Disagreement.FACT_ONLY_IN_ROWS, _fact_behind_its_back),
    (Disagreement.CLOCK_OTHERWISE, _no_clock),
    (Disagreement.CLOCK_OTHERWISE, _clock_of_nobody),
    (Disagreement.CLOCK_OTHERWISE, _clock_stands_otherwise),
    (Disagreement.LINE_NOT_IN_ROWS, _no_line),
    (Disagreement.TASK_OTHERWISE, _task_done),
    (Disagreement.TASK_OTHERWISE, _no_task),
    (Disagreement.NOTICE_NOT_IN_ROWS, _no_notice),
]


@pytest.mark.parametrize(("kind", "breaks"), BREAKS, ids=lambda one: getattr(one, "__name__", str(one)))
async def test_what_disagrees_is_found_alone_and_mended(theatre: Theatre, kind: Disagreement, breaks: Break) -> None:
    town = Town(theatre)
    episode = await town.episode()
    before, knew = await town.view(episode), await town.knows(episode)
    assert before is not None and knew is not None and before.notices and before.tasks  # noqa: PT018
    assert (await town.run()).found == [], "the rows agree before they are broken"
    await breaks(town, episode)
    assert kinds((await town.run()).found) == {kind}
    await town.agrees()
    mended = [one for one in await town.ever() if one.kind is kind]
    assert [(one.subject, one.attempts > 0, one.mended_at is not None) for one in mended] == [(episode, True, True)]
    await town.settled(episode)
    after, knows = await town.view(episode), await town.knows(episode)
    assert after is not None and knows is not None  # noqa: PT018
    assert {f.id for f in after.facts} >= {f.id for f in before.facts}
    assert {c.id: c.due for c in after.clocks} == {c.id: c.due for c in before.clocks}
    assert {n["key"] for n in after.notices} == {n["key"] for n in before.notices}, "nobody was told anything twice"
    assert {t["key"]: t["state"] for t in after.tasks} == {t["key"]: t["state"] for t in before.tasks}
    assert [line.number for line in after.timeline] == list(range(1, len(after.timeline) + 1))
