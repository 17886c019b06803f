"""Numbers of events on PostgreSQL: given in the order of commits, so that no reader passes one that comes later.

SQLite lets one write at a time, and so hides all of this.
"""

import asyncio
from collections.abc import AsyncGenerator
from datetime import timedelta

import pytest
import pytest_asyncio
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from activities.store import Store, events
from activities.store.events import EventPage, append_events, feed_of, read_events
from activities.store.statements import insert_once
from activities.store.tables import EventFeedTable
from tests.store.rows import AT, AUTHORITY
from tests.store.test_races import at_once, within
from workflows.event_kinds import EventKind
from workflows.events import Event

WRITERS, TIMES = 6, 12


@pytest_asyncio.fixture
async def store(application_url: str) -> AsyncGenerator[Store]:
    opened = Store(application_url)
    yield opened
    await opened.close()


def event(id: str) -> Event:
    return Event(id=id, kind=EventKind.FACT_RECORDED, episode_id="e1", at=AT, data={"fact": id})


async def add(session: AsyncSession, id: str) -> None:
    await append_events(session, AUTHORITY, [event(id), event(f"{id}-too")])


class Reader:
    """Reads on from its cursor, as a receiver does."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.cursor = 0
        self.read: list[str] = []

    async def read_on(self) -> None:
        async with self._store.snapshot() as session:
            page = await read_events(session, AUTHORITY, self.cursor, 100)
        assert isinstance(page, EventPage)
        self.read += [one.id for one in page.events]
        self.cursor = page.cursor


def take_numbers_carelessly(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give numbers as a sequence of the database does: at once, whoever commits when."""

    async def nobody_waits(*_: object) -> None:
        return None

    async def numbers(_: AsyncSession, authority: str, count: int) -> int:
        async with store.session() as own:
            await insert_once(own, EventFeedTable, {"authority": authority, "last": 0, "dropped": 0})
            taken = update(EventFeedTable).values(last=EventFeedTable.last + count).returning(EventFeedTable.last)
            return (await own.execute(taken)).scalar_one() - count + 1

    monkeypatch.setattr(events, "take_turns", nobody_waits)
    monkeypatch.setattr(events, "_numbers", numbers)


@pytest.mark.parametrize("careless", [False, True])
async def test_who_commits_later_has_the_higher_number(
    store: Store, careless: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second half shows that the first can fail."""
    if careless:
        take_numbers_carelessly(store, monkeypatch)
    reader = Reader(store)

    async def second() -> None:
        await within(store, lambda s: add(s, "b"))
        await reader.read_on()

    _, _, waited = await at_once(store, lambda s: add(s, "a"), second)
    await reader.read_on()
    assert waited is not careless
    assert reader.read == (["b", "b-too"] if careless else ["a", "a-too", "b", "b-too"])


@pytest.mark.parametrize("careless", [False, True])
async def test_a_reader_beside_many_writers_misses_nothing(
    store: Store, careless: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if careless:
        take_numbers_carelessly(store, monkeypatch)
    pauses = [
        [timedelta(milliseconds=(number * 7 + time * 5) % 12) for time in range(TIMES)] for number in range(WRITERS)
    ]

    async def write(number: int) -> None:
        for time, pause in enumerate(pauses[number]):
            async with store.session() as session:
                await add(session, f"{number}-{time}")
                await asyncio.sleep(pause.total_seconds())

    reader = Reader(store)
    writing = asyncio.gather(*(write(number) for number in range(WRITERS)))
    while not writing.done():
        await reader.read_on()
        await asyncio.sleep(0.001)
    await writing
    await reader.read_on()
    wanted = {f"{n}-{t}{too}" for n in range(WRITERS) for t in range(TIMES) for too in ("", "-too")}
    assert (set(reader.read) == wanted) is not careless
    if not careless:
        assert len(reader.read) == len(wanted) == reader.cursor, "each once, and no number left out"


async def test_who_gives_up_leaves_no_gap(store: Store) -> None:
    _, _, waited = await at_once(
        store, lambda s: add(s, "a"), lambda: within(store, lambda s: add(s, "b")), gives_up=True
    )
    assert waited
    reader = Reader(store)
    await reader.read_on()
    assert (reader.read, reader.cursor) == (["b", "b-too"], 2)


async def test_two_authorities_do_not_wait_for_one_another(store: Store) -> None:
    _, _, waited = await at_once(
        store,
        lambda s: add(s, "a"),
        lambda: within(store, lambda s: append_events(s, "another", [event("b")])),
    )
    assert not waited
    assert (await within(store, lambda s: feed_of(s, "another"))).last == 1


async def test_the_same_event_told_twice_at_once_is_told_once(store: Store) -> None:
    _, _, waited = await at_once(store, lambda s: add(s, "a"), lambda: within(store, lambda s: add(s, "a")))
    assert waited
    assert (await within(store, lambda s: feed_of(s, AUTHORITY))).last == 2
