"""Answers in the store: which notices a fact answers, and what a tray still wants."""

from collections.abc import AsyncGenerator
from datetime import datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from activities.store import Store
from activities.store.answers import settle_answers, tray_of
from activities.store.directory import PersonEntry, person_id, put_person
from activities.store.statements import upsert
from activities.store.tables import EpisodeTable, FactTable, NoticeTable, RecipientTable
from tests.workflows.builders import fact
from workflows.facts import Fact
from workflows.instants import parse_instant

pytestmark = pytest.mark.asyncio
TEN = parse_instant("2026-11-24T10:00:00Z")
EPISODE = "11111111-1111-4111-8111-111111111111"
ROW: dict[str, Any] = {
    "id": EPISODE,
    "authority": "local",
    "policy": "homeward",
    "policy_version": "1",
    "calendar_version": "1",
    "status": "returned",
    "turn": 1,
    "written_at": TEN,
}


@pytest_asyncio.fixture
async def store(sqlite_url: str) -> AsyncGenerator[Store]:
    opened = Store(sqlite_url)
    await opened.make_ready()
    await put(opened, EpisodeTable, **ROW)
    yield opened
    await opened.close()


async def put(store: Store, table: type[Any], **values: Any) -> None:
    async with store.session() as session:
        await upsert(session, table, values)


async def put_notice(store: Store, rung: str, sent_at: datetime, **more: Any) -> str:
    """A notice about the interview whose own time is ten o'clock."""
    key = f"{EPISODE}/rhi/{rung}/1/team_manager"
    whole: dict[str, Any] = {"key": key, "episode_id": EPISODE, "authority": "local", "clock": "rhi", "rung": rung}
    whole |= {"role": "team_manager", "channel": None, "needs_ack": True, "escalates": True, "says": "Invented"}
    whole |= {"at": TEN, "due": None, "sent_at": sent_at, "acknowledged_at": None, "acknowledged_by": None}
    await put(store, NoticeTable, **whole | more)
    return key


async def put_fact(store: Store, one: Fact) -> None:
    about = {"kind": one.kind.value, "at": one.at, "recorded_at": one.recorded_at}
    await put(store, FactTable, episode_id=EPISODE, id=one.id, body=one.model_dump(mode="json"), **about)


def answer(at: str, id: str, by: str | None = "p1", clock: str = "rhi") -> Fact:
    said = {"clock": clock, "role": "team_manager", "recorded_by": "p9"} | ({"by": by} if by else {})
    return fact(f"acknowledged 2026-11-24T{at}Z {id}", **said)


def takes_back(id: str) -> Fact:
    return fact("withdrawn 2026-11-24T12:00:00Z w", fact=id, reason="invented")


# Facts in the order in which they come; who answered notices that lay in the tray from 10:00 and from 11:00
CASES: dict[str, tuple[list[Fact], str | None, str | None]] = {
    "an answer after both": ([answer("11:30:00", "a")], "p1", "p1"),
    "an answer to the first is none to the second": ([answer("10:30:00", "a")], "p1", None),
    "an answer before either": ([answer("09:59:59", "a")], None, None),
    "an answer about something else": ([answer("11:30:00", "a", clock="visit")], None, None),
    "two answer: the earlier counts, whichever comes first": (
        [answer("11:31:00", "a", by="p2"), answer("11:30:00", "b")],
        "p1",
        "p1",
    ),
    "each of two answers another": ([answer("10:30:00", "a"), answer("11:30:00", "b", by="p2")], "p1", "p2"),
    "taken back": ([answer("11:30:00", "a"), takes_back("a")], None, None),
    "the first of two taken back": (
        [answer("11:30:00", "a"), answer("11:31:00", "b", "p2"), takes_back("a")],
        "p2",
        "p2",
    ),
    "corrected to an earlier time": (
        [answer("11:30:00", "a"), answer("10:30:00", "b").model_copy(update={"replaces": "a"})],
        "p1",
        None,
    ),
    "nobody named: whoever recorded it": ([answer("11:30:00", "a", by=None)], "p9", "p9"),
}


@pytest.mark.parametrize("case", CASES)
async def test_which_notices_an_answer_answers(store: Store, case: str) -> None:
    facts, first, second = CASES[case]
    keys = [await put_notice(store, "escalate", TEN), await put_notice(store, "climb", TEN + timedelta(hours=1))]
    untouched = await put_notice(store, "warn", TEN, needs_ack=False)
    for one in facts:
        await put_fact(store, one)
        async with store.session() as session:
            await settle_answers(session, EPISODE, (one,))
    async with store.session() as session:
        rows = [await session.get(NoticeTable, key) for key in (*keys, untouched)]
    assert [row.acknowledged_by if row else "" for row in rows] == [first, second, None]
    assert [bool(row and row.acknowledged_at) for row in rows] == [first is not None, second is not None, False]


async def test_a_tray_wants_no_answer_about_an_episode_that_takes_none(store: Store) -> None:
    async with store.session() as session:
        await put_person(session, "local", PersonEntry(reference="p1", name="Invented"))
        person = await person_id(session, "local", "p1")
    assert person is not None
    key = await put_notice(store, "escalate", TEN)
    about: dict[str, Any] = {"notice_key": key, "person_id": person, "cover": "holder", "of_absence": False}
    about |= {"in_digest": False, "read_at": TEN}
    seen: list[list[str]] = []
    for closed_at in (None, TEN):
        await put(store, EpisodeTable, **ROW, closed_at=closed_at)
        await put(store, RecipientTable, **about)
        async with store.session() as session:
            wanted, everything = await tray_of(session, person), await tray_of(session, person, everything=True)
        seen += [[one.line.notice for one in wanted], [one.line.notice for one in everything]]
    assert seen == [[key], [key], [], [key]]
