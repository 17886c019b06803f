"""What the rows say, for comparing them with the engine: of all episodes in few queries, of one episode all.

Everything is read for one authority. An episode of another is one that the
rows do not know.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, exists, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from activities.store.tables import (
    ClockTable,
    DispatchTable,
    EpisodeTable,
    FactTable,
    InboxTable,
    MessageTable,
    NoticeTable,
    PersonTable,
    ReceiptTable,
    RecipientTable,
    TaskTable,
    TimelineTable,
)
from workflows.agreement import RowsOfEpisode
from workflows.clocks import Clock
from workflows.contracts import TaskRow, TimelineEntry
from workflows.facts import Fact
from workflows.recollection import InRows, NoticeInTray
from workflows.vocabulary import ClockState, EpisodeStatus

_AT_ONCE: Final = 500
"""How many ids one statement names: fewer than any database allows."""

_UNDER_WAY: Final = ("sending", "unreached")
_NOBODY: Final = ("unreached", "given_up")


@dataclass(frozen=True)
class AllRows:
    """What the rows of an authority say of all its episodes at once.

    `quiet` are the open ones that nobody has written for a while. `doubtful`
    look apart by the rows alone: something was applied that no row has, or a
    clock is past its time and still running.
    """

    open: tuple[str, ...]
    quiet: frozenset[str]
    doubtful: frozenset[str]


async def all_rows(session: AsyncSession, authority: str, before: datetime) -> AllRows:
    """What the rows say of all episodes. What is younger than `before` (UTC) is in flight."""
    mine = (EpisodeTable.authority == authority, EpisodeTable.closed_at.is_(None))
    rows = (await session.execute(select(EpisodeTable.id, EpisodeTable.written_at).where(*mine))).all()
    doubtful = [
        *await _reports_without_rows(session, authority, before),
        *await _facts_without_rows(session, authority, before),
        *(await session.scalars(select(EpisodeTable.id).where(*mine, _late(before)))).all(),
    ]
    return AllRows(
        open=tuple(sorted(str(row[0]) for row in rows)),
        quiet=frozenset(str(row[0]) for row in rows if row[1] < before),
        doubtful=frozenset(doubtful),
    )


def _late(before: datetime) -> ColumnElement[bool]:
    """Whether an episode should have woken for a clock that still runs."""
    running = (ClockTable.episode_id == EpisodeTable.id, ClockTable.state == ClockState.RUNNING.value)
    return and_(EpisodeTable.next_wake_at < before, exists().where(*running, ClockTable.due < before))


def _applied(authority: str, kind: str, before: datetime) -> tuple[ColumnElement[bool], ...]:
    settled = (InboxTable.state == "applied", InboxTable.settled_at < before)
    return InboxTable.authority == authority, InboxTable.kind == kind, *settled


async def _reports_without_rows(session: AsyncSession, authority: str, before: datetime) -> Sequence[str]:
    no_row = ~exists().where(EpisodeTable.id == InboxTable.episode_id)
    chosen = select(InboxTable.episode_id).where(*_applied(authority, "report", before), no_row)
    return (await session.scalars(chosen)).all()


async def _facts_without_rows(session: AsyncSession, authority: str, before: datetime) -> Sequence[str]:
    """Of closed episodes nothing is asked: there would be ever more of them."""
    closed = exists().where(EpisodeTable.id == InboxTable.episode_id, EpisodeTable.closed_at.is_not(None))
    there = exists().where(FactTable.episode_id == InboxTable.episode_id, FactTable.id == InboxTable.id)
    chosen = select(InboxTable.episode_id).where(*_applied(authority, "fact", before), ~closed, ~there)
    return (await session.scalars(chosen.distinct())).all()


async def rows_among(session: AsyncSession, ids: Collection[str]) -> dict[str, tuple[str, bool]]:
    """Of these episodes those that have a row: whose it is, and whether it says that the episode is closed."""
    found: dict[str, tuple[str, bool]] = {}
    ordered = sorted(ids)
    for first in range(0, len(ordered), _AT_ONCE):
        asked = EpisodeTable.id.in_(ordered[first : first + _AT_ONCE])
        rows = await session.execute(
            select(EpisodeTable.id, EpisodeTable.authority, EpisodeTable.closed_at).where(asked)
        )
        found |= {str(row[0]): (str(row[1]), row[2] is not None) for row in rows.all()}
    return found


@dataclass(frozen=True)
class OneEpisode:
    """An episode as the rows have it, or none. Instants are UTC.

    `late_since`: when it should have woken for a clock that still runs. A row
    of another authority is none, and `elsewhere` says so.
    """

    compared: RowsOfEpisode
    written_at: datetime | None = None
    late_since: datetime | None = None
    lives_by: Mapping[str, Any] = field(default_factory=dict[str, Any])
    elsewhere: bool = False


async def one_episode(session: AsyncSession, authority: str, episode_id: str, before: datetime) -> OneEpisode:
    """An episode as the rows have it. What was applied after `before` (UTC) is in flight."""
    row = await session.get(EpisodeTable, episode_id)
    mine = InboxTable.episode_id == episode_id
    report = await session.scalar(select(InboxTable.id).where(*_applied(authority, "report", before), mine))
    applied = select(InboxTable.id).where(*_applied(authority, "fact", before), mine)
    said = frozenset((await session.scalars(applied)).all())
    if row is None or row.authority != authority:
        nothing = RowsOfEpisode(report_applied=report is not None, said_applied=said)
        return OneEpisode(nothing, elsewhere=row is not None)
    late = await session.scalar(select(EpisodeTable.next_wake_at).where(EpisodeTable.id == episode_id, _late(before)))
    lines = await session.scalars(select(TimelineTable.number).where(TimelineTable.episode_id == episode_id))
    notices = await session.scalars(select(NoticeTable.key).where(NoticeTable.episode_id == episode_id))
    facts = await _of(session, FactTable, episode_id, FactTable.recorded_at, FactTable.id)
    clocks = await _of(session, ClockTable, episode_id, ClockTable.id)
    compared = RowsOfEpisode(
        turn=row.turn,
        closed=row.closed_at is not None,
        woken_late=late is not None,
        facts={fact.id: Fact.model_validate(fact.body) for fact in facts},
        clocks={clock.id: (clock.state, clock.start, clock.due) for clock in clocks},
        lines=frozenset(lines.all()),
        tasks={task.key: task for task in await _tasks(session, episode_id)},
        notices=frozenset(notices.all()),
        report_applied=report is not None,
        said_applied=said,
    )
    lives_by = {name: getattr(row, name) for name in ("policy", "policy_version", "child_id")}
    return OneEpisode(compared, written_at=row.written_at, late_since=late, lives_by=lives_by)


async def _of(session: AsyncSession, table: Any, episode_id: str, *order: Any) -> list[Any]:
    return list((await session.scalars(select(table).where(table.episode_id == episode_id).order_by(*order))).all())


async def _tasks(session: AsyncSession, episode_id: str) -> list[TaskRow]:
    rows = await _of(session, TaskTable, episode_id, TaskTable.opened_at, TaskTable.key)
    return [TaskRow.model_validate({name: getattr(row, name) for name in TaskRow.model_fields}) for row in rows]


async def all_kept(session: AsyncSession, authority: str, episode_id: str) -> InRows | None:
    """All that the rows remember of an episode, but for its facts; None when they have none."""
    row = await session.get(EpisodeTable, episode_id)
    if row is None or row.authority != authority:
        return None
    lines = await _of(session, TimelineTable, row.id, TimelineTable.number)
    notices = await _of(session, NoticeTable, row.id, NoticeTable.sent_at, NoticeTable.key)
    absence = await _of_absence(session, [notice.key for notice in notices])
    unreached = await _unreached_since(session, [notice.key for notice in notices])
    clocks = await _of(session, ClockTable, row.id, ClockTable.id)
    columns = NoticeInTray.model_fields.keys() - {"of_absence", "undelivered_at"}
    return InRows(
        turn=row.turn,
        status=EpisodeStatus(row.status),
        clocks=tuple(Clock.model_validate(clock.body) for clock in clocks),
        tasks=tuple(await _tasks(session, row.id)),
        timeline=tuple(TimelineEntry.model_validate(line.body) for line in lines),
        notices=tuple(
            NoticeInTray.model_validate(
                {name: getattr(notice, name) for name in columns}
                | {"of_absence": absence.get(notice.key), "undelivered_at": unreached.get(notice.key)}
            )
            for notice in notices
        ),
        facts=len(await _of(session, FactTable, row.id, FactTable.id)),
    )


async def _of_absence(session: AsyncSession, keys: list[str]) -> dict[str, bool]:
    chosen = select(RecipientTable.notice_key, RecipientTable.of_absence).where(RecipientTable.notice_key.in_(keys))
    return {str(row[0]): bool(row[1]) for row in (await session.execute(chosen)).all()}


async def _unreached_since(session: AsyncSession, keys: list[str]) -> dict[str, datetime]:
    """Since when it is known (UTC) of a notice that none of those it is for was reached."""
    chosen = select(RecipientTable.notice_key, MessageTable.state, MessageTable.state_at)
    chosen = chosen.outerjoin(MessageTable, MessageTable.id == RecipientTable.message_id)
    chosen = chosen.where(RecipientTable.notice_key.in_(keys))
    by_key: dict[str, list[datetime | None]] = {}
    for key, state, at in (await session.execute(chosen)).all():
        by_key.setdefault(key, []).append(at if state in _NOBODY else None)
    return {
        key: max(found) for key, all_of in by_key.items() if len(found := [at for at in all_of if at]) == len(all_of)
    }


# Policies, the inbox, the post ---------------------------------------------------------------------------------


async def policies_of_open(session: AsyncSession, authority: str) -> dict[tuple[str, str], int]:
    """The policies, by name and version, that open episodes live by, and how many by each."""
    named = (EpisodeTable.policy, EpisodeTable.policy_version)
    chosen = select(*named, func.count()).where(EpisodeTable.authority == authority, EpisodeTable.closed_at.is_(None))
    return {(str(row[0]), str(row[1])): int(row[2]) for row in (await session.execute(chosen.group_by(*named))).all()}


async def calendars_of_open(session: AsyncSession, authority: str) -> dict[str, tuple[str, str, str]]:
    """By which policy, its version and which version of its calendar each open episode counts, by the episode's id."""
    counts_by = (EpisodeTable.policy, EpisodeTable.policy_version, EpisodeTable.calendar_version)
    chosen = select(EpisodeTable.id, *counts_by)
    chosen = chosen.where(EpisodeTable.authority == authority, EpisodeTable.closed_at.is_(None))
    return {row[0]: (row[1], row[2], row[3]) for row in (await session.execute(chosen)).all()}


