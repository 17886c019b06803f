"""Delivering events: in an episode's order, again after a failure, dead after the last try, and nobody held up."""

import asyncio
import time
from collections.abc import Callable, Generator
from datetime import timedelta
from functools import partial

import pytest

from activities.delivery_rules import DeliveryRules, Verdict
from activities.store import Store
from activities.store.deliveries import Delivery, next_delivery, take_hold, write_down
from activities.store.subscriptions import change_subscription, remove_subscription, resend, resume_subscription
from activities.store.tables import SubscriptionTable
from starter.deliveries import Deliveries
from tests.deliveries.desk import RULES, Desk, Receiver
from tests.standins.faults import LOST, STORED_BUT_LOST, refuses, slow
from tests.standins.webhooks import SECRET
from workflows.event_kinds import EventKind

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


@pytest.fixture
def receiver() -> Generator[Receiver]:
    with Receiver() as up:
        yield up


@pytest.fixture
def desk(store: Store) -> Desk:
    return Desk(store)


async def until(true: Callable[[], bool]) -> None:
    """Wait for what happens in the stand-in's threads."""
    give_up = time.monotonic() + 10
    while not true():
        assert time.monotonic() < give_up
        await asyncio.sleep(0.01)


def _came(receiver: Receiver, id: str) -> bool:
    return id in receiver.ids


async def test_events_arrive_once_and_in_order(desk: Desk, receiver: Receiver) -> None:
    await desk.tell("before")
    await desk.subscribe(receiver)
    await desk.tell("a", "b")
    await desk.tell("c", episode="e2")
    await desk.deliver()
    await desk.deliver()
    assert receiver.ids == ["a", "b", "c"], "and nothing from before it subscribed"
    first = receiver.received[0].body
    assert (first["id"], first["subject"], first["sequence"]) == ("a", "e1", f"{2:019}")
    one = await desk.subscription()
    assert (one.position, one.failures, one.last_taken_at, one.last_failure) == (4, 0, desk.now, None)


@pytest.mark.parametrize(
    ("kinds", "ids"),
    [
        ((), ["f", "t", "d"]),
        (("homeward.task",), ["t", "d"]),
        (("homeward.task.done", "homeward.fact"), ["f", "d"]),
        (("homeward.episode.closed",), []),
    ],
)
async def test_a_receiver_gets_the_types_it_wants(
    desk: Desk, receiver: Receiver, kinds: tuple[str, ...], ids: list[str]
) -> None:
    await desk.subscribe(receiver, kinds=kinds)
    await desk.tell("f")
    await desk.tell("t", kind=EventKind.TASK_OPENED)
    await desk.tell("d", kind=EventKind.TASK_DONE)
    await desk.deliver()
    assert receiver.ids == ids
    assert (await desk.backlog()).behind == 0, "what is not wanted is passed"


async def test_an_event_that_fails_holds_up_its_own_episode_only(desk: Desk, receiver: Receiver) -> None:
    await desk.subscribe(receiver)
    await desk.tell("a1")
    await desk.tell("b1", episode="e2")
    await desk.tell("a2")
    await desk.tell("b2", episode="e2")
    receiver.posts.next(refuses(500))
    await desk.deliver()
    assert receiver.ids == ["b1", "b2"]
    backlog = await desk.backlog()
    assert (backlog.behind, backlog.waiting, backlog.dead) == (0, 2, 0)
    await desk.deliver()
    assert receiver.ids == ["b1", "b2"], "its pause is not over"
    desk.now += RULES.pauses[0]
    await desk.deliver()
    assert receiver.ids == ["b1", "b2", "a1", "a2"]
    assert (await desk.backlog()).waiting == 0


async def test_an_answer_that_is_lost_brings_the_event_twice_under_one_id(desk: Desk, receiver: Receiver) -> None:
    await desk.subscribe(receiver)
    await desk.tell("a", "b")
    receiver.posts.next(STORED_BUT_LOST)
    await desk.deliver()
    desk.now += RULES.pauses[0]
    await desk.deliver()
    assert receiver.ids == ["a", "a", "b"]
    assert receiver.asked[0].body == receiver.asked[1].body, "the same to the letter"


