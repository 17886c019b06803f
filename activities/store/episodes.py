"""Episodes in the store: one writer, the workflow's turn; and what people read."""

from collections.abc import Collection, Sequence
from typing import Any

from pydantic import BaseModel
from sqlalchemy import ColumnElement, delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from activities.store.answers import settle_answers
from activities.store.events import append_events, before_turn
from activities.store.notice_events import answer_events
from activities.store.statements import insert_once, take_turns, upsert, upsert_all
from activities.store.tables import (
    OWED,
    ChildTable,
    ClockTable,
    DispatchTable,
    EpisodeTable,
    FactTable,
    MessageTable,
    NoticeTable,
    PersonTable,
    RecipientTable,
    Table,
    TaskTable,
    TimelineTable,
)
from workflows.clocks import Clock
from workflows.contracts import EpisodeChanges, TimelineEntry, WriteAgain
from workflows.events import events_of_turn
from workflows.facts import Fact
from workflows.names import INTERVIEW_CLOCK
from workflows.repeats import EarlierEpisode
from workflows.vocabulary import EpisodeStatus


class EpisodeView(BaseModel):
    """An episode as people read it: its row, facts, clocks, timeline, notices, tasks. Instants are UTC.

    `recipients` are the people of the directory whom each notice told, why them, and the message it went out to them
    with, or what it waits for. `messages` and `dispatches` say what became of those messages on each way out.
    """

    episode: dict[str, Any]
    child_reference: str | None
    facts: list[Fact]
    clocks: list[Clock]
    timeline: list[TimelineEntry]
    notices: list[dict[str, Any]]
    tasks: list[dict[str, Any]]
    recipients: list[dict[str, Any]]
    messages: list[dict[str, Any]]
    dispatches: list[dict[str, Any]]


async def clocks_of(session: AsyncSession, episode_id: str) -> dict[str, Clock]:
    """The clocks of an episode, by id, as its last turn left them."""
    bodies = await session.scalars(select(ClockTable.body).where(ClockTable.episode_id == episode_id))
    clocks = [Clock.model_validate(body) for body in bodies]
    return {one.id: one for one in clocks}


async def take_turns_at_episode(session: AsyncSession, episode_id: str) -> None:
    """Wait until no turn of an episode is being written and none of its notices put in a tray.

    So an answer finds every notice that was there before it.
    """
    await take_turns(session, "episode", [episode_id])


async def write_changes(session: AsyncSession, changes: EpisodeChanges, *, again: bool = False) -> bool:
    """Write a turn of an episode, and what it tells other systems, as the last thing of a transaction.

    False, with nothing changed, when that turn or a later one is there already.
    `again`: when that same turn is there, it is written over.
    """
    row = changes.episode
    await take_turns_at_episode(session, row.episode_id)
    before = await before_turn(session, changes)
    values = row.model_dump(exclude={"episode_id"})
    values |= {"id": row.episode_id, "turn": changes.turn, "written_at": changes.written_at}
    # A row that is not there cannot be locked: whoever puts it there first has the turn.
    if not await insert_once(session, EpisodeTable, values):
        written = select(EpisodeTable.turn).where(EpisodeTable.id == row.episode_id).with_for_update()
        there = (await session.scalars(written)).one()
        if there > changes.turn or (there == changes.turn and not again):
            return False
        await upsert(session, EpisodeTable, values)
    await upsert_all(session, FactTable, [_fact_values(row.episode_id, fact) for fact in changes.facts])
    await upsert_all(session, ClockTable, [_clock_values(row.episode_id, clock) for clock in changes.clocks])
    if changes.dropped_clocks:
        gone = (ClockTable.episode_id == row.episode_id, ClockTable.id.in_(changes.dropped_clocks))
        await session.execute(delete(ClockTable).where(*gone))
    await upsert_all(session, TimelineTable, [_line_values(row.episode_id, entry) for entry in changes.timeline])
    owner = {"episode_id": row.episode_id, "authority": row.authority}
    await upsert_all(session, TaskTable, [{**task.model_dump(), **owner} for task in changes.tasks])
    answered = await settle_answers(session, row.episode_id, changes.facts)
    told = (*events_of_turn(changes, before), *answer_events(answered, changes.turn, changes.written_at))
    await append_events(session, row.authority, told)
    return True


async def strange_turn(session: AsyncSession, changes: EpisodeChanges) -> WriteAgain | None:
    """What is there instead of a turn that was not written, if it is not of the episode's own past; else None.

    A task of the workflow writes its turn before the engine hears of its end.
    When the engine never does, the task is done again, with what has come
    meanwhile, and its turn has a number that is there already: but what is there
    was written before this turn was decided on, and the episode knows nothing of
    it. A turn that is written twice has the same time both times.
    """
    row = await session.get(EpisodeTable, changes.episode.episode_id)
    if row is None or row.turn < changes.turn or row.written_at >= changes.written_at:
        return None
    clocks = await session.scalars(select(ClockTable.id).where(ClockTable.episode_id == row.id))
    return WriteAgain(turn=row.turn, clocks=tuple(sorted(clocks.all())))


def _line_values(episode_id: str, entry: TimelineEntry) -> dict[str, Any]:
    return {
        "episode_id": episode_id,
        "number": entry.number,
        "at": entry.at,
        "recorded_at": entry.recorded_at,
        "body": entry.model_dump(mode="json"),
    }


