"""Two connections at once on PostgreSQL: one has written and is not done when the other begins the same.

SQLite lets one write at a time, and so hides all of this.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, TypeVar

import pytest
import pytest_asyncio
from sqlalchemy import func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from activities import posting
from activities.notify import put_in_tray
from activities.policies import Policies
from activities.posting import Post
from activities.store import Store, StoreUnavailableError, directory, inbox
from activities.store import post as store_post
from activities.store.answers import mark_read
from activities.store.child_records import ChildRecord, add_version
from activities.store.directory import PersonEntry, add_or_lengthen, put_person
from activities.store.drafts import Draft, drop_draft, save_draft
from activities.store.episodes import episode_view, write_changes
from activities.store.policies_in_use import claim
from activities.store.statements import insert_once, upsert_all
from activities.store.tables import (
    ChildTable,
    DraftTable,
    EpisodeTable,
    HoldingTable,
    MessageTable,
    NoticeTable,
    PersonTable,
    PolicyInUseTable,
    ReceiptTable,
    RecipientTable,
)
from starter.api.receipts import NotifyReceipt, Receipts
from tests.store.rows import (
    AT,
    AUTHORITY,
    LATER,
    acknowledged,
    changes,
    item,
    message,
    notice,
    order,
    person,
    told,
    two_people_told,
)
from workflows.messages import PostRules
from workflows.post_contracts import DigestAsked, GatherAsked

First = TypeVar("First")
Second = TypeVar("Second")
NOBODY_WAITS_FOR_EVER = 10.0


@pytest_asyncio.fixture
async def store(application_url: str) -> AsyncGenerator[Store]:
    opened = Store(application_url)
    yield opened
    await opened.close()


async def waits(store: Store, task: "asyncio.Task[Any]") -> bool:
    """Whether a task comes to wait for a lock, rather than to its end."""
    asked = text(
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    )
    async with asyncio.timeout(NOBODY_WAITS_FOR_EVER):
        while not task.done():
            async with store.session() as session:
                if await session.scalar(asked):
                    return True
            await asyncio.sleep(0.02)
    return False


async def within(store: Store, work: Callable[[AsyncSession], Awaitable[Second]]) -> Second:
    async with store.session() as session:
        return await work(session)


async def at_once(
    store: Store,
    first: Callable[[AsyncSession], Awaitable[First]],
    second: Callable[[], Coroutine[Any, Any, Second]],
    *,
    gives_up: bool = False,
) -> tuple[First, Second, bool]:
    """What the first answers, what the second does, and whether the second had to wait for the first's end."""
    async with asyncio.timeout(NOBODY_WAITS_FOR_EVER):
        async with store.session() as session:
            answer = await first(session)
            task = asyncio.create_task(second())
            waited = await waits(store, task)
            if gives_up:
                await session.rollback()
        return answer, await task, waited


async def same_at_once(
    store: Store, work: Callable[[AsyncSession], Awaitable[First]], *, gives_up: bool = False
) -> tuple[First, First]:
    one, two, waited = await at_once(store, work, lambda: within(store, work), gives_up=gives_up)
    assert waited, "it raced nobody"
    return one, two


async def count(store: Store, table: Any) -> int:
    async with store.session() as session:
        return await session.scalar(select(func.count()).select_from(table)) or 0


@pytest.mark.parametrize(("gives_up", "second"), [(False, False), (True, True)])
async def test_a_row_is_inserted_once(store: Store, gives_up: bool, second: bool) -> None:
    row = {"id": "r1", "reference": "x", "status": "delivered", "received_at": AT, "times": 1}
    row_once = await same_at_once(store, lambda s: insert_once(s, ReceiptTable, row), gives_up=gives_up)
    assert row_once == (True, second)
    assert await count(store, ReceiptTable) == 1


async def test_a_child_has_one_id(store: Store) -> None:
    one, two = await same_at_once(store, lambda s: inbox.child_id(s, AUTHORITY, "INVENTED-1", AT))
    assert one == two
    assert await count(store, ChildTable) == 1


