"""The feed: each turn and notice tells what it changed, once, with its own writing; read by cursor, dropped by age."""

import json
from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from activities.cloud_events import as_object, written
from activities.notify import put_in_tray
from activities.store import Store
from activities.store import post as store_post
from activities.store.episodes import write_changes
from activities.store.events import (
    CursorGone,
    EventPage,
    NumberedEvent,
    append_events,
    drop_events,
    feed_of,
    read_events,
)
from activities.store.subscriptions import Subscription, add_subscription, change_subscription
from activities.store.tables import EventTable
from tests.store.mirror import Mirror, picture_of
from tests.store.rows import AT, AUTHORITY, LATER, acknowledged, changes, order, two_people_told
from tests.store.turns import NOON, PLACE, a_whole_life, after
from workflows.contracts import EpisodeChanges
from workflows.event_kinds import EventKind
from workflows.events import Event
from workflows.fact_kinds import FactKind
from workflows.facts import Fact


async def write(store: Store, *turns: EpisodeChanges) -> None:
    for turn in turns:
        async with store.session() as session:
            await write_changes(session, turn)


async def feed(store: Store, authority: str = AUTHORITY) -> list[NumberedEvent]:
    async with store.snapshot() as session:
        page = await read_events(session, authority, 0, 10_000)
    assert isinstance(page, EventPage)
    return page.events


async def kinds(store: Store) -> list[str]:
    return [event.kind.value.removeprefix("homeward.") for event in await feed(store)]


async def test_who_reads_the_feed_has_what_the_store_has(store: Store) -> None:
    mirror = Mirror()
    for turn in a_whole_life():
        await write(store, turn)
        await mirror.read_on(store, AUTHORITY)
        assert mirror.picture == await picture_of(store, AUTHORITY), f"after turn {turn.turn}"
    told = Counter(await kinds(store))
    assert told["episode.begun"] == told["episode.closed"] == 1
    assert (told["task.taken"], told["task.handed-over"], told["task.given-back"]) == (1, 1, 1)
    assert told["clock.withdrawn"] > 0, "the return was withdrawn"
    assert [event.number for event in await feed(store)] == list(range(1, sum(told.values()) + 1))


async def test_a_turn_written_again_tells_nothing_again(store: Store) -> None:
    life = a_whole_life()
    for turn in life:
        await write(store, turn, turn)
    once = [event.id for event in await feed(store)]
    await write(store, *life)
    assert [event.id for event in await feed(store)] == once
    assert len(set(once)) == len(once)


async def test_the_same_events_have_the_same_ids_in_another_store(store: Store, tmp_path: object) -> None:
    other = Store(f"sqlite+aiosqlite:///{tmp_path}/other.sqlite")
    await other.upgrade()
    for one in (store, other):
        await write(one, *a_whole_life())
    assert [written(event) for event in await feed(store)] == [written(event) for event in await feed(other)]
    await other.close()


async def test_a_turn_that_is_undone_tells_nothing(store: Store) -> None:
    async with store.session() as session:
        assert await write_changes(session, a_whole_life()[0])
        await session.rollback()
    assert await feed(store) == []
    await write(store, a_whole_life()[0])
    assert (await feed(store))[0].number == 1, "numbers have no gap"


async def test_an_event_says_nothing_in_free_words(store: Store) -> None:
    await write(store, *a_whole_life())
    async with store.session() as session:
        await put_in_tray(session, order("e1/rhi/ask/1/iro", says="A notice about INVENTED-7"))
    said = " ".join(written(event) for event in await feed(store))
    for words in (PLACE, "Invented Worker", "invented source", "INVENTED-7", "2011-05-14", '"w1"', '"w2"'):
        assert words not in said
    assert '"taken": true' in said, "that somebody has a task is told, and not who"


async def test_an_event_is_a_cloud_event(store: Store) -> None:
    await write(store, a_whole_life()[0])
    begun = as_object((await feed(store))[0])
    data = begun.pop("data")
    assert begun == {
        "specversion": "1.0",
        "id": begun["id"],
        "source": "/authorities/invented",
        "type": "homeward.episode.begun",
        "subject": "e1",
        "time": "2026-06-10T12:06:00Z",
        "datacontenttype": "application/json",
        "sequence": "0000000000000000001",
    }
    assert (data["status"], data["missing_since"]) == ("missing", "2026-06-10T12:00:00Z")


async def test_a_notice_is_told_once_however_often_it_is_sent(store: Store) -> None:
    for _ in range(2):
        async with store.session() as session:
            await put_in_tray(session, order("n1"))
    [event] = await feed(store)
    assert (event.kind, event.data["notice"], event.data["people"]) == (EventKind.NOTICE_SENT, "n1", 0)