async def test_after_the_last_try_an_event_is_dead_and_those_after_it_go_on(desk: Desk, receiver: Receiver) -> None:
    await desk.subscribe(receiver)
    await desk.tell("a1", "poison", "a2")
    receiver.cannot_take["poison"] = 500
    await desk.deliver()
    assert receiver.ids == ["a1"]
    await desk.pass_time(DAY + 4 * MINUTE, 4 * MINUTE)
    assert receiver.ids == ["a1", "a2"]
    [dead] = await desk.dead()
    assert (dead.event_id, dead.reason, dead.tries) == ("poison", "http 500", len(RULES.pauses) + 1)
    asked = [asked.headers["webhook-id"] for asked in receiver.asked]
    assert asked.count("poison") == len(RULES.pauses) + 1
    receiver.cannot_take.clear()
    await desk.deliver()
    assert receiver.ids == ["a1", "a2"], "a dead letter is not tried again by itself"
    async with desk.store.session() as session:
        assert await resend(session, dead.subscription_id, desk.now, "nothing-of-that-id") == 0
        assert await resend(session, dead.subscription_id, desk.now, "poison") == 1
    await desk.deliver()
    assert receiver.ids == ["a1", "a2", "poison"]
    assert await desk.dead() == []


async def test_a_poison_holds_up_no_other_child_for_long(desk: Desk, receiver: Receiver) -> None:
    await desk.subscribe(receiver)
    for number in range(5):
        await desk.tell(f"poison-{number}", episode=f"p{number}")
        receiver.cannot_take[f"poison-{number}"] = 500
    await desk.tell("good", episode="another")
    await desk.pass_time(40 * MINUTE, MINUTE)
    assert receiver.ids == ["good"]


async def test_a_receiver_that_is_gone_is_sent_nothing_more_until_it_is_resumed(desk: Desk, receiver: Receiver) -> None:
    id = await desk.subscribe(receiver)
    await desk.tell("a", "b")
    receiver.posts.next(refuses(410))
    await desk.deliver()
    await desk.pass_time(DAY, DAY / 4)
    one = await desk.subscription()
    assert (one.state, one.last_failure, len(receiver.asked)) == ("gone", "http 410", 1)
    async with desk.store.session() as session:
        assert await resume_subscription(session, one) == 0
    await desk.deliver()
    assert (receiver.ids, id) == (["a", "b"], one.id)


async def test_what_happens_while_paused_waits(desk: Desk, receiver: Receiver) -> None:
    id = await desk.subscribe(receiver)
    async with desk.store.session() as session:
        await change_subscription(session, id, state="paused")
    await desk.tell("a")
    await desk.deliver()
    assert receiver.asked == []
    async with desk.store.session() as session:
        await resume_subscription(session, await desk.subscription())
    await desk.deliver()
    assert receiver.ids == ["a"]


async def test_one_that_is_paused_while_it_is_sent_to_gets_no_further_event(desk: Desk, receiver: Receiver) -> None:
    id = await desk.subscribe(receiver)
    await desk.tell("a", "b")

    async def pause() -> None:
        async with desk.store.session() as session:
            await change_subscription(session, id, state="paused")

    receiver.posts.next(slow(0.5))
    delivering = asyncio.create_task(desk.deliver())
    await until(lambda: bool(receiver.received))
    await pause()
    await delivering
    assert receiver.ids == ["a"]
    assert (await desk.backlog()).behind == 1, "and what it took is written down"


async def test_one_that_is_removed_while_it_is_sent_to_is_forgotten(desk: Desk, receiver: Receiver) -> None:
    id = await desk.subscribe(receiver)
    await desk.tell("a", "b")
    receiver.posts.next(slow(0.5))
    delivering = asyncio.create_task(desk.deliver())
    await until(lambda: bool(receiver.received))
    async with desk.store.session() as session:
        await remove_subscription(session, id)
    await delivering
    assert receiver.ids == ["a"]


async def test_while_a_receiver_is_away_its_events_are_not_tried_to_death(desk: Desk, receiver: Receiver) -> None:
    await desk.subscribe(receiver)
    for number in range(100):
        await desk.tell(f"x{number}", episode=f"e{number}")
    receiver.down()
    await desk.pass_time(DAY / 2, 5 * MINUTE)
    backlog = await desk.backlog()
    assert (backlog.dead, backlog.behind + backlog.waiting) == (0, 100)
    assert backlog.waiting <= RULES.rest_after + (12 * 12) // RULES.tries_anew + 1
    receiver.up()
    await desk.pass_time(DAY, 30 * MINUTE)
    assert sorted(receiver.ids) == sorted(f"x{number}" for number in range(100))