async def test_two_steps_of_a_draft_that_are_saved_at_once_are_both_kept(store: Store) -> None:
    def save(**written: str) -> Callable[[AsyncSession], Awaitable[Draft]]:
        return lambda s: save_draft(s, AUTHORITY, "w1", "d1", kind="report", written=written, now=AT)

    _, after, waited = await at_once(store, save(identity="Robin"), lambda: within(store, save(health="asthma")))
    assert waited
    assert after.body == {"identity": "Robin", "health": "asthma"}


async def test_a_draft_that_is_saved_while_it_is_reported_does_not_come_back(store: Store) -> None:
    save = partial(save_draft, kind="report", written={"identity": "Robin"}, now=AT)
    dropped = partial(drop_draft, authority=AUTHORITY, who="w1", draft_id="d1")
    _, _, waited = await at_once(store, lambda s: save(s, AUTHORITY, "w1", "d1"), lambda: within(store, dropped))
    assert waited
    assert await count(store, DraftTable) == 0


async def test_children_of_a_file_have_one_id_each_whatever_their_order(store: Store) -> None:
    work = [["A", "B", "C"], ["C", "B", "A"], ["B", "D"]] * 4
    found = await asyncio.gather(
        *(within(store, partial(inbox.child_ids, authority=AUTHORITY, references=names, now=AT)) for names in work)
    )
    assert len({(name, id) for ids in found for name, id in ids.items() if name in "ABCD"}) == 4


@pytest.mark.parametrize(
    ("again", "kept"),
    [(item("i2", "d1"), "i1"), (item("i1", "d2"), "i1"), (item("i1", "d1"), "i1")],
    ids=["the same report", "the same id", "both"],
)
async def test_what_is_said_twice_at_once_is_kept_once(store: Store, again: inbox.InboxItem, kept: str) -> None:
    _, found, waited = await at_once(
        store, lambda s: inbox.keep(s, item()), lambda: within(store, lambda s: inbox.keep(s, again))
    )
    assert waited
    assert (found.id, found.digest) == (kept, "d1")
    assert await within(store, inbox.count_waiting) == 1


@pytest.mark.parametrize(
    ("there", "first", "second", "writes"),
    [
        (None, 1, 1, False),
        (None, 2, 1, False),
        (None, 1, 2, True),
        (1, 2, 2, False),
        (1, 3, 2, False),
        (1, 2, 3, True),
    ],
)
async def test_of_two_turns_at_once_the_later_stands(
    store: Store, there: int | None, first: int, second: int, writes: bool
) -> None:
    if there:
        await within(store, lambda s: write_changes(s, changes(there)))
    one, two, waited = await at_once(
        store,
        lambda s: write_changes(s, changes(first)),
        lambda: within(store, lambda s: write_changes(s, changes(second))),
    )
    assert (one, two, waited) == (True, writes, True)
    ends_at = max(first, second)
    async with store.session() as session:
        row = await session.get_one(EpisodeTable, "e1")
        assert (row.turn, row.next_wake_for) == (ends_at, f"turn {ends_at}")


async def test_an_answer_finds_the_notice_that_is_just_being_put_in_the_tray(store: Store) -> None:
    await within(store, lambda s: write_changes(s, changes(1)))
    answer = acknowledged("f1", datetime.now(UTC) + timedelta(minutes=1), "one")
    _, _, waited = await at_once(
        store,
        lambda s: put_in_tray(s, order("n1")),
        lambda: within(store, lambda s: write_changes(s, changes(2, (answer,)))),
    )
    assert waited
    async with store.session() as session:
        assert (await session.get_one(NoticeTable, "n1")).acknowledged_by == "one"


async def test_an_episode_is_read_as_of_one_moment(store: Store) -> None:
    await within(store, lambda s: write_changes(s, changes(1)))
    async with store.snapshot() as session:
        assert await session.scalar(select(EpisodeTable.turn)) == 1
        await within(store, lambda s: write_changes(s, changes(2)))
        view = await episode_view(session, AUTHORITY, "e1")
    assert view is not None
    assert view.episode["turn"] == 1
    with pytest.raises(StoreUnavailableError, match="read-only"):
        async with store.snapshot() as session:
            await session.execute(update(EpisodeTable).values(turn=9))


