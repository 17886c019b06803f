"""What a task wrote whose end the engine never heard of, and what the relay meets: a correction too early, poison."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from activities.store import inbox
from activities.store.episodes import write_changes
from activities.store.inbox import InboxItem
from activities.store.tables import ClockTable
from starter.applying import Outcome
from starter.client import EngineSilentError, Episodes
from starter.commands import Commands
from starter.relay import put_to_engine
from tests.engine.conftest import Theatre, on_both
from tests.engine.correspondence import until
from tests.engine.town import Town, hours_ago
from workflows.contracts import EpisodeChanges, EpisodeRow, TimelineEntry
from workflows.facts import Fact, fact_from_outside
from workflows.vocabulary import ClockState, EpisodeStatus

pytestmark = [pytest.mark.asyncio(loop_scope="session"), on_both]


async def written_by_a_lost_task(town: Town, episode: str) -> None:
    """Write the next turn as a task wrote it that is done again, otherwise: a clock met, a line of the timeline."""
    view, now = await town.seen(episode), datetime.now(UTC)
    turn, number = view.episode["turn"] + 1, len(view.timeline) + 1
    row = {name: value for name, value in view.episode.items() if name in EpisodeRow.model_fields}
    [iro] = [clock for clock in view.clocks if clock.id == "iro_notice"]
    line = TimelineEntry(number=number, kind="status", at=now, recorded_at=now, text="Invented by a lost task")
    changes = EpisodeChanges(
        turn=turn,
        written_at=now,
        episode=EpisodeRow.model_validate({**row, "episode_id": episode, "status": EpisodeStatus.LOCATED}),
        facts=(),
        clocks=(iro.model_copy(update={"state": ClockState.MET}),),
        dropped_clocks=(),
        timeline=(line,),
        tasks=(),
    )
    async with town.store.session() as session:
        assert await write_changes(session, changes)


async def test_what_a_lost_task_wrote_does_not_keep_out_what_the_task_done_again_writes(theatre: Theatre) -> None:
    """The next turn has a number that is there already: its fact must be in the rows, and all else as in the engine."""
    town = Town(theatre)
    episode = await town.episode()
    before = await town.seen(episode)
    await written_by_a_lost_task(town, episode)
    said = await town.commands.record(episode, {"kind": "searched", "at": hours_ago(1)}, datetime.now(UTC))
    assert said.state == "applied"
    await town.settled(episode)
    after = await town.seen(episode)
    assert [fact.kind.value for fact in after.facts].count("searched") == 1
    assert after.episode["status"] == before.episode["status"]
    iro = await town.first(ClockTable, episode, ClockTable.id == "iro_notice")
    assert iro.state == ClockState.OVERDUE.value
    assert "Invented by a lost task" not in [line.text for line in after.timeline]
    assert (await town.run()).found == []


async def test_a_correction_that_comes_before_what_it_corrects_waits_for_it(theatre: Theatre) -> None:
    """What is corrected is kept while the engine is away; the correction finds the engine there again."""
    town = Town(theatre)
    episode = await town.episode(returned=None)
    away = Commands(theatre.store, theatre.policies, town.authority, _no_engine)
    now = datetime.now(UTC)
    back = await away.record(episode, {"kind": "returned", "at": hours_ago(3)}, now)
    right = {"kind": "returned", "at": hours_ago(2), "replaces": back.id}
    corrected = await town.commands.record(episode, right, now + timedelta(milliseconds=1))
    assert (back.state, corrected.state) == ("kept", "kept")
    assert "is recorded in this episode" in str(corrected.reason)

    async def both_are_applied() -> bool:
        await town.relay()
        async with town.store.session() as session:
            return [await _state(session, one) for one in (back, corrected)] == ["applied", "applied"]

    await until(both_are_applied)
    await town.settled(episode)
    assert {fact.id for fact in (await town.seen(episode)).facts} >= {back.id, corrected.id}


async def test_a_correction_of_what_nobody_said_is_refused_at_once(theatre: Theatre) -> None:
    town = Town(theatre)
    episode = await town.episode()
    said = {"kind": "returned", "at": hours_ago(2), "replaces": str(uuid4())}
    assert (await town.commands.record(episode, said, datetime.now(UTC))).state == "refused"


async def test_one_item_that_fails_in_a_way_nobody_foresaw_holds_up_no_other(theatre: Theatre) -> None:
    """As half a character did, which was kept and could not be passed on."""
    town = Town(theatre)
    episode = await town.episode()
    poison = _item(town, episode, fact_from_outside({"kind": "searched", "at": hours_ago(2)}, id=str(uuid4())))
    poison.body["kind"] = "abducted_by_aliens"
    good = _item(town, episode, fact_from_outside({"kind": "searched", "at": hours_ago(1)}, id=str(uuid4())))
    async with town.store.session() as session:
        for one in (poison, good):
            await inbox.keep(session, one)
    await put_to_engine(town.store, town.commands, await town.engine(), [poison, good])
    async with town.store.session() as session:
        there = {one.id: one for one in await inbox.facts_waiting(session, episode)}
    assert set(there) == {poison.id}
    assert there[poison.id].attempts == 1


async def test_a_refusal_that_could_not_be_shown_waits_to_be_shown(theatre: Theatre) -> None:
    town = Town(theatre)
    episode = await town.episode()
    never = fact_from_outside({"kind": "located", "at": hours_ago(40)}, id=str(uuid4()))
    item = _item(town, episode, never)
    async with town.store.session() as session:
        await inbox.keep(session, item)
    await put_to_engine(town.store, town.commands, _Mute(town.client, 20), [item])
    async with town.store.session() as session:
        assert await _state(session, item) == "kept"
    await put_to_engine(town.store, town.commands, await town.engine(), [item])
    async with town.store.session() as session:
        assert await _state(session, item) == "refused"
    await town.settled(episode)
    assert [line.kind for line in (await town.seen(episode)).timeline].count("refused") == 1


class _Mute(Episodes):
    """An engine that is silent just when a refusal is to be shown."""

    async def show_refusal(self, episode_id: str, fact: dict[str, Any]) -> None:
        del episode_id, fact
        raise EngineSilentError("invented")


async def _no_engine() -> Episodes:
    raise EngineSilentError("invented")


async def _state(session: Any, said: Outcome | InboxItem) -> str | None:
    there = await inbox.item(session, said.id)
    return there.state if there else None


def _item(town: Town, episode: str, fact: Fact) -> InboxItem:
    return InboxItem(
        id=fact.id,
        authority=town.authority,
        kind="fact",
        episode_id=episode,
        body=fact.model_dump(mode="json"),
        urgency=1,
        received_at=datetime.now(UTC),
    )