async def test_a_slow_receiver_holds_up_nobody(desk: Desk, receiver: Receiver) -> None:
    with Receiver() as other:
        other.posts.always = slow(0.6)
        await desk.subscribe(other, "a-slow-one")
        await desk.subscribe(receiver, "quick")
        await desk.tell(*(f"x{number}" for number in range(5)))
        began, tasks = time.monotonic(), await desk.deliveries.begin_what_is_due()
        await until(lambda: len(receiver.ids) == 5)
        assert len(other.ids) < 5, f"they went side by side ({time.monotonic() - began:.1f} s)"
        await asyncio.gather(*tasks)
        assert other.ids == receiver.ids


async def test_many_workers_deliver_each_event_once(desk: Desk, receiver: Receiver) -> None:
    await desk.subscribe(receiver)
    await desk.tell(*(f"x{number}" for number in range(20)))
    workers = [desk.worker() for _ in range(4)]
    for _ in range(3):
        await asyncio.gather(*(desk.deliver(worker) for worker in workers))
    assert receiver.ids == [f"x{number}" for number in range(20)]


async def test_a_worker_that_died_is_taken_over_from_in_seconds(desk: Desk, receiver: Receiver) -> None:
    id = await desk.subscribe(receiver)
    await desk.tell("a")
    async with desk.store.session() as session:
        assert await take_hold(session, id, "one that died", desk.now, desk.now + RULES.hold)
    await desk.deliver()
    assert receiver.ids == []
    assert timedelta(seconds=10) <= DeliveryRules().hold <= timedelta(seconds=20)
    desk.now += RULES.hold
    await desk.deliver()
    assert receiver.ids == ["a"]


async def test_who_was_taken_over_from_writes_nothing_down(desk: Desk, receiver: Receiver) -> None:
    id = await desk.subscribe(receiver)
    await desk.tell("a")
    async with desk.store.session() as session:
        assert await take_hold(session, id, "slow", desk.now, desk.now + RULES.hold)
        late = await next_delivery(session, id, "slow", desk.now, desk.now + RULES.hold)
    assert isinstance(late, Delivery)
    desk.now += RULES.hold
    receiver.posts.always = LOST
    await desk.deliver()
    async with desk.store.session() as session:
        assert not await write_down(session, id, "slow", late.parcel, Verdict("taken", 0), now=desk.now)
    assert (await desk.backlog()).waiting == 1, "as the one who took over left it"


async def test_events_go_out_for_as_long_as_it_runs(store: Store, receiver: Receiver) -> None:
    desk = Desk(store, DeliveryRules(poll_seconds=0.05))
    await desk.subscribe(receiver)
    stop = asyncio.Event()
    running = asyncio.create_task(desk.deliveries.run(stop))
    for id in ("a", "b", "c"):
        await desk.tell(id)
        await until(partial(_came, receiver, id))
    await desk.tell("d", "e")
    receiver.posts.always = slow(0.5)
    await until(partial(_came, receiver, "d"))
    stop.set()
    await running
    one = await desk.subscription()
    assert receiver.ids == ["a", "b", "c", "d"], "it finishes what it began, and begins nothing more"
    assert (await desk.backlog()).behind == 1
    assert await held_by(store, one.id) is None, "it has let go"


async def held_by(store: Store, id: str) -> str | None:
    async with store.session() as session:
        return (await session.get_one(SubscriptionTable, id)).held_by


async def test_a_fault_of_one_subscription_ends_no_other(
    desk: Desk, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.subscribe(receiver, "good")
    bad = await desk.subscribe(receiver, "bad")
    real = Deliveries.deliver_to

    async def fails(self: Deliveries, id: str) -> None:
        if id == bad:
            raise RuntimeError("invented")
        await real(self, id)

    monkeypatch.setattr(Deliveries, "deliver_to", fails)
    await desk.tell("a")
    await desk.deliver()
    assert receiver.ids == ["a"]


async def test_no_secret_is_shown(desk: Desk, receiver: Receiver) -> None:
    await desk.subscribe(receiver)
    one = await desk.subscription()
    assert one.secret == SECRET
    assert SECRET not in f"{one!r} {one.model_dump()}"
