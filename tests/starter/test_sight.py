"""Need to know: each way of being close to a restricted child, and its end; and what everybody else sees."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, update
from sqlalchemy.ext.asyncio import AsyncSession

from activities.store import Store, inbox
from activities.store.broken_glass import BrokenGlass, keep_broken
from activities.store.directory import PersonEntry, person_id, put_person
from activities.store.statements import insert_once, upsert
from activities.store.tables import (
    ChildTeamTable,
    EpisodeTable,
    HoldingTable,
    RecipientTable,
    ShiftTable,
    TaskTable,
)
from starter.access import AccessRole, Principal
from starter.sight import Sight, child_hidden_from, hidden_from, see_episode
from tests.store.rows import AT, AUTHORITY, LATER, notice
from workflows.names import BREAK_GLASS

CHILD = "c1"
EPISODE, OPEN_EPISODE = "e1111111-1111-4111-8111-111111111111", "e2222222-2222-4222-8222-222222222222"
ME = Principal(
    id="os:invented",
    name="Invented Me",
    kind="person",
    authority=AUTHORITY,
    roles=frozenset({AccessRole.PRACTITIONER}),
    person="me",
)
Setting = Callable[[AsyncSession], Awaitable[None]]


async def restricted(
    store: Store, authority: str = AUTHORITY, episode: str = EPISODE, open_episode: str = OPEN_EPISODE
) -> None:
    """A restricted child's episode, one of a child who is not, and me in the directory, holding nothing."""
    async with store.session() as session:
        await put_person(session, authority, PersonEntry(reference="me", name="Invented Me"))
        await put_person(session, authority, PersonEntry(reference="another", name="Invented Another"))
        for child, one, close in ((CHILD, episode, True), ("c2", open_episode, False)):
            ref = await inbox.child_id(session, authority, child, AT)
            row: dict[str, Any] = {"id": one, "authority": authority, "child_id": ref, "policy": "homeward"}
            row |= {"policy_version": "1", "calendar_version": "1", "status": "missing", "turn": 1}
            await upsert(session, EpisodeTable, {**row, "need_to_know": close, "written_at": AT})


async def sight(store: Store, who: Principal = ME, episode: str = EPISODE, at: Any = AT) -> Sight:
    async with store.session() as session:
        return (await see_episode(session, who, episode, at)).sight


async def my_id(session: AsyncSession) -> str:
    return str(await person_id(session, AUTHORITY, "me"))


async def the_child(session: AsyncSession) -> str:
    return await inbox.child_id(session, AUTHORITY, CHILD, AT)


async def hold(session: AsyncSession, scope: str, held_for: str, **span: Any) -> None:
    row = {"id": f"h-{scope}", "authority": AUTHORITY, "role": "social_worker", "scope": scope, "held_for": held_for}
    await insert_once(
        session, HoldingTable, {**row, "person_id": await my_id(session), "since": None, "until": None, **span}
    )


async def held_for_child(session: AsyncSession) -> None:
    await hold(session, "child", await the_child(session))


async def holding_ends(session: AsyncSession) -> None:
    await session.execute(update(HoldingTable).values(until=AT))


async def held_for_team(session: AsyncSession) -> None:
    await hold(session, "team", "Invented North")
    await upsert(session, ChildTeamTable, {"child_id": await the_child(session), "team": "Invented North"})


async def child_leaves_team(session: AsyncSession) -> None:
    await session.execute(update(ChildTeamTable).values(team="Invented South"))


async def told_by_a_notice(session: AsyncSession) -> None:
    await notice(session, "n1", episode_id=EPISODE)
    about = {"notice_key": "n1", "person_id": await my_id(session), "cover": "holder", "of_absence": True}
    await insert_once(session, RecipientTable, {**about, "in_digest": False})


async def notice_goes(session: AsyncSession) -> None:
    await session.execute(delete(RecipientTable))


