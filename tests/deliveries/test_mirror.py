"""A receiver that mirrors episodes from events alone stands in the end as the store does, whatever went wrong."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from activities.channels.base import Answer, Taken
from activities.notify import put_in_tray
from activities.store import Store
from activities.store.episodes import write_changes
from activities.store.subscriptions import resend
from tests.deliveries.desk import RULES, Desk, Receiver, opened
from tests.standins.faults import LOST, STORED_BUT_LOST, Fault, refuses
from tests.standins.webhooks import Hooked
from tests.store.mirror import Mirror, picture_of
from tests.store.rows import AUTHORITY, order
from tests.store.turns import Life, a_whole_life, fact
from workflows.contracts import EpisodeChanges
from workflows.fact_kinds import FactKind
from workflows.facts import Fact

FAULTS = (None, None, refuses(500), refuses(500, stored=True), refuses(404), LOST, STORED_BUT_LOST, refuses(503))
KINDS = (
    "located",
    "returned",
    "rhi_offered",
    "rhi_declined",
    "meeting_held",
    "withdrawn",
    "task_taken",
    "recorded_in_error",
)


def life_of(episode_id: str, drawn: list[tuple[str, float]]) -> list[EpisodeChanges]:
    """An episode of these facts, each so many hours after the one before, and a turn now and then without any."""
    life, hours = Life(episode_id), 0.1
    turns = [life.turn(hours, fact("reported", 0, "f0"))]
    for number, (kind, later) in enumerate(drawn, start=1):
        hours += later
        turns.append(life.turn(hours, *_facts(kind, hours, number)))
    turns.append(life.turn(hours + 1000))
    return [*turns, life.turn(hours + 1001, closed=True)]


def _facts(kind: str, hours: float, number: int) -> list[Fact]:
    about: dict[str, dict[str, str]] = {
        "meeting_held": {"meeting": "strategy"},
        "withdrawn": {"fact": f"f{number // 2}"},
        "task_taken": {"task": "rhi", "person": f"w{number}"},
        "recorded_in_error": {"reason": "Invented"},
    }
    return [] if kind == "nothing" else [fact(FactKind(kind), hours, f"f{number}", **about.get(kind, {}))]


lives = st.lists(
    st.lists(st.tuples(st.sampled_from([*KINDS, "nothing"]), st.sampled_from([0.2, 5.0, 30.0, 80.0])), max_size=6),
    min_size=1,
    max_size=3,
)


async def lived_and_mirrored(folder: Path, drawn: list[list[tuple[str, float]]], faults: list[Fault | None]) -> None:
    """Live the lives side by side while every request goes wrong in its way; compare in the end."""
    async with opened(f"sqlite+aiosqlite:///{folder / f'{os.urandom(8).hex()}.sqlite'}") as store:
        with Receiver() as receiver:
            desk, mirror = Desk(store), Mirror()
            await desk.subscribe(receiver)
            receiver.posts.next(*faults)
            waiting = [life_of(f"e{number}", life) for number, life in enumerate(drawn)]
            while any(waiting):
                for life in filter(None, waiting):
                    async with store.session() as session:
                        await write_changes(session, life.pop(0))
                await desk.deliver()
                desk.now += timedelta(minutes=1)
            receiver.posts.clear()
            await desk.pass_time(timedelta(days=2), timedelta(hours=2))
            for one in receiver.received:
                mirror.take(one.body)
            assert await desk.dead() == []
            assert mirror.picture == await picture_of(store, AUTHORITY)
            assert in_order_within_episodes(receiver.received)
            read = Mirror()
            await read.read_on(store, AUTHORITY)
            assert read.picture == mirror.picture


def in_order_within_episodes(received: list[Hooked]) -> bool:
    """Whether each episode's events came in the feed's order, but for what came again."""
    last, seen = dict[str, str](), set[str]()
    for one in received:
        if one.webhook_id in seen:
            continue
        seen.add(one.webhook_id)
        if one.body["sequence"] < last.get(one.body["subject"], ""):
            return False
        last[one.body["subject"]] = one.body["sequence"]
    return True


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drawn=lives, faults=st.lists(st.sampled_from(FAULTS), max_size=40))
def test_whatever_happens_a_mirror_of_webhooks_stands_as_the_store_does(
    tmp_path: Path, drawn: list[list[tuple[str, float]]], faults: list[Fault | None]
) -> None:
    asyncio.run(lived_and_mirrored(tmp_path, drawn, faults))


async def test_a_mirror_that_was_killed_reads_on_by_its_cursor(store: Store) -> None:
    """It had taken webhooks and forgot them; what it kept is a picture and a cursor of some time before."""
    desk, kept = Desk(store), Mirror()
    with Receiver() as receiver:
        await desk.subscribe(receiver)
        for number, turn in enumerate(a_whole_life()):
            async with store.session() as session:
                await write_changes(session, turn)
                if number == 3:
                    await put_in_tray(session, order("e1/rhi/ask/1/iro"))
            await desk.deliver()
            if number == 4:
                await kept.read_on(store, AUTHORITY)
        await kept.read_on(store, AUTHORITY)
        assert kept.picture == await picture_of(store, AUTHORITY)
        # The webhooks that come again meanwhile change nothing.
        for one in receiver.received:
            kept.take(one.body)
    assert kept.picture == await picture_of(store, AUTHORITY)


async def test_a_dead_letter_that_comes_late_overwrites_nothing_newer(store: Store) -> None:
    desk, mirror = Desk(store), Mirror()
    with Receiver() as receiver:
        id = await desk.subscribe(receiver)
        first, *rest = a_whole_life()
        async with store.session() as session:
            await write_changes(session, first)
        await mirror.read_on(store, AUTHORITY)
        poison = next(key for key in mirror._seen)
        receiver.cannot_take[poison] = 422
        await desk.pass_time(timedelta(days=2), timedelta(minutes=30))
        for turn in rest:
            async with store.session() as session:
                await write_changes(session, turn)
        await desk.deliver()
        receiver.cannot_take.clear()
        async with store.session() as session:
            assert await resend(session, id, desk.now) == 1
        await desk.deliver()
        assert receiver.ids[-1] == poison
        late = Mirror()
        for one in receiver.received:
            late.take(one.body)
    assert late.picture == await picture_of(store, AUTHORITY)


class EndedError(Exception):
    """The process ended here."""


class Steps:
    """Ends the process at the so-manieth step of its work."""

    def __init__(self, ends_at: int) -> None:
        self.left = ends_at

    def step(self) -> None:
        self.left -= 1
        if self.left == 0:
            raise EndedError


class StoreThatEnds:
    """A store in which the process may end before, within and after each transaction."""

    def __init__(self, store: Store, steps: Steps) -> None:
        self._store = store
        self._steps = steps

    @asynccontextmanager
    async def session(self) -> AsyncGenerator[Any]:
        self._steps.step()
        async with self._store.session() as session:
            yield session
            await session.flush()
            self._steps.step()
        self._steps.step()


class SenderThatEnds:
    """A sender to a receiver in this process: it may end before the receiver has stored an event, and after."""

    def __init__(self, received: list[str], steps: Steps) -> None:
        self._received = received
        self._steps = steps

    async def send(self, url: str, secrets: tuple[str, ...], event_id: str, body: str) -> Answer:  # noqa: ARG002
        self._steps.step()
        self._received.append(event_id)
        self._steps.step()
        return Taken(delivered=True)


@pytest.mark.long
async def test_a_worker_may_end_at_any_step_and_no_event_is_lost_or_out_of_order(tmp_path: Path) -> None:
    """A worker that ends before it lets go leaves its hold behind, as one that was killed does."""
    ends_at, ended, twice = 0, True, 0
    while ended:
        ends_at += 1
        received: list[str] = []
        async with opened(f"sqlite+aiosqlite:///{tmp_path / f'{ends_at}.sqlite'}") as store:
            desk, steps = Desk(store), Steps(ends_at)
            with Receiver() as receiver:
                id = await desk.subscribe(receiver)
            await desk.tell("a", "b", "c")
            worker = desk.worker(SenderThatEnds(received, steps))
            worker._store = cast("Store", StoreThatEnds(store, steps))
            try:
                await worker.deliver_to(id)
            except EndedError:
                ended = True
            else:
                ended = False
            desk.now += RULES.hold
            await desk.worker(SenderThatEnds(received, Steps(0))).deliver_to(id)
            assert list(dict.fromkeys(received)) == ["a", "b", "c"], ends_at
            assert len(received) <= 4, "what was not written down is sent once more, and no more than that"
            assert (await desk.subscription()).position == 3
            twice += len(received) == 4
    assert ends_at > 20, "it was ended at every step of three events"
    assert twice >= 3, "between sending and writing down, at least"


KILLED = """
import asyncio, sys
from activities.delivery_rules import DeliveryRules
from activities.event_sender import EventSender
from activities.store import Store
from starter.deliveries import Deliveries

