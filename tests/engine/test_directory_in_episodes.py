"""Who holds a role is asked when a notice goes out, once; a role nobody holds is found when the episode begins."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import delete

from activities.notify import put_in_tray
from activities.store import Store, inbox
from activities.store.directory import PersonEntry, add, person_id, put_person
from activities.store.episodes import EpisodeView
from activities.store.tables import HoldingTable, RecipientTable
from starter.rehearsal import REHEARSAL, Stage, cast_everyone
from tests.engine.conftest import on_both
from tests.engine.plays import LOOKED_AFTER, NOON, fact, hours, live, scenario
from workflows.contracts import NoticeOrder
from workflows.vocabulary import Channel, Role

pytestmark = pytest.mark.asyncio(loop_scope="session")
StageAt = Callable[[datetime], Stage]


async def let_hold(store: Store, authority: str, child_id: str, name: str) -> None:
    """Have an invented person, and nobody else, be the child's social worker."""
    async with store.session() as session:
        await session.execute(delete(HoldingTable).where(HoldingTable.held_for == child_id))
        await put_person(session, authority, PersonEntry(reference=f"{child_id}-{name}", name=name))
        holder = await person_id(session, authority, f"{child_id}-{name}")
        held = {"authority": authority, "role": Role.SOCIAL_WORKER.value, "scope": "child", "held_for": child_id}
        await add(session, HoldingTable, {**held, "person_id": holder})


def told_to(view: EpisodeView, name: str) -> list[tuple[str, str]]:
    keys = {one["notice"] for one in view.recipients if one["name"] == name}
    return [(notice["clock"], notice["rung"]) for notice in view.notices if notice["key"] in keys]


@on_both
async def test_a_change_of_holder_moves_later_notices_and_the_return_reaches_whoever_was_told(
    stage_at: StageAt,
) -> None:
    stage = stage_at(NOON)
    async with stage.store.session() as session:
        child_id = await inbox.child_id(session, REHEARSAL, str(uuid4()), NOON)
    await let_hold(stage.store, REHEARSAL, child_id, "First")
    await stage.begin(scenario(), (fact("reported", 0),), child_id=child_id)
    await stage.advance_to(NOON + hours(1))
    await let_hold(stage.store, REHEARSAL, child_id, "Second")
    await stage.advance_to(NOON + hours(23.9))
    await let_hold(stage.store, REHEARSAL, child_id, "Third")
    await stage.advance_to(NOON + hours(23.95))
    await stage.record(fact("returned", 23.95))
    await stage.advance_to(NOON + hours(24.5))
    view = await stage.view()
    first, second, third = (told_to(view, name) for name in ("First", "Second", "Third"))
    assert first
    assert second
    assert not {one for one in first if one[0] != "return_notice"} & {
        one for one in second if one[0] != "return_notice"
    }
    assert first.count(("return_notice", "back")) == second.count(("return_notice", "back")) == 1
    assert ("return_notice", "back") not in third, "who was never told of the absence hears nothing of the return"
    assert third, "what is owed after the return goes to who holds the role then"


@on_both
async def test_a_role_nobody_holds_is_a_task_from_the_start_and_done_when_somebody_does(stage_at: StageAt) -> None:
    stage = stage_at(NOON)
    stage.authority = f"bare-{uuid4()}"
    view = await live(stage, 1, fact("reported", 0))
    task = next(task for task in view.tasks if task["key"].endswith("/unheld-roles"))
    assert (task["state"], task["role"]) == ("open", "duty_manager")
    assert "senior leader" in task["do"], "found long before the alert is due"
    assert view.recipients == []
    async with stage.store.session() as session:
        await cast_everyone(session, stage.authority)
    await stage.episodes.directory_changed(stage.episode_id)
    await stage.advance_to(NOON + hours(2))
    view = await stage.view()
    assert [task["state"] for task in view.tasks if task["key"].endswith("/unheld-roles")] == ["done"]


@on_both
async def test_a_full_directory_asks_nothing_of_the_duty_manager(stage_at: StageAt) -> None:
    view = await live(stage_at(NOON), 1, fact("reported", 0), child=LOOKED_AFTER)
    assert not [task for task in view.tasks if task["key"].endswith("/unheld-roles")]
    assert {one["cover"] for one in view.recipients} == {"holder"}


async def test_a_retry_after_the_directory_changed_tells_nobody_else(tmp_path: Path) -> None:
    store = Store(f"sqlite+aiosqlite:///{tmp_path / 'store.sqlite'}")
    await store.make_ready()
    async with store.session() as session:
        child_id = await inbox.child_id(session, "invented", "C1", NOON)
    order = NoticeOrder(
        key="e/rhi/ask/1/social_worker",
        episode_id="e",
        authority="invented",
        clock="rhi",
        rung="ask",
        role=Role.SOCIAL_WORKER,
        channel=Channel.TRAY,
        needs_ack=False,
        escalates=False,
        says="Invented",
        at=datetime.now(UTC),
        due=None,
        ahead=timedelta(0),
        child_id=child_id,
    )
    sent: list[tuple[bool, int]] = []
    for name in ("First", "Second"):
        await let_hold(store, "invented", child_id, name)
        async with store.session() as session:
            answer = await put_in_tray(session, order)
        sent.append((answer.again, answer.people))
    assert sent == [(False, 1), (True, 0)]
    async with store.session() as session:
        from sqlalchemy import func, select

        assert await session.scalar(select(func.count()).select_from(RecipientTable)) == 1
    await store.close()