async def task_taken(session: AsyncSession) -> None:
    task: dict[str, Any] = {"key": "e1/rhi", "episode_id": EPISODE, "authority": AUTHORITY, "role": "iro", "do": "x"}
    await insert_once(session, TaskTable, {**task, "state": "open", "opened_at": AT, "holder": "me"})


async def task_handed_over(session: AsyncSession) -> None:
    await session.execute(update(TaskTable).values(holder="another"))


async def glass_broken(session: AsyncSession) -> None:
    broken = BrokenGlass(
        id="b1",
        authority=AUTHORITY,
        episode_id=EPISODE,
        child_id=await the_child(session),
        who=ME.id,
        name=ME.name,
        why="An invented reason",
        at=AT - timedelta(hours=1),
        until=LATER,
    )
    await keep_broken(session, broken)


async def nothing(session: AsyncSession) -> None:
    """Time goes on, and nothing else."""


WAYS: dict[str, tuple[Setting, Setting]] = {
    "held for the child, until it ends": (held_for_child, holding_ends),
    "held for the team, until it ends": (held_for_team, holding_ends),
    "held for the team, until the child leaves it": (held_for_team, child_leaves_team),
    "told by a notice": (told_by_a_notice, notice_goes),
    "a task taken, until it is handed over": (task_taken, task_handed_over),
}


@pytest.mark.parametrize("way", WAYS)
async def test_each_way_of_being_close_lets_one_see_and_its_end_takes_it_away(store: Store, way: str) -> None:
    begins, ends = WAYS[way]
    await restricted(store)
    assert await sight(store) == "only_that_it_is_there"
    async with store.session() as session:
        await begins(session)
    assert await sight(store) == "whole"
    for other in (ME.model_copy(update={"person": "another"}), ME.model_copy(update={"person": None})):
        assert await sight(store, other) == "only_that_it_is_there"
    async with store.session() as session:
        await ends(session)
    assert await sight(store) == "only_that_it_is_there"


async def test_a_holding_that_has_not_begun_or_is_over_is_none(store: Store) -> None:
    await restricted(store)
    async with store.session() as session:
        await hold(session, "child", await the_child(session), since=LATER, until=LATER + timedelta(hours=1))
    for at, seen in ((AT, False), (LATER, True), (LATER + timedelta(hours=1), False)):
        assert await sight(store, at=at) == ("whole" if seen else "only_that_it_is_there")


async def test_broken_glass_lets_one_see_until_its_end_and_nobody_else(store: Store) -> None:
    await restricted(store)
    async with store.session() as session:
        await glass_broken(session)
    assert await sight(store) == "whole"
    assert await sight(store, at=LATER - timedelta(seconds=1)) == "whole"
    assert await sight(store, at=LATER) == "only_that_it_is_there"
    assert await sight(store, ME.model_copy(update={"id": "os:another"})) == "only_that_it_is_there"


async def test_whoever_reported_it_sees_it_and_it_has_no_end(store: Store) -> None:
    await restricted(store)
    async with store.session() as session:
        item = inbox.InboxItem(
            id="i1",
            authority=AUTHORITY,
            kind="report",
            episode_id=EPISODE,
            digest="d1",
            body={},
            urgency=0,
            received_at=AT,
            said_by=ME.id,
        )
        await inbox.keep(session, item)
    assert await sight(store) == "whole"
    assert await sight(store, at=AT + timedelta(days=9000)) == "whole"
    assert await sight(store, ME.model_copy(update={"id": "os:another"})) == "only_that_it_is_there"


async def shift_for_it(session: AsyncSession) -> None:
    row = {"id": "s1", "authority": AUTHORITY, "role": "duty_manager", "since": AT - timedelta(hours=1)}
    await insert_once(session, ShiftTable, {**row, "person_id": await my_id(session), "until": LATER})


async def held_authority_wide(session: AsyncSession) -> None:
    await hold(session, "authority", "")