async def test_attempts_are_counted_one_after_the_other(store: Store) -> None:
    await two_people_told(store)
    before, after = await same_at_once(store, lambda s: store_post.begin_attempt(s, "m1", "smtp", AT))
    assert (before.attempts, before.in_doubt) == (0, False)
    assert (after.attempts, after.in_doubt) == (1, True), "whoever comes second must ask what became of the first"


async def test_a_receipt_that_comes_twice_at_once_is_one(store: Store) -> None:
    receipt = {"id": "r1", "reference": "m1-smtp", "status": "sending", "received_at": AT}
    await same_at_once(store, lambda s: store_post.note_receipt(s, receipt))
    async with store.session() as session:
        assert (await session.get_one(ReceiptTable, "r1")).times == 2


async def test_what_was_delivered_stays_delivered_whatever_comes_at_once(store: Store) -> None:
    await two_people_told(store)
    await within(store, lambda s: store_post.begin_attempt(s, "m1", "smtp", AT))

    async def nobody(*_: str) -> None:
        return None

    async def delivered(session: AsyncSession) -> None:
        assert await store_post.note_receipt(
            session, {"id": "r1", "reference": "m1-smtp", "status": "delivered", "received_at": AT}
        )
        await store_post.note_dispatch(session, "m1", "smtp", delivered_at=AT, failure=None)

    other = NotifyReceipt(id="r2", reference="m1-smtp", status="permanent-failure")
    _, _, waited = await at_once(store, delivered, lambda: Receipts(store, "", nobody).take(other, LATER))
    assert waited
    [row] = await within(store, lambda s: store_post.dispatches_of(s, ["m1"]))
    assert (row.delivered_at, row.failure) == (AT, None)


async def test_of_two_messages_that_fail_at_once_one_finds_that_nobody_was_reached(store: Store) -> None:
    await two_people_told(store)
    one, two, waited = await at_once(
        store,
        lambda s: store_post.close(s, "m1", "unreached", AT),
        lambda: within(store, lambda s: store_post.close(s, "m2", "unreached", AT)),
    )
    assert waited
    assert ([p.nobody for p in one], [p.nobody for p in two]) == ([False], [True])


async def test_records_of_a_child_are_numbered_one_after_the_other(store: Store) -> None:
    child = await within(store, lambda s: inbox.child_id(s, AUTHORITY, "INVENTED-1", AT))
    record = ChildRecord(child_id=child, kind="placement", version=0, recorded_at=AT, recorded_by="one", body={})
    one, two = await same_at_once(store, lambda s: add_version(s, record))
    assert (one.version, two.version) == (1, 2)


async def test_a_person_is_added_once(store: Store) -> None:
    entry = PersonEntry(reference="one", name="Invented One")
    await same_at_once(store, lambda s: put_person(s, AUTHORITY, entry))
    assert await count(store, PersonTable) == 1


async def test_a_holding_is_added_once(store: Store) -> None:
    who = await within(store, lambda s: person(s, "one"))
    held: dict[str, Any] = {"authority": AUTHORITY, "role": "iro", "scope": "authority", "held_for": ""}
    held |= {"person_id": who}
    answers = await same_at_once(
        store, lambda s: add_or_lengthen(s, HoldingTable, {**held, "since": AT, "until": LATER})
    )
    assert answers == ("added", "unchanged")
    assert await count(store, HoldingTable) == 1


async def test_a_release_sees_what_was_held_just_now(store: Store) -> None:
    who = await within(store, lambda s: person(s, "one"))
    held = {"authority": AUTHORITY, "role": "iro", "scope": "authority", "held_for": ""}
    _, ended, waited = await at_once(
        store,
        lambda s: add_or_lengthen(s, HoldingTable, {**held, "person_id": who, "since": AT, "until": None}),
        lambda: within(store, lambda s: directory.end_holdings(s, held, LATER)),
    )
    assert (ended, waited) == (1, True)


