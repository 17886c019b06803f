"""What people have begun to write: kept as written, only theirs, and not for ever. On both databases."""

from datetime import timedelta

from activities.store import Store, inbox
from activities.store.drafts import KEPT_FOR, Draft, draft, drafts_of, drop_draft, save_draft
from activities.store.episodes import write_changes
from tests.store.rows import AT, AUTHORITY, LATER, changes, item
from workflows.vocabulary import EpisodeStatus


async def saved(store: Store, who: str, draft_id: str, at: timedelta = timedelta(0), **written: str) -> Draft:
    async with store.session() as session:
        return await save_draft(session, AUTHORITY, who, draft_id, kind="report", written=written, now=AT + at)


async def ids_of(store: Store, who: str, at: timedelta = timedelta(0)) -> list[str]:
    async with store.snapshot() as session:
        return [one.id for one in await drafts_of(session, AUTHORITY, who, "report", AT + at)]


async def test_each_step_is_kept_beside_the_others_and_an_emptied_field_is_empty(store: Store) -> None:
    await saved(store, "w1", "d1", reference="INVENTED-1", identity="Robin")
    after = await saved(store, "w1", "d1", timedelta(minutes=5), identity="", health="asthma\nµ")
    assert after.body == {"reference": "INVENTED-1", "identity": "", "health": "asthma\nµ"}
    assert (after.begun_at, after.saved_at) == (AT, AT + timedelta(minutes=5))
    async with store.snapshot() as session:
        assert await draft(session, AUTHORITY, "w1", "d1") == after


async def test_a_draft_is_only_of_who_wrote_it(store: Store) -> None:
    await saved(store, "w1", "d1", identity="Robin")
    await saved(store, "w2", "d1", identity="Sam")
    async with store.snapshot() as session:
        mine = await draft(session, AUTHORITY, "w1", "d1")
        assert mine is not None
        assert mine.body == {"identity": "Robin"}
        assert await draft(session, "elsewhere", "w1", "d1") is None
        assert await drafts_of(session, AUTHORITY, "w1", "answers", AT) == []
    async with store.session() as session:
        await drop_draft(session, AUTHORITY, "w1", "d1")
    assert (await ids_of(store, "w1"), await ids_of(store, "w2")) == ([], ["d1"])


async def test_the_latest_comes_first_and_what_nobody_goes_on_with_is_forgotten(store: Store) -> None:
    await saved(store, "w1", "older", identity="Robin")
    await saved(store, "w1", "later", timedelta(days=1), identity="Sam")
    assert await ids_of(store, "w1", KEPT_FOR) == ["later", "older"]
    past = KEPT_FOR + timedelta(minutes=1)
    assert await ids_of(store, "w1", past) == ["later"]
    await saved(store, "w2", "another", past, identity="Kit")
    async with store.snapshot() as session:
        assert await draft(session, AUTHORITY, "w1", "older") is None
        assert await draft(session, AUTHORITY, "w1", "later") is not None


async def test_somebodys_own_reports_come_the_latest_first_with_how_they_stand(store: Store) -> None:
    mine = {"said_by": "w1"}
    async with store.session() as session:
        await inbox.keep(session, item("r1", "d1").model_copy(update={**mine, "episode_id": "e1"}))
        await inbox.keep(
            session, item("r2", "d2").model_copy(update={**mine, "episode_id": "e2", "received_at": LATER})
        )
        await inbox.keep(session, item("r3", "d3").model_copy(update={"said_by": "w2", "episode_id": "e3"}))
        await write_changes(session, changes(1, status=EpisodeStatus.MISSING))
    async with store.snapshot() as session:
        found = await inbox.reports_said_by(session, AUTHORITY, "w1", 10)
        assert len(await inbox.reports_said_by(session, AUTHORITY, "w1", 1)) == 1
    assert [(one.item.id, one.status) for one in found] == [("r2", None), ("r1", EpisodeStatus.MISSING)]