async def kept_since_before(session: AsyncSession, authority: str, before: datetime) -> dict[str, datetime]:
    """What was said before an instant (UTC) and is not applied, by its id, and when it was said."""
    kept = (InboxTable.authority == authority, InboxTable.state == "kept", InboxTable.received_at < before)
    rows = await session.execute(select(InboxTable.id, InboxTable.received_at).where(*kept))
    return {str(row[0]): row[1] for row in rows.all()}


async def keep_again(
    session: AsyncSession, authority: str, episode_id: str, facts: Collection[str], *, report: bool = False
) -> None:
    """Have the relay apply again what counts as applied: facts of an episode, and its report too."""
    which = InboxTable.id.in_(facts)
    which = or_(which, InboxTable.kind == "report") if report else which
    mine = (InboxTable.authority == authority, InboxTable.episode_id == episode_id, InboxTable.state == "applied")
    await session.execute(update(InboxTable).where(*mine, which).values(state="kept", settled_at=None))


async def facts_applied(session: AsyncSession, authority: str, episode_id: str) -> list[Fact]:
    """The facts of an episode that the inbox calls applied, in the order in which they came."""
    mine = (InboxTable.authority == authority, InboxTable.episode_id == episode_id, InboxTable.kind == "fact")
    chosen = select(InboxTable.body).where(*mine, InboxTable.state == "applied").order_by(InboxTable.received_at)
    return [Fact.model_validate(body) for body in (await session.scalars(chosen)).all()]