async def test_a_change_of_people_does_not_hold_up_who_tells_them(store: Store) -> None:
    who = await within(store, lambda s: person(s, "one"))
    async with store.session() as session:
        await notice(session, "n1")
    _, _, waited = await at_once(store, lambda s: person(s, "one"), lambda: within(store, lambda s: told(s, "n1", who)))
    assert not waited


async def test_rows_written_in_any_order_by_many_never_lock_one_another_for_ever(store: Store) -> None:
    rows: list[dict[str, Any]] = [
        {"kind": "policy", "name": f"p{n}", "version": "1", "digest": "x", "first_used_at": AT} for n in range(20)
    ]
    both_ways = (rows, rows[::-1]) * 10
    await asyncio.gather(*(within(store, partial(upsert_all, table=PolicyInUseTable, rows=r)) for r in both_ways))
    assert await count(store, PolicyInUseTable) == 20


async def test_two_workers_that_mean_two_things_by_one_policy_find_out(store: Store) -> None:
    class OtherPolicies(Policies):
        def fingerprints(self) -> Any:
            return ((kind, name, version, "other") for kind, name, version, _ in super().fingerprints())

    one, two, waited = await at_once(
        store,
        lambda s: claim(s, Policies.load(), AT),
        lambda: within(store, lambda s: claim(s, OtherPolicies.load(), AT)),
    )
    assert (one, waited) == (None, True)
    assert "differs from the one in use" in str(two)


@pytest.fixture
def post() -> Post:
    async def nobody(authority: str, who: str) -> None:
        return None

    return Post(ways={}, rules=PostRules(), links="https://homeward.invented.example", nudge=nobody)


async def waiting_for_one(store: Store, *, digest: bool = False) -> str:
    async with store.session() as session:
        who = await person(session, "one")
        for key in ("n1", "n2"):
            await notice(session, key)
            await told(session, key, who, ready=None if digest else AT)
    return who


async def test_a_message_gathered_twice_at_once_is_the_same_message(store: Store, post: Post) -> None:
    """The activity timed out and is tried again, while the first try is not over."""
    who = await waiting_for_one(store)
    asked = GatherAsked(message="m1", authority=AUTHORITY, person=who, now=LATER)

    async def first(session: AsyncSession) -> None:
        await store_post.take_turns_at_postbox(session, [who])
        await message(session, "m1", who, *await store_post.ready_for(session, who, LATER))

    _, gathered, waited = await at_once(store, first, lambda: posting.gather(store, post, asked))
    assert waited
    assert gathered.message is not None
    assert (gathered.message.message, gathered.message.lines) == ("m1", 2)


async def test_a_notice_goes_into_one_message(store: Store, post: Post) -> None:
    who = await waiting_for_one(store)
    asked = [GatherAsked(message=f"m{n}", authority=AUTHORITY, person=who, now=LATER) for n in range(6)]
    gathered = await asyncio.gather(*(posting.gather(store, post, one) for one in asked))
    assert [one.message.lines for one in gathered if one.message] == [2]
    assert await count(store, MessageTable) == 1


async def test_a_digest_gathered_twice_at_once_is_the_same_digest(store: Store, post: Post) -> None:
    await waiting_for_one(store, digest=True)
    asked = DigestAsked(run="run-1", authority=AUTHORITY, now=LATER)
    one, two = await asyncio.gather(*(posting.gather_digests(store, post, asked) for _ in range(2)))
    assert one == two
    assert [to_send.lines for to_send in one] == [2]


async def test_reading_the_tray_and_gathering_do_not_lock_one_another_for_ever(store: Store, post: Post) -> None:
    who = await waiting_for_one(store)
    asked = GatherAsked(message="m1", authority=AUTHORITY, person=who, now=LATER)
    await asyncio.gather(
        *(within(store, lambda s: mark_read(s, who, ["n2", "n1"], AT)) for _ in range(4)),
        *(posting.gather(store, post, asked) for _ in range(4)),
    )
    async with store.session() as session:
        rows = (await session.scalars(select(RecipientTable))).all()
    assert {(row.message_id, row.read_at) for row in rows} == {("m1", AT)}
    assert await count(store, NoticeTable) == 2
