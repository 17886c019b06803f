"""What the store keeps and gives back, the same on both databases."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from activities import notify
from activities.store import Store, episode_search, inbox
from activities.store import post as store_post
from activities.store.answers import mark_read, message_tray, tray_of
from activities.store.child_records import ChildRecord, add_version, versions
from activities.store.directory import PersonEntry, add, everyone, put_people
from activities.store.episode_search import Search, every_episode
from activities.store.episodes import episode_view, strange_turn, write_changes
from activities.store.failures import RefusedByDatabaseError
from activities.store.statements import insert_once, upsert, upsert_all
from activities.store.tables import ChildTable, EpisodeTable, HoldingTable, NoticeTable, PersonTable, TaskTable
from activities.store.tasks import open_tasks
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
from workflows.contracts import WriteAgain
from workflows.vocabulary import EpisodeStatus

CHILD: dict[str, Any] = {"id": "c1", "authority": AUTHORITY, "reference": "INVENTED-1", "created_at": AT}


async def test_an_instant_comes_back_in_utc_to_the_microsecond(store: Store) -> None:
    there = datetime(2026, 10, 25, 1, 30, 0, 123456, tzinfo=timezone(timedelta(hours=1)))
    async with store.session() as session:
        await insert_once(session, ChildTable, {**CHILD, "created_at": there})
    async with store.session() as session:
        row = await session.get_one(ChildTable, "c1")
    assert row.created_at == there
    assert row.created_at.tzinfo is UTC


async def test_a_statement_brings_a_row_to_new_values_but_not_to_another_identity(store: Store) -> None:
    one = PersonEntry(reference="one", name="Invented One").model_dump()
    async with store.session() as session:
        await upsert(session, PersonTable, {"id": "p1", "authority": AUTHORITY, **one})
        await upsert(session, PersonTable, {"id": "p1", "authority": "another", **one, "name": "Invented Uno"})
        await upsert_all(session, PersonTable, [{"id": "p1", "authority": "another", **one, "email": "x@x.example"}])
    async with store.session() as session:
        row = await session.get_one(PersonTable, "p1")
    assert (row.authority, row.name, row.email) == (AUTHORITY, "Invented One", "x@x.example")


async def test_what_is_said_is_kept_once(store: Store) -> None:
    async with store.session() as session:
        assert (await inbox.keep(session, item())).id == "i1"
        assert (await inbox.keep(session, item("i2", "d1"))).id == "i1", "the same report"
        assert (await inbox.keep(session, item("i2", "d1", authority="another"))).id == "i2"
        for number in range(3):
            assert (await inbox.keep(session, item(f"f{number}", None))).id == f"f{number}"
        again = await inbox.keep(session, item("f2", None, body={"said": "otherwise"}))
        assert (again.id, again.body) == ("f2", {}), "of many facts without a digest, the one of that id"
        assert (await inbox.keep(session, item("f1", "d1"))).id == "f1", "the id goes before the digest"


async def test_what_waits_is_most_urgent_first_and_what_fails_often_last(store: Store) -> None:
    async with store.session() as session:
        for id, urgency, minutes in (("late", 0, 5), ("soon", 0, 1), ("back", 2, 0), ("stuck", 0, 0)):
            await inbox.keep(session, item(id, f"d-{id}", urgency=urgency, received_at=AT + timedelta(minutes=minutes)))
        for _ in range(inbox.ATTEMPTS_BEFORE_LAST + 1):
            await inbox.count_attempt(session, "stuck")
    async with store.session() as session:
        assert [one.id for one in await inbox.waiting(session, 10)] == ["soon", "late", "back", "stuck"]
        await inbox.settle(session, "soon", "refused", "no", AT)
        await inbox.settle(session, "soon", "applied", None, LATER)
    async with store.session() as session:
        soon = await inbox.item(session, "soon")
    assert soon is not None
    assert (soon.state, soon.reason, soon.settled_at, soon.attempts) == ("refused", "no", AT, 1)


async def test_children_have_one_id_whoever_asks(store: Store) -> None:
    async with store.session() as session:
        one = await inbox.child_id(session, AUTHORITY, "B", AT)
        several = await inbox.child_ids(session, AUTHORITY, ["A", "B", "A"], AT)
        assert several["B"] == one
        assert set(several) == {"A", "B"}
        assert await inbox.child_id(session, "another", "B", AT) != one


@pytest.mark.parametrize(("first", "second", "written"), [(1, 1, False), (2, 1, False), (1, 2, True)])
async def test_a_turn_is_written_once_and_never_after_a_later_one(
    store: Store, first: int, second: int, written: bool
) -> None:
    async with store.session() as session:
        assert await write_changes(session, changes(first))
    async with store.session() as session:
        assert await write_changes(session, changes(second, status=EpisodeStatus.RETURNED)) is written
    async with store.session() as session:
        row = await session.get_one(EpisodeTable, "e1")
    assert (row.turn, row.status) == (max(first, second), "returned" if written else "missing")


@pytest.mark.parametrize(
    ("there", "turn", "later", "strange"),
    [
        (2, 2, timedelta(0), False),  # the same turn, tried again
        (3, 2, timedelta(seconds=-1), False),  # an attempt that hung until a later turn was written
        (2, 2, timedelta(seconds=1), True),  # what is there was written before this turn was decided on
        (3, 2, timedelta(seconds=1), True),
        (1, 2, timedelta(seconds=1), False),
    ],
)
async def test_a_turn_that_is_there_and_not_the_episodes_own_is_told_from_one_that_is(
    store: Store, there: int, turn: int, later: timedelta, strange: bool
) -> None:
    async with store.session() as session:
        await write_changes(session, changes(there))
    async with store.session() as session:
        found = await strange_turn(session, changes(turn).model_copy(update={"written_at": AT + later}))
    assert found == (WriteAgain(turn=there) if strange else None)


async def test_the_first_answer_counts_until_it_is_taken_back(store: Store) -> None:
    async with store.session() as session:
        await notice(session, "n1")
        await notice(session, "n2", at=LATER)
        await notice(session, "n3", clock="visit")
        await write_changes(session, changes(1))
    late, early = acknowledged("f1", LATER, "two"), acknowledged("f2", AT + timedelta(minutes=1), "one")
    takes_back = acknowledged("f3", LATER, "three", replaces="f2")
    expected = [
        ((late,), {"n1": "two", "n2": "two", "n3": None}),
        ((early,), {"n1": "one", "n2": "two", "n3": None}),
        ((takes_back,), {"n1": "two", "n2": "two", "n3": None}),
    ]
    for turn, (facts, by) in enumerate(expected, 2):
        now = changes(turn, facts).model_copy(update={"written_at": LATER + timedelta(hours=1)})
        async with store.session() as session:
            await write_changes(session, now)
        async with store.session() as session:
            assert {key: (await session.get_one(NoticeTable, key)).acknowledged_by for key in by} == by


async def test_a_tray_has_what_wants_an_answer_or_was_not_read(store: Store) -> None:
    one, two = await two_people_told(store)
    async with store.session() as session:
        await notice(session, "n2", needs_ack=False)
        await told(session, "n2", one, ready=None)
        assert {lies.line.notice for lies in await tray_of(session, one)} == {"n1", "n2"}
        await mark_read(session, one, ["n1", "n2"], AT)
        await mark_read(session, one, ["n1", "n2"], LATER)
        assert [(lies.line.notice, lies.read_at) for lies in await tray_of(session, one)] == [("n1", AT)]
        assert [lies.line.notice for lies in await tray_of(session, one, everything=True)] == ["n1", "n2"]
        assert [lies.read_at for lies in await tray_of(session, two)] == [None]
        assert [lies.line.notice for lies in await message_tray(session, "m1")] == ["n1"]


async def test_a_notice_is_for_the_same_people_however_often_it_is_put_in_the_tray(store: Store) -> None:
    async with store.session() as session:
        who = await person(session, "one")
        held = {"authority": AUTHORITY, "role": "iro", "scope": "authority", "held_for": ""}
        await add(session, HoldingTable, {**held, "person_id": who, "since": None, "until": None})
        sent = await notify.put_in_tray(session, order("n1"))
        other = await person(session, "two")
        await add(session, HoldingTable, {**held, "person_id": other, "since": None, "until": None})
        again = await notify.put_in_tray(session, order("n1"))
    assert ((sent.again, sent.people), again.again) == ((False, 1), True)
    async with store.session() as session:
        assert await tray_of(session, other) == []


async def test_messages_are_gathered_tried_and_closed(store: Store) -> None:
    async with store.session() as session:
        who, nobody_else = await person(session, "one"), await person(session, "two")
        for number, ready in enumerate((AT, LATER, None)):
            await notice(session, f"n{number}")
            await told(session, f"n{number}", who, ready=ready)
        assert await store_post.ready_for(session, who, AT) == ["n0"]
        assert await store_post.digest_for(session, who, AT) == ["n2"]
        assert await store_post.people_with_digests(session, AUTHORITY) == [who]
        assert await store_post.waiting_recipients(session, "n0") == [who]
        await message(session, "m1", who, "n0")
        await message(session, "m2", who, "n0", "n1")
        gathered = {id: [line.notice for line in await store_post.lines_of(session, id)] for id in ("m1", "m2")}
        assert gathered == {"m1": ["n0"], "m2": ["n1"]}, "a notice is in one message"
        assert await store_post.next_ready(session, who) is None
        assert await store_post.messages_to(session, nobody_else) == []
        for attempts in range(2):
            before = await store_post.begin_attempt(session, "m1", "smtp", AT)
            assert (before.attempts, before.in_doubt) == (attempts, attempts > 0)
        await store_post.note_dispatch(session, "m1", "smtp", taken_at=AT, in_doubt=False)
        assert (await store_post.begin_attempt(session, "m1", "smtp", LATER)).taken_at == AT
        [row] = await store_post.dispatches_of(session, ["m1", "m2"])
        assert (row.attempts, row.reference) == (2, "m1-smtp")
        [posted] = await store_post.close(session, "m1", "unreached", AT)
        assert (posted.person, posted.reached, posted.nobody) == (who, False, True)


async def test_a_receipt_is_kept_as_it_was_said_last(store: Store) -> None:
    receipt = {"id": "r1", "reference": "m1-smtp", "status": "sending", "received_at": AT}
    async with store.session() as session:
        assert await store_post.note_receipt(session, receipt) is None, "none of ours"
    await two_people_told(store)
    async with store.session() as session:
        await store_post.begin_attempt(session, "m1", "smtp", AT)
        found = await store_post.note_receipt(session, {**receipt, "status": "delivered"})
    assert found is not None
    assert (found.message_id, found.way) == ("m1", "smtp")


async def test_records_are_numbered_and_say_what_they_said(store: Store) -> None:
    body = {"words": 'Ünïcode "quoted" — 日本', "list": [1, {"deep": None}], "yes": True}
    async with store.session() as session:
        child = await inbox.child_id(session, AUTHORITY, "INVENTED-1", AT)
        record = ChildRecord(child_id=child, kind="placement", version=9, recorded_at=AT, recorded_by="one", body=body)
        for kind in ("placement", "placement", "photographs"):
            await add_version(session, record.model_copy(update={"kind": kind}))
    async with store.session() as session:
        found = await versions(session, child)
    assert [(one.kind, one.version) for one in found] == [("photographs", 1), ("placement", 1), ("placement", 2)]
    assert all(one.body == body for one in found)


async def test_what_has_no_due_time_comes_first(store: Store) -> None:
    about = {"episode_id": "e1", "authority": AUTHORITY, "clock": None, "role": "iro", "do": "x", "state": "open"}
    async with store.session() as session:
        for key, due in (("k1", LATER), ("k2", None), ("k3", AT)):
            await upsert(session, TaskTable, {**about, "key": key, "due": due, "opened_at": AT, "closed_at": None})
        assert [task.key for task in await open_tasks(session, AUTHORITY, None)] == ["k2", "k3", "k1"]


async def test_an_episode_is_read_whole_and_listed(store: Store) -> None:
    async with store.session() as session:
        await write_changes(session, changes(1, (acknowledged("f1", AT, "one"),)))
    async with store.snapshot() as session:
        view, listed = (
            await episode_view(session, AUTHORITY, "e1"),
            await every_episode(session, AUTHORITY, Search(open=True), LATER),
        )
        assert await episode_view(session, AUTHORITY, "e2") is None
    assert view is not None
    assert [(fact.id, fact.details) for fact in view.facts] == [("f1", {"clock": "rhi", "role": "iro", "by": "one"})]
    assert [one.episode_id for one in listed] == ["e1"]


async def test_every_episode_is_listed_however_many_there_are(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(episode_search, "_AT_ONCE", 2)
    for number in (3, 1, 2, 5, 4):
        turn = changes(1, ())
        row = turn.episode.model_copy(update={"episode_id": f"e{number}"})
        async with store.session() as session:
            await write_changes(session, turn.model_copy(update={"episode": row}))
    async with store.snapshot() as session:
        listed = await every_episode(session, AUTHORITY, Search(), LATER)
    assert [one.episode_id for one in listed] == ["e1", "e2", "e3", "e4", "e5"]


async def test_what_goes_wrong_half_way_leaves_nothing(store: Store) -> None:
    async def half_way() -> None:
        async with store.session() as session:
            await put_people(session, AUTHORITY, [PersonEntry(reference="one", name="Invented One")])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await half_way()
    async with store.session() as session:
        assert await everyone(session, AUTHORITY) == []


async def test_a_mistake_of_ours_names_the_rule_and_never_the_values(store: Store) -> None:
    async with store.session() as session:
        await insert_once(session, ChildTable, CHILD)
    with pytest.raises(RefusedByDatabaseError) as caught:
        async with store.session() as session:
            session.add(ChildTable(**{**CHILD, "id": "c2"}))
    said = str(caught.value)
    assert "INVENTED-1" not in said
    assert "authority" in said
    assert "\n" not in said
    assert caught.value.__suppress_context__
