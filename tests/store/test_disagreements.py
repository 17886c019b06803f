"""Disagreements in the store: one row while one is open, closed when it agrees, and each authority's are its own."""

from datetime import timedelta

from activities.store import Store, agreement, disagreements, inbox
from activities.store.disagreements import BY_ITSELF, Reconciled
from activities.store.episodes import write_changes
from activities.store.statements import upsert
from activities.store.tables import EpisodeTable
from tests.store.rows import AT, AUTHORITY, LATER, changes, item
from workflows.agreement import Disagreement

OLDER, LATE = Disagreement.ROWS_OLDER, Disagreement.WOKEN_LATE


async def test_one_that_is_open_is_seen_again_and_not_found_twice(store: Store) -> None:
    async with store.session() as session:
        first = await disagreements.note_found(session, AUTHORITY, OLDER, "e1", AT)
        assert await disagreements.note_found(session, AUTHORITY, OLDER, "e1", LATER) == first
        other = await disagreements.note_found(session, AUTHORITY, LATE, "e1", LATER)
        await disagreements.note_found(session, "elsewhere", OLDER, "e1", LATER)
    async with store.session() as session:
        found = await disagreements.open_disagreements(session, AUTHORITY)
    assert [(one.id, one.found_at, one.last_seen_at) for one in found] == [(first, AT, LATER), (other, LATER, LATER)]


async def test_what_agrees_again_is_closed_with_what_was_done_and_found_anew_later(store: Store) -> None:
    async with store.session() as session:
        tried = await disagreements.note_found(session, AUTHORITY, OLDER, "e1", AT)
        reported = await disagreements.note_found(session, AUTHORITY, LATE, "e1", AT)
        await disagreements.note_tried(session, tried, "written again", tried=True)
        await disagreements.note_tried(session, reported, "3 minutes late", tried=False)
        assert await disagreements.note_agreed(session, "elsewhere", "e1", [OLDER, LATE], LATER) == 0
        assert await disagreements.note_agreed(session, AUTHORITY, "e1", [OLDER, LATE], LATER) == 2
        assert await disagreements.count_open(session, AUTHORITY) == 0
        again = await disagreements.note_found(session, AUTHORITY, OLDER, "e1", LATER)
    assert again != tried
    async with store.session() as session:
        by_id = {one.id: one for one in await disagreements.all_disagreements(session, AUTHORITY)}
        assert await disagreements.count_open(session, AUTHORITY) == 1
    assert (by_id[tried].how, by_id[tried].attempts, by_id[tried].mended_at) == ("written again", 1, LATER)
    assert (by_id[reported].how, by_id[reported].attempts, by_id[reported].mended_at) == (BY_ITSELF, 0, LATER)


async def test_all_of_them_come_in_pages_the_latest_first(store: Store) -> None:
    async with store.session() as session:
        for number in range(5):
            await disagreements.note_found(session, AUTHORITY, OLDER, f"e{number}", AT + timedelta(hours=number // 2))
        elsewhere = await disagreements.note_found(session, "elsewhere", OLDER, "e9", AT)
    async with store.session() as session:
        whole = await disagreements.all_disagreements(session, AUTHORITY)
        first = await disagreements.all_disagreements(session, AUTHORITY, limit=2)
        rest = await disagreements.all_disagreements(session, AUTHORITY, before=first[-1].id)
        assert await disagreements.all_disagreements(session, AUTHORITY, before=elsewhere) == whole
    assert [*first, *rest] == whole
    assert {one.subject for one in whole} == {f"e{number}" for number in range(5)}
    assert [one.found_at for one in whole] == sorted((one.found_at for one in whole), reverse=True)


async def test_the_last_run_is_that_of_its_authority(store: Store) -> None:
    about = {"began_at": AT, "ended_at": LATER, "checked_to": "e1", "open_episodes": 2, "compared": 1, "found": 0}
    async with store.session() as session:
        for found in (3, 0):
            await disagreements.note_run(
                session, Reconciled.model_validate({**about, "authority": AUTHORITY, "found": found})
            )
    async with store.session() as session:
        assert await disagreements.last_run(session, AUTHORITY) == Reconciled.model_validate(
            {**about, "authority": AUTHORITY}
        )
        assert await disagreements.last_run(session, "elsewhere") is None


async def test_the_same_turn_is_written_over_only_when_that_is_asked_for(store: Store) -> None:
    async with store.session() as session:
        assert await write_changes(session, changes(2))
        assert not await write_changes(session, changes(2))
        assert await write_changes(session, changes(2), again=True)
        assert not await write_changes(session, changes(1), again=True)


async def test_what_was_applied_and_has_no_row_is_doubtful_once_it_is_old_enough(store: Store) -> None:
    report, fact = item("i1", settled_at=AT, state="applied"), item("i2", None, settled_at=AT, state="applied")
    async with store.session() as session:
        for one in (report, fact):
            await inbox.keep(session, one)
        young = await agreement.all_rows(session, AUTHORITY, AT)
        old = await agreement.all_rows(session, AUTHORITY, LATER)
        elsewhere = await agreement.all_rows(session, "elsewhere", LATER)
    assert (young.doubtful, elsewhere.doubtful) == (frozenset(), frozenset())
    assert old.doubtful == {"episode-of-i1", "episode-of-i2"}
    async with store.session() as session:
        await agreement.keep_again(session, "elsewhere", "episode-of-i1", [], report=True)
        await agreement.keep_again(session, AUTHORITY, "episode-of-i1", [], report=True)
        await agreement.keep_again(session, AUTHORITY, "episode-of-i2", ["i1"])
    async with store.session() as session:
        states = [(await inbox.item(session, one)) for one in ("i1", "i2")]
    assert [one.state for one in states if one] == ["kept", "applied"]


async def test_nothing_is_asked_of_a_closed_episode_s_facts(store: Store) -> None:
    async with store.session() as session:
        await write_changes(session, changes(1))
        await inbox.keep(session, item("i1", None, settled_at=AT, state="applied", episode_id="e1"))
        assert (await agreement.all_rows(session, AUTHORITY, LATER)).doubtful == {"e1"}
        row = await session.get_one(EpisodeTable, "e1")
        values = {column.name: getattr(row, column.name) for column in EpisodeTable.__table__.columns}
        await upsert(session, EpisodeTable, values | {"closed_at": AT})
        seen = await agreement.all_rows(session, AUTHORITY, LATER)
    assert (seen.doubtful, seen.open) == (frozenset(), ())


async def test_of_episodes_that_have_a_row_it_is_told_whose_and_whether_closed(store: Store) -> None:
    async with store.session() as session:
        await write_changes(session, changes(1))
        found = await agreement.rows_among(session, [*(f"none-{number}" for number in range(1200)), "e1"])
        assert found == {"e1": (AUTHORITY, False)}
        here = await agreement.one_episode(session, AUTHORITY, "e1", LATER)
        elsewhere = await agreement.one_episode(session, "elsewhere", "e1", LATER)
    assert (here.compared.turn, here.elsewhere) == (1, False)
    assert (elsewhere.compared.turn, elsewhere.elsewhere) == (None, True)