async def test_an_answer_is_told_and_so_is_its_end(store: Store) -> None:
    await write(store, changes(1))
    async with store.session() as session:
        await put_in_tray(session, order("n1"))
    asked = (await feed(store))[-1].at
    answer = acknowledged("f1", asked + timedelta(minutes=1), "one")
    back = Fact(id="f2", kind=FactKind.WITHDRAWN, at=AT, recorded_at=AT, details={"fact": "f1"})
    await write(store, changes(2, (answer,)), changes(3, (back,)))
    told = [(event.kind, event.data.get("answered_at")) for event in await feed(store) if "notice" in event.kind.value]
    assert [kind for kind, _ in told] == [
        EventKind.NOTICE_SENT,
        EventKind.NOTICE_ANSWERED,
        EventKind.NOTICE_ANSWER_WITHDRAWN,
    ]
    assert told[1][1] is not None
    assert told[2][1] is None


async def test_what_became_of_a_message_is_told_of_its_notices_and_never_its_id(store: Store) -> None:
    await two_people_told(store)
    for state, at in (("unreached", AT), ("unreached", LATER), ("given_up", LATER), ("reached", LATER)):
        async with store.session() as session:
            await store_post.close(session, "m1", state, at)
    assert await kinds(store) == ["notice.unreached", "notice.reached"]
    assert not any("m1" in written(event) for event in await feed(store))


async def test_each_authority_has_its_own_feed_and_numbers(store: Store) -> None:
    await write(store, *a_whole_life("e1", "north")[:2], *a_whole_life("e2", "south")[:1])
    north, south = await feed(store, "north"), await feed(store, "south")
    assert {event.episode_id for event in north} == {"e1"}
    assert {event.episode_id for event in south} == {"e2"}
    assert north[0].number == south[0].number == 1
    async with store.snapshot() as session:
        assert await read_events(session, "nowhere", 0, 10) == EventPage(events=[], cursor=0, more=False)


async def test_a_feed_is_read_in_pages_and_by_kind_and_the_cursor_passes_what_is_not_wanted(store: Store) -> None:
    await write(store, *a_whole_life())
    everything = await feed(store)
    last = everything[-1].number
    for wanted in (
        frozenset[str](),
        frozenset({EventKind.TASK_DONE.value}),
        frozenset({EventKind.EPISODE_BEGUN.value}),
    ):
        cursor, found, more = 0, list[NumberedEvent](), True
        while more:
            async with store.snapshot() as session:
                page = await read_events(session, AUTHORITY, cursor, 3, wanted)
            assert isinstance(page, EventPage)
            assert len(page.events) <= 3
            found, cursor, more = found + page.events, page.cursor, page.more
        assert found == [event for event in everything if not wanted or event.kind.value in wanted]
        assert cursor == last


@pytest.mark.parametrize(("after_number", "gone"), [(0, True), (4, True), (5, False), (14, False), (15, True)])
async def test_a_cursor_that_leads_nowhere_says_where_to_go_on(store: Store, after_number: int, gone: bool) -> None:
    await write(store, a_whole_life()[0])
    async with store.session() as session:
        young = select(EventTable).where(EventTable.number > 5)
        for event in (await session.scalars(young)).all():
            event.at = after(2)
    async with store.session() as session:
        assert await drop_events(session, AUTHORITY, after(1)) == 5
        assert await drop_events(session, AUTHORITY, after(1)) == 0
    async with store.snapshot() as session:
        found = await read_events(session, AUTHORITY, after_number, 100)
    if gone:
        assert found == CursorGone(cursor=14, dropped=5)
    else:
        assert isinstance(found, EventPage)
        assert [event.number for event in found.events] == list(range(after_number + 1, 15))


@pytest.mark.parametrize(
    ("state", "position", "dropped"), [("active", 3, 3), ("active", 14, 14), ("paused", 3, 14), ("gone", 0, 14)]
)
async def test_what_an_active_webhook_waits_for_is_not_dropped(
    store: Store, state: str, position: int, dropped: int
) -> None:
    await write(store, a_whole_life()[0])
    other = Subscription(
        id="s1", authority=AUTHORITY, name="x", url="u", kinds=(), secret="s", position=position, created_at=NOON
    )
    async with store.session() as session:
        await add_subscription(session, other)
        await add_subscription(session, other.model_copy(update={"id": "s2", "authority": "else", "position": 0}))
        await change_subscription(session, "s1", state=state)
    async with store.session() as session:
        assert await drop_events(session, AUTHORITY, after(1000)) == dropped
        assert (await feed_of(session, AUTHORITY)).dropped == dropped


async def test_numbers_go_on_after_everything_was_dropped(store: Store) -> None:
    first, second, *_ = a_whole_life()
    await write(store, first)
    async with store.session() as session:
        await drop_events(session, AUTHORITY, after(1000))
    await write(store, second)
    async with store.snapshot() as session:
        page = await read_events(session, AUTHORITY, 14, 100)
        assert isinstance(page, EventPage)
        assert page.events[0].number == 15
        assert await session.scalar(select(func.count()).select_from(EventTable)) == len(page.events)


async def test_an_event_that_is_there_takes_no_number(store: Store) -> None:
    await write(store, a_whole_life()[0])
    again = await feed(store)
    async with store.session() as session:
        told = [Event.model_validate(event.model_dump(include=set(Event.model_fields))) for event in again]
        await append_events(session, AUTHORITY, told)
        assert (await feed_of(session, AUTHORITY)).last == len(again)
    assert json.loads(written(again[0]))["data"]
