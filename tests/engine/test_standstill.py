"""What stands still, each kind broken on a real engine: it is named, with why, and nothing about a child is said."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession
from temporalio import activity
from temporalio.client import Client
from temporalio.worker import Worker

from activities.health.engine import EngineWatched
from activities.health.findings import Deed, Stuck, StuckKind, stuck
from activities.health.look import Lookout, Slack, Standstill
from activities.registry import Activities
from activities.store import Store, StoreUnavailableError, disagreements
from activities.store.standstill import messages_in
from activities.store.tables import ClockTable, FactTable, TaskTable, TimelineTable
from starter.batches import do_for_all, summed_up
from starter.client import EngineSilentError, Episodes
from starter.commands import Commands
from starter.engine_room import EngineRoom
from starter.episode_worker import WORKFLOWS, episode_worker, sandboxed
from starter.operating import EVERYTHING, Operator
from tests.engine.conftest import ANSWERS_IN, Providers, Theatre, engine_room_of, on_both
from tests.engine.correspondence import somebody, until
from tests.engine.own_engine import (
    SECRET_WORDS,
    Machine,
    worker_whose_code_fails,
)
from tests.engine.plays import NOON, fact, hours, scenario
from tests.engine.test_unreached import reach, until_told
from tests.engine.town import LOOKED_AFTER, Town, hours_ago
from tests.standins.faults import refuses
from workflows import names
from workflows.agreement import Disagreement
from workflows.contracts import Rules, RulesAsked
from workflows.plain_errors import BadInputError
from workflows.vocabulary import Role

pytestmark = pytest.mark.asyncio(loop_scope="session")

AT_ONCE = Slack(*(timedelta(0),) * 5)


async def seen(client: Client, store: Store, authority: str, slack: Slack = AT_ONCE) -> Standstill:
    engine = EngineWatched(client, ANSWERS_IN)
    return await Lookout(store, authority, datetime.now(UTC), slack).look(engine, 20)


def kinds(found: Standstill) -> set[StuckKind]:
    return {one.kind for one in found.found}


async def wait_for(kind: StuckKind, client: Client, store: Store, authority: str, **more: Any) -> Stuck:
    found: list[Stuck] = []

    async def is_so() -> bool:
        stands = await seen(client, store, authority, **more)
        found[:] = [one for one in stands.found if one.kind is kind]
        assert SECRET_WORDS not in str(stands)
        return bool(found)

    await until(is_so, 40)
    return found[0]


# An engine of their own, for what no other test's worker may mend ------------------------------------------------


async def test_nobody_works_and_then_somebody_does(machine: Machine) -> None:
    episode = await machine.report()
    found = await seen(machine.client, machine.store, machine.authority)
    nobody = [one for one in found.found if one.kind is StuckKind.NOBODY_WORKS]
    assert [one.subject for one in nobody] == [
        "homeward-episodes: episodes' turns",
        "homeward-episodes: what is sent out",
    ]
    assert found.found[0].kind is StuckKind.NOBODY_WORKS
    await until(lambda: _says(machine, "about 1 wait"))
    async with episode_worker(machine.client, Activities(machine.store, machine.policies)):

        async def all_moves() -> bool:
            found = await seen(machine.client, machine.store, machine.authority, Slack())
            return kinds(found) == {StuckKind.ROLE_UNHELD}

        await until(all_moves)
    assert episode


async def _says(machine: Machine, words: str) -> bool:
    found = await seen(machine.client, machine.store, machine.authority)
    return any(words in (one.detail or "") for one in found.found)


async def test_a_workflow_whose_code_fails_is_named_with_its_failure_and_none_of_its_words(machine: Machine) -> None:
    episode = await machine.report()
    async with worker_whose_code_fails(machine.client):
        found = await wait_for(StuckKind.WORKFLOW_FAILING, machine.client, machine.store, machine.authority)
        assert (found.about, found.subject, found.deeds) == ("episode", episode, (Deed.RESET,))
        assert (found.attempts or 0) > 1
        assert found.since is not None
        assert found.failure is not None
        assert (found.failure.type, found.failure.says) == ("RuntimeError", "workflow worker unhandled failure")
        # What the engine itself reports is found where no row suspects it, and by nobody else's operator.
        listed = EngineWatched(machine.client, ANSWERS_IN)
        await until(lambda: _is_listed(listed, episode), 30)
        neighbour = await seen(machine.client, machine.store, "elsewhere")
        assert StuckKind.WORKFLOW_FAILING not in kinds(neighbour)


async def _is_listed(engine: EngineWatched, episode: str) -> bool:
    return names.workflow_id(episode) in await engine.failing(10)


class FailingStore(Store):
    """A store in which nothing can be written until it is mended."""

    mended = False

    @asynccontextmanager
    async def session(self) -> AsyncGenerator[AsyncSession]:
        if not self.mended:
            raise StoreUnavailableError("the database cannot be used now: invented fault")
        async with super().session() as session:
            yield session


async def test_a_step_that_is_tried_again_and_again_is_seen_until_it_succeeds(machine: Machine, tmp_path: Any) -> None:
    episode = await machine.report()
    broken = FailingStore(f"sqlite+aiosqlite:///{tmp_path / 'store.sqlite'}")
    slack = replace(AT_ONCE, turn=timedelta(seconds=2))
    async with episode_worker(machine.client, Activities(broken, machine.policies)):
        found = await wait_for(StuckKind.STEP_FAILING, machine.client, machine.store, machine.authority, slack=slack)
        assert (found.about, found.subject) == ("episode", episode)
        broken.mended = True

        async def moves() -> bool:
            stands = await seen(machine.client, machine.store, machine.authority, Slack())
            return kinds(stands) == {StuckKind.ROLE_UNHELD}

        await until(moves, 40)
    await broken.close()


async def test_work_that_one_worker_cannot_do_in_time_is_said_to_wait(machine: Machine) -> None:
    """The worker lives and asks for work: it has its hands full."""
    episodes = [await machine.report() for _ in range(4)]
    hands_full = asyncio.Event()

    @activity.defn(name="resolve_policy")
    async def resolve_slowly(asked: RulesAsked) -> Rules | None:
        await hands_full.wait()
        return machine.policies.rules(asked)

    others = [one for one in Activities(machine.store, machine.policies).all() if one.__name__ != "resolve_policy"]
    worker = Worker(
        machine.client,
        task_queue=names.TASK_QUEUE,
        workflows=WORKFLOWS,
        workflow_runner=sandboxed(),
        activities=[resolve_slowly, *others],
        max_concurrent_workflow_tasks=2,
        max_cached_workflows=2,
    )
    async with worker:
        found = await wait_for(StuckKind.WORK_WAITS, machine.client, machine.store, machine.authority)
        assert (found.about, found.subject) == ("queue", "homeward-episodes: episodes' turns")
        assert (found.detail or "").startswith("episodes' turns; about ")
        assert found.since is not None
        hands_full.set()

        async def all_moves() -> bool:
            found = await seen(machine.client, machine.store, machine.authority, Slack())
            return kinds(found) == {StuckKind.ROLE_UNHELD}

        await until(all_moves)
    assert len(episodes) == 4


async def test_a_silent_engine_is_said_at_once_and_the_rows_still_speak(tmp_path: Any) -> None:
    store = Store(f"sqlite+aiosqlite:///{tmp_path / 'store.sqlite'}")
    await store.make_ready()
    async with store.session() as session:
        await disagreements.note_found(session, "here", Disagreement.EPISODE_LOST, "e1", datetime.now(UTC))
    found = await EngineRoom().standstill(store, "here", datetime.now(UTC))
    assert [one.kind for one in found.found] == [StuckKind.ENGINE_SILENT, StuckKind.APART]
    assert not found.engine_answers
    await store.close()


# What the rows say -----------------------------------------------------------------------------------------------


@on_both
async def test_an_episode_that_did_not_wake_is_named_and_can_be_compared(theatre: Theatre) -> None:
    town = Town(theatre)
    episode = await town.episode()
    assert StuckKind.CLOCK_NOT_FIRED not in kinds(await seen(town.client, town.store, town.authority))
    await town.change(episode, next_wake_at=datetime.now(UTC) - timedelta(minutes=6), next_wake_for="rhi: remind")
    found = await wait_for(StuckKind.CLOCK_NOT_FIRED, town.client, town.store, town.authority, slack=Slack())
    assert (found.subject, found.detail, found.deeds) == (episode, "it waits for rhi: remind", (Deed.RECONCILE,))
    assert StuckKind.CLOCK_NOT_FIRED not in kinds(await seen(town.client, town.store, "elsewhere", Slack()))


@on_both
async def test_a_clock_that_came_late_is_told_from_one_that_was_reported_late(theatre: Theatre) -> None:
    town = Town(theatre)
    episode = await town.episode()
    assert StuckKind.CLOCK_FIRED_LATE not in kinds(await seen(town.client, town.store, town.authority))
    due = datetime.now(UTC) - timedelta(hours=1)
    await town.change(episode, ClockTable, ClockTable.id == "rhi", state="overdue", due=due)
    body = {"kind": "state", "clock": "rhi", "state": "overdue", "number": 1}
    noticed = {"at": due, "recorded_at": datetime.now(UTC) + timedelta(seconds=1), "body": body}
    await town.change(episode, TimelineTable, TimelineTable.number == 1, **noticed)
    assert StuckKind.CLOCK_FIRED_LATE not in kinds(await seen(town.client, town.store, town.authority))
    async with town.store.session() as session:
        await session.execute(
            update(FactTable).where(FactTable.episode_id == episode).values(recorded_at=due - timedelta(hours=1))
        )
    others = (TimelineTable.number != 1,)
    await town.change(episode, TimelineTable, *others, recorded_at=due - timedelta(hours=1))
    found = await wait_for(StuckKind.CLOCK_FIRED_LATE, town.client, town.store, town.authority)
    assert (found.subject, found.detail, found.deeds) == (episode, "rhi, 60 minutes late", ())


@on_both
async def test_roles_that_nobody_holds_are_named_by_their_episodes(theatre: Theatre) -> None:
    town = Town(theatre)
    episode = await town.episode()
    found = await wait_for(StuckKind.ROLE_UNHELD, town.client, town.store, town.authority)
    assert (found.subject, found.deeds) == (episode, (Deed.HAND_OVER,))
    assert (found.detail or "").startswith("nobody is social worker, ")
    await town.change(episode, TaskTable, state="done")
    assert StuckKind.ROLE_UNHELD not in kinds(await seen(town.client, town.store, town.authority))


# What somebody does about it -------------------------------------------------------------------------------------


def operator(theatre: Theatre, town: Town) -> Operator:
    return Operator(town.store, engine_room_of(theatre), town.commands, town.authority)


@on_both
async def test_what_is_tried_again_is_named_without_its_key_and_tried_now(
    theatre: Theatre, providers: Providers
) -> None:
    manager = await somebody(theatre)
    town = Town(theatre, manager.authority)
    providers.notify.sends.always = refuses(503)
    await manager.told()
    await manager.message()
    found = await wait_for(StuckKind.ACTIVITY_FAILING, town.client, town.store, town.authority)
    [message] = await manager.messages()
    assert (found.about, found.subject) == ("message", names.subject_of_message(message))
    assert message not in found.model_dump_json()
    assert found.failure is not None
    assert found.failure.type == "NotSentYet"
    assert found.detail == "send message"
    with pytest.raises(BadInputError, match="less than 15 seconds ago"):
        await operator(theatre, town).do(Deed.RETRY_NOW, found.subject, datetime.now(UTC))
    providers.mend()
    later = datetime.now(UTC) + timedelta(seconds=20)
    said = await operator(theatre, town).do(Deed.RETRY_NOW, found.subject, later)
    assert said.startswith("It is tried now")
    await (await manager.message()).signal("receipt", args=["notify_email", "delivered"])
    await manager.reaches("reached")
    with pytest.raises(BadInputError, match="no such message"):
        await operator(theatre, town).do(Deed.RETRY_NOW, found.subject, later)


@on_both
async def test_a_message_that_was_given_up_is_sent_again_once_its_address_is_mended(
    theatre: Theatre, providers: Providers
) -> None:
    manager = await somebody(theatre, "email")
    town = Town(theatre, manager.authority)
    providers.notify.sends.next(refuses(400))
    providers.smtp.recipients.next(refuses(550))
    await manager.told()
    await manager.reaches("given_up")
    found = await wait_for(StuckKind.MESSAGE_GIVEN_UP, town.client, town.store, town.authority)
    assert (found.detail or "").startswith("notify_email: ")
    operates = operator(theatre, town)
    await operates.do(Deed.RESEND, found.subject, datetime.now(UTC))
    await (await manager.message()).signal("receipt", args=["notify_email", "delivered"])
    await manager.reaches("reached")
    assert len([one for one in providers.notify.stored if one.to == manager.email]) == 1
    assert StuckKind.MESSAGE_GIVEN_UP not in kinds(await seen(town.client, town.store, town.authority))
    with pytest.raises(BadInputError, match="no such message"):
        await operates.do(Deed.RESEND, found.subject, datetime.now(UTC))


async def test_an_episode_hears_that_a_message_arrived_which_was_given_up_and_sent_again(
    theatre: Theatre, providers: Providers
) -> None:
    stage = theatre.stage(NOON)
    stage.authority = f"town-{uuid4().hex[:8]}"
    await reach(stage, Role.SOCIAL_WORKER, f"{stage.authority}@invented.example")
    providers.notify.sends.always = refuses(400, "BadRequestError")
    providers.smtp.recipients.always = refuses(550)
    await stage.begin(scenario(), (fact("reported", 0),))
    await stage.advance_to(NOON + hours(0.01))
    await until_told(stage, lambda seen: any("No channel reached" in line.text for line in seen.timeline))
    town = Town(theatre, stage.authority)
    found = await wait_for(StuckKind.MESSAGE_GIVEN_UP, town.client, town.store, stage.authority)
    providers.mend()
    # By the episode it is all of its messages that reached nobody.
    await operator(theatre, town).do(Deed.RESEND, stage.episode_id, datetime.now(UTC))
    async with town.store.session() as session:
        [message] = [
            one
            for one in await messages_in(session, stage.authority, ("unreached", "reached"))
            if names.subject_of_message(one) == found.subject
        ]
    handle: Any = town.client.get_workflow_handle(names.message_workflow_id(message))
    await handle.signal("receipt", args=["notify_email", "delivered"])
    await until_told(stage, lambda seen: any("was reached after all" in line.text for line in seen.timeline))


async def test_a_message_that_reached_nobody_yet_is_tried_again_at_once(theatre: Theatre, providers: Providers) -> None:
    manager = await somebody(theatre, "email")
    town = Town(theatre, manager.authority)
    providers.notify.sends.always = refuses(429, "TooManyRequestsError")
    providers.smtp.recipients.always = refuses(450)
    await manager.told()
    await manager.message()
    await manager.lives("unreached")
    found = await wait_for(StuckKind.MESSAGE_UNREACHED, town.client, town.store, town.authority)
    assert found.deeds == (Deed.RESEND,)
    before = len(await manager.messages())
    providers.mend()
    said = await operator(theatre, town).do(Deed.RESEND, found.subject, datetime.now(UTC))
    assert said.startswith("Every way is tried again now")
    # It waits no longer than a provider needs to show what it took.
    await manager.skip(timedelta(seconds=20))
    await until(lambda: _is_stored(providers, manager.email))
    await (await manager.message()).signal("receipt", args=["notify_email", "delivered"])
    await manager.reaches("reached")
    assert len(await manager.messages()) == before


async def _is_stored(providers: Providers, to: str) -> bool:
    return any(one.to == to for one in providers.notify.stored)


async def test_an_episode_is_compared_now_and_mended(theatre: Theatre) -> None:
    town = Town(theatre)
    episode = await town.episode()
    operates = operator(theatre, town)
    assert "agree" in await operates.do(Deed.RECONCILE, episode, datetime.now(UTC))
    await town.change(episode, turn=0)
    assert "disagreed" in await operates.do(Deed.RECONCILE, episode, datetime.now(UTC))
    with pytest.raises(BadInputError, match="no such episode"):
        await operator(theatre, Town(theatre)).do(Deed.RECONCILE, episode, datetime.now(UTC))


async def test_of_many_at_once_one_that_cannot_be_done_keeps_no_other_from_it(theatre: Theatre) -> None:
    town = Town(theatre)
    episodes = [await town.episode(), await town.episode()]
    for one in episodes:
        await town.change(one, turn=0)
    apart = [stuck(StuckKind.APART, "episode", one) for one in (episodes[0], "nobody-knows-it", episodes[1])]
    lines = await do_for_all(operator(theatre, town), Deed.RECONCILE, apart, datetime.now(UTC), dry_run=False)
    assert [one.done for one in lines] == [True, False, True]
    assert lines[1].says == "not done: there is no such episode"
    assert summed_up(lines) == "2 done, 1 not done."


async def test_the_engine_s_own_page_of_a_message_does_not_name_it(theatre: Theatre) -> None:
    room = engine_room_of(theatre)
    episode = stuck(StuckKind.STEP_FAILING, "episode", "e1", run_id="r1")
    message = stuck(StuckKind.ACTIVITY_FAILING, "message", "derived", run_id="r2")
    begins = "https://engine.invented.example/namespaces/default/workflows"
    assert room.page_of(episode) == f"{begins}/episode-e1/r1/history"
    assert room.page_of(message) == f"{begins}?query=RunId%3D%22r2%22"
    assert replace(room, pages="").page_of(episode) is None


async def test_what_was_said_is_put_to_the_engine_now(theatre: Theatre) -> None:
    town = Town(theatre)
    away = Commands(theatre.store, theatre.policies, town.authority, _silent)
    said = {"report_id": str(uuid4()), "child": LOOKED_AFTER, "reported": hours_ago(3)}
    _, outcome = await away.report(said, datetime.now(UTC))
    assert outcome.state == "kept"
    found = await wait_for(StuckKind.SAID_NOT_APPLIED, town.client, town.store, town.authority)
    assert (found.about, found.detail) == ("said", "a report")
    operates = operator(theatre, town)
    assert await operates.do(Deed.PUT_TO_ENGINE, found.subject, datetime.now(UTC)) == (
        "1 applied, 0 refused, 0 still waiting."
    )
    for subject in (found.subject, EVERYTHING):
        with pytest.raises(BadInputError, match="nothing of it waits"):
            await operates.do(Deed.PUT_TO_ENGINE, subject, datetime.now(UTC))


async def _silent() -> Episodes:
    raise EngineSilentError("the engine does not answer")
