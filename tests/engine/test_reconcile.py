"""Each agreement about an episode broken alone, on the real engine and store: found, mended, and not found again."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import delete

from activities.store.statements import insert_once
from activities.store.tables import (
    ClockTable,
    EpisodeTable,
    FactTable,
    InboxTable,
    NoticeTable,
    TaskTable,
    TimelineTable,
)
from tests.engine.conftest import Theatre, on_both
from tests.engine.town import Town, hours_ago, kinds
from workflows.agreement import Disagreement
from workflows.facts import Fact, fact_from_outside

ALONE = (
    Disagreement.CLOSED_NOT_IN_ROWS,
    Disagreement.TASK_ONLY_IN_ROWS,
    Disagreement.REPORT_NOT_APPLIED,
    Disagreement.FACT_NOT_APPLIED,
    Disagreement.WOKEN_LATE,
)
"""The kinds that have a test of their own, below."""

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
    fact = said("history_checked")
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


async def test_a_closed_episode_whose_row_is_open_is_brought_to_its_end(theatre: Theatre) -> None:
    town = Town(theatre)
    episode = await town.episode(returned=None)
    await town.record(episode, "died")
    await theatre.environment.fast_forward(town.handle(episode), timedelta(days=29))
    await town.settled(episode)
    before = await town.view(episode)
    assert before is not None
    assert before.episode["closed_at"] is not None
    assert (await town.run()).found == []
    await town.change(episode, closed_at=None, status="returned")
    assert kinds((await town.run()).found) == {Disagreement.CLOSED_NOT_IN_ROWS}
    await town.agrees()
    assert await town.view(episode) == before
    await _no_rows(town, episode)
    assert (await town.run(episode=episode)).found[0].kind is Disagreement.EPISODE_NOT_IN_ROWS
    assert await town.view(episode) == before


async def test_a_task_that_no_episode_knows_is_reported_and_left_to_people(theatre: Theatre) -> None:
    town = Town(theatre)
    episode = await town.episode()
    row = await town.first(TaskTable, episode)
    values = {column.name: getattr(row, column.name) for column in TaskTable.__table__.columns}
    key = f"{episode}/invented"
    async with town.store.session() as session:
        await insert_once(session, TaskTable, values | {"key": key, "state": "open"})
    for _ in range(2):
        assert kinds((await town.run()).found) == {Disagreement.TASK_ONLY_IN_ROWS}
    [found] = await town.open()
    assert (found.attempts, found.how) == (0, "the episode knows of no such task")
    await town.change(episode, TaskTable, TaskTable.key == key, state="withdrawn")
    await town.agrees()
    assert [one.how for one in await town.ever()] == ["it agreed when it was looked at again"]


async def test_a_report_that_counts_as_applied_and_is_nowhere_is_applied_again(theatre: Theatre) -> None:
    town = Town(theatre)
    episode = await town.episode()
    await town.record(episode, "history_checked")
    facts = {fact.id for fact in (await town.seen(episode)).facts}
    await town.lose(episode)
    await _no_rows(town, episode)
    assert kinds((await town.run()).found) == {Disagreement.REPORT_NOT_APPLIED}
    await town.relay()
    await town.settled(episode)
    await town.agrees()
    assert {fact.id for fact in (await town.seen(episode)).facts} == facts


async def test_a_fact_that_counts_as_applied_and_is_nowhere_is_applied_again(theatre: Theatre) -> None:
    town = Town(theatre)
    episode, fact, now = await town.episode(), said("history_checked"), datetime.now(UTC)
    about = {"authority": town.authority, "kind": "fact", "episode_id": episode, "urgency": 1, "attempts": 1}
    times = {"received_at": now, "settled_at": now, "state": "applied", "reason": None, "digest": None}
    async with town.store.session() as session:
        await insert_once(session, InboxTable, {"id": fact.id, "body": fact.model_dump(mode="json"), **about, **times})
    assert kinds((await town.run()).found) == {Disagreement.FACT_NOT_APPLIED}
    await town.relay()
    await town.settled(episode)
    await town.agrees()
    view = await town.view(episode)
    assert view is not None
    assert fact.id in {one.id for one in view.facts}


async def test_a_clock_that_should_have_turned_is_reported_with_how_late(theatre: Theatre) -> None:
    town = Town(theatre)
    episode = await town.episode()
    woken: datetime = (await town.seen(episode)).episode["next_wake_at"]
    at_last = woken + timedelta(days=40)
    later = town.reconciler(now=lambda: at_last)
    assert kinds((await town.run(later)).found) == {Disagreement.WOKEN_LATE}
    [found] = await town.open()
    assert (found.attempts, found.mended_at) == (0, None)
    assert found.how == f"{40 * 24 * 60} minutes late when it was last looked at"
    await town.agrees()


async def test_what_only_rows_know_after_an_older_engine_was_restored_is_not_lost(theatre: Theatre) -> None:
    """The engine forgets two facts and an answer, and goes on; what people recorded is there in the end."""
    town = Town(theatre)
    episode = await town.episode()
    older = await town.knows(episode)
    assert older is not None
    for kind in ("history_checked", "rhi_offered"):
        await town.record(episode, kind)
    before = await town.view(episode)
    await town.lose(episode)
    await (await town.engine()).begin(older)
    await town.idle(episode)
    # That the rows are ahead the episode finds out by its first turn, and writes all again; facts it cannot make up.
    assert Disagreement.FACT_ONLY_IN_ROWS in kinds((await town.run()).found)
    await town.agrees()
    await town.settled(episode)
    after, knows = await town.view(episode), await town.knows(episode)
    assert before is not None and after is not None and knows is not None  # noqa: PT018
    assert {f.id for f in before.facts} == {f.id for f in after.facts} == {f.id for f in knows.facts}
    assert {c.id: (c.state, c.due) for c in before.clocks} == {c.id: (c.state, c.due) for c in after.clocks}
    assert {n["key"] for n in before.notices} == {n["key"] for n in after.notices}
    assert {t["key"]: t["state"] for t in before.tasks} == {t["key"]: t["state"] for t in after.tasks}


async def test_an_episode_that_closed_in_an_older_engine_and_went_on_in_the_rows_goes_on(theatre: Theatre) -> None:
    town = Town(theatre)
    episode = await town.episode(returned=None)
    await town.record(episode, "died")
    await theatre.environment.fast_forward(town.handle(episode), timedelta(days=29))
    await town.settled(episode)
    closed = await town.knows(episode)
    assert closed is not None
    assert closed.carried is not None
    await town.change(episode, closed_at=None, status="returned", turn=closed.carried.turn + 3)
    await _fact_behind_its_back(town, episode)
    assert Disagreement.FACT_ONLY_IN_ROWS in kinds((await town.run()).found)
    await town.settled(episode)
    knows = await town.knows(episode)
    assert knows is not None
    assert len(knows.facts) == len(closed.facts) + 1


async def _closed_and_let_go_of(town: Town) -> str:
    """An episode that its rows call closed, and that the engine kept for as long as it keeps closed ones."""
    episode = await town.episode()
    await town.lose(episode)
    await town.change(episode, closed_at=datetime.now(UTC), status="closed")
    return episode


async def test_a_closed_episode_that_the_engine_no_longer_has_is_opened_again_by_what_its_rows_remember(
    theatre: Theatre,
) -> None:
    town = Town(theatre)
    episode = await _closed_and_let_go_of(town)
    before = await town.view(episode)
    assert before is not None
    assert before.episode["status"] == "closed"
    assert (await town.run()).found == [], "what is closed and let go of is no disagreement"
    now = before.timeline[-1].recorded_at
    outcome = await town.commands.reopen(episode, "it was another child", "A. Invented", now)
    assert outcome.state == "applied"
    await town.settled(episode)
    after, knows = await town.view(episode), await town.knows(episode)
    assert after is not None and knows is not None  # noqa: PT018
    assert {f.id for f in after.facts} == {f.id for f in before.facts} | {outcome.id} == {f.id for f in knows.facts}
    assert {n["key"] for n in before.notices} <= {n["key"] for n in after.notices}
    assert after.timeline[: len(before.timeline)] == before.timeline
    assert [line.number for line in after.timeline] == list(range(1, len(after.timeline) + 1))


async def test_what_nobody_remembers_is_not_opened_again_and_said_so(theatre: Theatre) -> None:
    town = Town(theatre)
    episode = await _closed_and_let_go_of(town)
    await _delete_rows(town, episode, InboxTable)
    outcome = await town.commands.reopen(episode, "it was another child", "A. Invented", datetime.now(UTC))
    nowhere = "its report was never kept here, so what it began with is not known"
    assert (outcome.state, outcome.reason) == ("kept", nowhere)