rules = DeliveryRules(attempt_seconds=2.0, margin_seconds=1.0, poll_seconds=0.1)
sender = EventSender(private=True, timeout=2.0)
asyncio.run(Deliveries(Store(sys.argv[1]), sender, rules).run(asyncio.Event()))
"""


@pytest.fixture
def receiver() -> Generator[Receiver]:
    with Receiver() as up:
        yield up


async def test_a_process_killed_between_sending_and_writing_down_is_taken_over_from(
    database_url: str, receiver: Receiver
) -> None:
    async with opened(database_url) as store:
        desk = Desk(store)
        await desk.subscribe(receiver)
        await desk.tell(*(f"x{number}" for number in range(12)))
        processes: list[subprocess.Popen[bytes]] = []

        def begin() -> None:
            processes.append(subprocess.Popen([sys.executable, "-c", KILLED, database_url]))

        def kill(one: Hooked) -> None:
            # Stored, and not yet answered: the process cannot have written it down.
            if receiver.ids.count(one.webhook_id) == 1 and one.webhook_id in ("x2", "x7"):
                processes[-1].send_signal(signal.SIGKILL)
                processes[-1].wait()
                begin()

        receiver.on_store = kill
        begin()
        try:
            async with asyncio.timeout(60):
                while "x11" not in receiver.ids:  # noqa: ASYNC110 - nothing in the stand-in's threads can wake this loop
                    await asyncio.sleep(0.05)
        finally:
            processes[-1].kill()
            processes[-1].wait()
    assert len(processes) == 3
    assert list(dict.fromkeys(receiver.ids)) == [f"x{number}" for number in range(12)]
    assert [id for id in receiver.ids if receiver.ids.count(id) > 1] == ["x2", "x2", "x7", "x7"]
