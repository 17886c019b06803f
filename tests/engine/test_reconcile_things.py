"""Agreements that are not an episode's own, each broken alone: the inbox, the post, schedules, policies."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import update

from activities import posting
from activities.posting import Post
from activities.store.inbox import InboxItem, keep
from activities.store.post import close
from activities.store.tables import DispatchTable, InboxTable, MessageTable
from starter.api.receipts import NotifyReceipt, Receipts
from starter.timetables import DigestTimetable, ReconcileTimetable, keep_timetables
from tests.engine.conftest import Providers, Theatre, on_both
from tests.engine.correspondence import Correspondent, somebody, until
from tests.engine.town import Town, kinds
from workflows.agreement import Disagreement
from workflows.messages import PostRules
from workflows.names import digest_id, message_workflow_id, reconcile_id
from workflows.post_contracts import GatherAsked, MessageToSend

pytestmark = [pytest.mark.asyncio(loop_scope="session"), on_both]


async def test_what_waits_in_the_inbox_too_long_is_reported(theatre: Theatre) -> None:
    town = Town(theatre)
    since = datetime.now(UTC) - timedelta(minutes=42)
    about = {"id": str(uuid4()), "authority": town.authority, "kind": "fact", "episode_id": str(uuid4())}
    item = InboxItem.model_validate({**about, "body": {}, "urgency": 1, "received_at": since})
    async with town.store.session() as session:
        await keep(session, item)
    for _ in range(2):
        assert [(one.kind, one.subject) for one in (await town.run()).found] == [(Disagreement.SAID_KEPT_LONG, item.id)]
    [found] = await town.open()
    assert (found.attempts, found.how) == (0, "kept for 42 minutes when it was last looked at")
    async with town.store.session() as session:
        await session.execute(update(InboxTable).where(InboxTable.id == item.id).values(state="refused"))
    await town.agrees()


async def nudges_nobody(_: str, __: str) -> None:
    """A worker that died just before it told the postbox."""


def quiet(theatre: Theatre) -> Theatre:
    post: Post = replace(theatre.post, nudge=nudges_nobody)
    return replace(theatre, post=post)


async def test_a_notice_whose_postbox_was_never_told_goes_out(theatre: Theatre) -> None:
    manager = await somebody(quiet(theatre))
    town = Town(theatre, manager.authority)
    await manager.told(2)
    assert [(one.kind, one.subject) for one in (await town.run()).found] == [
        (Disagreement.NOTICE_WAITS_FOR_NOBODY, manager.person)
    ]
    await (await manager.message()).signal("receipt", args=["notify_email", "delivered"])
    await manager.reaches("reached")
    await town.agrees()
    assert len(await manager.messages()) == 1


async def gathered(theatre: Theatre, manager: Correspondent) -> MessageToSend:
    """A message that was gathered by a worker that died before its workflow began."""
    await manager.told()
    now = datetime.now(UTC) + timedelta(seconds=1)
    asked = GatherAsked(message=str(uuid4()), authority=manager.authority, person=manager.person, now=now)
    message = (await posting.gather(theatre.store, theatre.post, asked)).message
    assert message is not None
    async with theatre.store.session() as session:
        await session.execute(
            update(MessageTable).where(MessageTable.id == message.message).values(gathered_at=datetime.now(UTC))
        )
    return message


async def test_a_message_that_nobody_sends_is_sent_and_its_key_shown_to_nobody(theatre: Theatre) -> None:
    manager = await somebody(quiet(theatre))
    town, message = Town(theatre, manager.authority), await gathered(theatre, manager)
    [found] = (await town.run()).found
    assert found.kind is Disagreement.MESSAGE_NOT_SENT_BY_ANYBODY
    assert message.message not in found.subject
    await (await manager.message()).signal("receipt", args=["notify_email", "delivered"])
    await manager.reaches("reached")
    await town.agrees()
    sent = [one for one in theatre.providers.notify.stored if one.to == manager.email]
    assert len(sent) == 1


async def test_a_message_whose_workflow_ended_after_it_arrived_counts_as_arrived(theatre: Theatre) -> None:
    manager = await somebody(theatre)
    town = Town(theatre, manager.authority)
    await manager.told()
    await (await manager.message()).signal("receipt", args=["notify_email", "delivered"])
    await manager.reaches("reached")
    [message] = await manager.messages()
    await theatre.environment.client.get_workflow_handle(message_workflow_id(message)).result()
    async with theatre.store.session() as session:
        await close(session, message, "sending", datetime.now(UTC))
    assert kinds((await town.run()).found) == {Disagreement.MESSAGE_NOT_SENT_BY_ANYBODY}
    assert await manager.state() == "reached"
    await town.agrees()
    async with theatre.store.session() as session:
        await close(session, message, "sending", datetime.now(UTC))
        gone = update(DispatchTable).where(DispatchTable.message_id == message)
        await session.execute(gone.values(taken_at=None))
    assert kinds((await town.run()).found) == {Disagreement.MESSAGE_NOT_SENT_BY_ANYBODY}
    [found] = await town.open()
    assert (found.attempts, found.how) == (0, "its workflow ended, and the rows do not say how")


@pytest.mark.parametrize(("status", "ways"), [("delivered", 1), ("permanent-failure", 2)])
async def test_a_receipt_that_the_message_did_not_hear_is_told(
    theatre: Theatre, providers: Providers, status: str, ways: int
) -> None:
    manager = await somebody(theatre)
    town = Town(theatre, manager.authority)
    await manager.told()
    await manager.message()

    async def taken() -> bool:
        tried = (await manager.dispatches()).get("notify_email")
        return tried is not None and tried.taken_at is not None

    await until(taken)
    assert (await town.run()).found == []

    async def tells_nobody(_: str, __: str, ___: str) -> None:
        """The engine was away."""

    [dispatch] = (await manager.dispatches()).values()
    receipt = NotifyReceipt(id=str(uuid4()), reference=dispatch.reference, status=status)
    await Receipts(theatre.store, "invented", tells_nobody).take(receipt, datetime.now(UTC))
    assert kinds((await town.run()).found) == {Disagreement.RECEIPT_NOT_HEARD}
    await manager.reaches("reached")
    await town.agrees()
    assert len(await manager.dispatches()) == ways


async def test_a_schedule_that_is_missing_or_of_other_times_is_made_as_the_settings_say(theatre: Theatre) -> None:
    town = Town(theatre)
    rules = PostRules(gather_seconds=0, digest_at=(time(8, 30), time(13, 0)))

    def of(rules: PostRules, minutes: int) -> tuple[DigestTimetable, ReconcileTimetable]:
        mine = (town.client, town.authority)
        return DigestTimetable(*mine, rules), ReconcileTimetable(*mine, minutes)

    wanted = of(rules, 15)
    reconciler = town.reconciler(timetables=wanted)
    both = {digest_id(town.authority), reconcile_id(town.authority)}
    for others in (
        (),
        of(rules.model_copy(update={"digest_at": (time(8, 30),)}), 30),
        of(rules.model_copy(update={"digest_at": (time(8, 30), time(13, 1))}), 7),
    ):
        for other in others:
            await other.make()
        found = (await town.run(reconciler)).found
        assert {(one.kind, one.subject) for one in found} == {(Disagreement.SCHEDULE_OTHERWISE, one) for one in both}
        assert [await one.agrees() for one in wanted] == [True, True]
        await town.agrees(reconciler)
    never = of(rules.model_copy(update={"digest_at": ()}), 0)
    unwanted = town.reconciler(timetables=never)
    assert len((await town.run(unwanted)).found) == 2
    await town.agrees(unwanted)


async def test_a_worker_sees_to_its_schedules_when_the_engine_has_lost_them(theatre: Theatre) -> None:
    town = Town(theatre)
    timetable = ReconcileTimetable(town.client, town.authority, 15)
    keeping = asyncio.create_task(keep_timetables([timetable], 0.1))
    await until(timetable.agrees)
    await town.client.get_schedule_handle(reconcile_id(town.authority)).delete()
    await until(timetable.agrees)
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)
    await ReconcileTimetable(town.client, town.authority, 0).make()


async def test_a_policy_that_this_worker_does_not_hold_is_reported_once_for_all_its_episodes(theatre: Theatre) -> None:
    town = Town(theatre)
    episodes = [await town.episode() for _ in range(2)]
    held = (await town.seen(episodes[0])).episode["policy_version"]
    for one in episodes:
        await town.change(one, policy_version="1999.1")
    found = (await town.run()).found
    assert [(one.kind, one.subject) for one in found] == [(Disagreement.POLICY_NOT_HELD, "homeward 1999.1")]
    [report] = await town.open()
    assert (report.attempts, report.how) == (0, "2 open episodes live by it")
    for one in episodes:
        await town.change(one, policy_version=held)
    await town.agrees()