def _fact_values(episode_id: str, fact: Fact) -> dict[str, Any]:
    return {
        "episode_id": episode_id,
        "id": fact.id,
        "kind": fact.kind.value,
        "at": fact.at,
        "recorded_at": fact.recorded_at,
        "body": fact.model_dump(mode="json"),
    }


def _clock_values(episode_id: str, clock: Clock) -> dict[str, Any]:
    return {
        "episode_id": episode_id,
        "id": clock.id,
        "kind": clock.kind.value,
        "state": clock.state.value,
        "start": clock.start,
        "due": clock.due,
        "body": clock.model_dump(mode="json"),
    }


async def other_episodes(session: AsyncSession, child_id: str, episode_id: str) -> list[EarlierEpisode]:
    """The child's other episodes, oldest first, and whether an interview is still owed for each."""
    chosen = select(EpisodeTable).where(EpisodeTable.child_id == child_id, EpisodeTable.id != episode_id)
    others = (await session.scalars(chosen.order_by(EpisodeTable.written_at, EpisodeTable.id))).all()
    owed = select(ClockTable.episode_id).where(
        ClockTable.episode_id.in_([other.id for other in others]),
        ClockTable.id == INTERVIEW_CLOCK,
        ClockTable.state.in_(OWED),
    )
    owing = set((await session.scalars(owed)).all())
    return [
        EarlierEpisode(
            episode_id=other.id,
            status=EpisodeStatus(other.status),
            interview_owed=other.id in owing,
            missing_since=other.missing_since,
            returned_at=other.returned_at,
        )
        for other in others
    ]


def _as_dict(row: Table) -> dict[str, Any]:
    return {column.name: getattr(row, column.name) for column in row.__table__.columns}


async def _rows(session: AsyncSession, table: Any, *where: ColumnElement[bool], order: Any) -> list[Any]:
    return list((await session.scalars(select(table).where(*where).order_by(*order))).all())


async def episode_view(session: AsyncSession, authority: str, episode_id: str) -> EpisodeView | None:
    """Everything people read about one episode of an authority, or None when the store has no such episode."""
    episode = await session.get(EpisodeTable, episode_id)
    if episode is None or episode.authority != authority:
        return None
    child = await session.get(ChildTable, episode.child_id) if episode.child_id else None
    mine = [table.episode_id == episode_id for table in (FactTable, ClockTable, TimelineTable, NoticeTable, TaskTable)]
    facts = await _rows(session, FactTable, mine[0], order=(FactTable.at, FactTable.id))
    clocks = await _rows(session, ClockTable, mine[1], order=(ClockTable.due.nulls_first(), ClockTable.id))
    lines = await _rows(session, TimelineTable, mine[2], order=(TimelineTable.number,))
    notices = await _rows(session, NoticeTable, mine[3], order=(NoticeTable.at, NoticeTable.key))
    tasks = await _rows(session, TaskTable, mine[4], order=(TaskTable.opened_at, TaskTable.key))
    recipients = await _recipients(session, [notice.key for notice in notices])
    gone_out = {one["message"] for one in recipients if one["message"]}
    return EpisodeView(
        episode=_as_dict(episode),
        child_reference=child.reference if child else None,
        facts=[Fact.model_validate(fact.body) for fact in facts],
        clocks=[Clock.model_validate(clock.body) for clock in clocks],
        timeline=[TimelineEntry.model_validate(line.body) for line in lines],
        notices=[_as_dict(notice) for notice in notices],
        tasks=[_as_dict(task) for task in tasks],
        recipients=recipients,
        messages=await _messages(session, gone_out),
        dispatches=await _dispatches(session, gone_out),
    )


async def _recipients(session: AsyncSession, keys: Sequence[str]) -> list[dict[str, Any]]:
    chosen = select(RecipientTable, PersonTable).join(PersonTable, PersonTable.id == RecipientTable.person_id)
    chosen = chosen.where(RecipientTable.notice_key.in_(keys)).order_by(
        RecipientTable.notice_key, PersonTable.reference
    )
    return [
        {
            "notice": told.notice_key,
            "person": person.reference,
            "name": person.name,
            "cover": told.cover,
            "message": told.message_id,
            "ready_at": told.ready_at,
            "in_digest": told.in_digest,
            "read_at": told.read_at,
        }
        for told, person in (await session.execute(chosen)).all()
    ]


async def _messages(session: AsyncSession, ids: Collection[str]) -> list[dict[str, Any]]:
    """Messages in the order in which they were gathered, without whom they are for: a recipient says that."""
    order = (MessageTable.gathered_at, MessageTable.id)
    return [
        {
            "id": row.id,
            "ways": [way for way in row.ways.split(";") if way],
            "gathered_at": row.gathered_at,
            "state": row.state,
            "state_at": row.state_at,
        }
        for row in await _rows(session, MessageTable, MessageTable.id.in_(ids), order=order)
    ]


async def _dispatches(session: AsyncSession, messages: Collection[str]) -> list[dict[str, Any]]:
    """What became of messages on each way out, in the order in which the ways were tried."""
    order = (DispatchTable.first_tried_at, DispatchTable.way)
    return [
        {
            "message": row.message_id,
            "way": row.way,
            "attempts": row.attempts,
            "first_tried_at": row.first_tried_at,
            "taken_at": row.taken_at,
            "delivered_at": row.delivered_at,
            "given_up_at": row.given_up_at,
            "failure": row.failure,
        }
        for row in await _rows(session, DispatchTable, DispatchTable.message_id.in_(messages), order=order)
    ]