async def told_that_the_glass_was_broken(session: AsyncSession) -> None:
    await notice(session, "n9", clock=BREAK_GLASS, episode_id=EPISODE)
    about = {"notice_key": "n9", "person_id": await my_id(session), "cover": "holder", "of_absence": False}
    await insert_once(session, RecipientTable, {**about, "in_digest": False})


async def task_of_nobody(session: AsyncSession) -> None:
    await task_taken(session)
    await session.execute(update(TaskTable).values(holder=None))


@pytest.mark.parametrize(
    "not_enough", [nothing, shift_for_it, held_authority_wide, told_that_the_glass_was_broken, task_of_nobody]
)
async def test_what_is_not_being_close(store: Store, not_enough: Setting) -> None:
    await restricted(store)
    async with store.session() as session:
        await not_enough(session)
    assert await sight(store) == "only_that_it_is_there"
    assert await sight(store, episode=OPEN_EPISODE) == "whole", "nobody need be close to a child who is not restricted"


async def test_a_case_system_sees_all_of_its_own_authority_and_nothing_else(store: Store) -> None:
    await restricted(store)
    system = ME.model_copy(update={"roles": frozenset({AccessRole.CASE_SYSTEM}), "person": None, "kind": "system"})
    other = system.model_copy(update={"authority": "elsewhere"})
    for episode in (EPISODE, OPEN_EPISODE):
        assert await sight(store, system, episode) == "whole"
        assert await sight(store, other, episode) == "nothing"
    async with store.session() as session:
        assert await hidden_from(session, system, [EPISODE], AT) == frozenset()
        assert await hidden_from(session, ME, [EPISODE], AT) == {EPISODE}


@pytest.mark.parametrize("way", [held_for_child, glass_broken])
async def test_what_is_said_of_one_authority_opens_nothing_of_another(store: Store, way: Setting) -> None:
    await restricted(store)
    async with store.session() as session:
        await way(session)
        await session.execute(update(EpisodeTable).values(authority="elsewhere"))
    assert await sight(store) == "nothing"
    elsewhere = ME.model_copy(update={"authority": "elsewhere"})
    assert await sight(store, elsewhere) == "only_that_it_is_there"


async def test_a_child_is_hidden_while_all_its_restricted_episodes_are(store: Store) -> None:
    await restricted(store)
    async with store.session() as session:
        child, free = await the_child(session), await inbox.child_id(session, AUTHORITY, "c2", AT)
        assert await child_hidden_from(session, ME, child, AT) == EPISODE
        assert await child_hidden_from(session, ME, free, AT) is None
        await glass_broken(session)
        assert await child_hidden_from(session, ME, child, AT) is None
        assert await child_hidden_from(session, ME, child, LATER) == EPISODE


async def test_glass_broken_for_an_episode_that_waits_to_be_written_opens_it(store: Store) -> None:
    await restricted(store)
    report = {"reported_by": "invented", "child": {"restricted": True}, "last_seen": "2026-06-10T10:00:00Z"}
    async with store.session() as session:
        item = inbox.InboxItem(
            id="i7",
            authority=AUTHORITY,
            kind="report",
            episode_id="e7",
            digest="d7",
            body={"report": {**report, "policy": "homeward"}, "child_id": None},
            urgency=0,
            received_at=AT,
            said_by="another",
        )
        await inbox.keep(session, item)
    assert await sight(store, episode="e7") == "only_that_it_is_there"
    async with store.session() as session:
        await glass_broken(session)
        broken = BrokenGlass(
            id="b7",
            authority=AUTHORITY,
            episode_id="e7",
            child_id=None,
            who=ME.id,
            name=ME.name,
            why="An invented reason",
            at=AT,
            until=LATER,
        )
        await keep_broken(session, broken)
    assert await sight(store, episode="e7") == "whole"
    assert await sight(store, episode="e7", at=LATER) == "only_that_it_is_there"