async def people_who_wait(session: AsyncSession, authority: str, before: datetime) -> set[str]:
    """The persons to whom something should have gone out before an instant (UTC), and is in no message."""
    chosen = select(RecipientTable.person_id).join(PersonTable, PersonTable.id == RecipientTable.person_id)
    waits = (RecipientTable.message_id.is_(None), RecipientTable.ready_at < before)
    return set((await session.scalars(chosen.where(PersonTable.authority == authority, *waits).distinct())).all())


async def messages_under_way(session: AsyncSession, authority: str, before: datetime) -> set[str]:
    """The messages, gathered before an instant (UTC), that are on their way by their rows."""
    mine = (MessageTable.authority == authority, MessageTable.state.in_(_UNDER_WAY), MessageTable.gathered_at < before)
    return set((await session.scalars(select(MessageTable.id).where(*mine))).all())


async def has_arrived(session: AsyncSession, message_id: str) -> bool:
    """Whether a way out of a message was taken and not given up, by its rows."""
    taken = (DispatchTable.message_id == message_id, DispatchTable.taken_at.is_not(None))
    chosen = select(DispatchTable.way).where(*taken, DispatchTable.given_up_at.is_(None))
    return (await session.scalars(chosen)).first() is not None


@dataclass(frozen=True)
class ReceiptKept:
    """The last that a provider said of a message under way, in the provider's word; what its row has made of it."""

    message: str
    way: str
    status: str
    delivered: bool
    given_up: bool


async def receipts_of_messages_under_way(session: AsyncSession, authority: str, before: datetime) -> list[ReceiptKept]:
    """The receipts of before an instant (UTC) of messages on their way by their rows; the last of each way out."""
    chosen = select(DispatchTable, ReceiptTable.status).join(MessageTable, MessageTable.id == DispatchTable.message_id)
    chosen = chosen.join(ReceiptTable, ReceiptTable.reference == DispatchTable.reference)
    mine = (MessageTable.authority == authority, MessageTable.state.in_(_UNDER_WAY), ReceiptTable.received_at < before)
    found: dict[tuple[str, str], ReceiptKept] = {}
    for one, status in (await session.execute(chosen.where(*mine).order_by(ReceiptTable.received_at))).all():
        delivered, given_up = one.delivered_at is not None, one.given_up_at is not None
        found[one.message_id, one.way] = ReceiptKept(one.message_id, one.way, status, delivered, given_up)
    return list(found.values())
