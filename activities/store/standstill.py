"""What the rows say of what stands still, in a handful of statements; each list as long as is asked for, and counted.

Everything is read for one authority, and nothing that is read speaks of a child.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Generic, TypeVar

from sqlalchemy import ColumnElement, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from activities.store.statements import batched
from activities.store.tables import (
    ClockTable,
    DispatchTable,
    EpisodeTable,
    FactTable,
    InboxTable,
    MessageTable,
    NoticeTable,
    PersonTable,
    RecipientTable,
    TaskTable,
    TimelineTable,
)
from workflows.names import ROLES_UNHELD
from workflows.unheld import asked_for
from workflows.vocabulary import ClockState, Role

Item = TypeVar("Item")

_PASSED: Final = (ClockState.FIRED.value, ClockState.OVERDUE.value)
_WITH_RULES: Final = "rules"


@dataclass(frozen=True)
class Some(Generic[Item]):
    """The first of what was found, and how many there are."""

    items: tuple[Item, ...]
    count: int


async def _some(session: AsyncSession, chosen: Any, limit: int, *order: Any) -> Some[Any]:
    rows = (await session.execute(chosen.order_by(*order).limit(limit))).all()
    if len(rows) < limit:
        return Some(tuple(rows), len(rows))
    count = await session.scalar(select(func.count()).select_from(chosen.subquery()))
    return Some(tuple(rows), count or 0)


@dataclass(frozen=True)
class Sleeper:
    """An open episode that should have woken (UTC), and for what, in the policy's words."""

    episode: str
    since: datetime
    waited_for: str | None


async def not_woken(session: AsyncSession, authority: str, before: datetime, limit: int) -> Some[Sleeper]:
    """The open episodes that should have woken before an instant (UTC), the longest overdue first."""
    mine = (EpisodeTable.authority == authority, EpisodeTable.closed_at.is_(None), EpisodeTable.next_wake_at < before)
    chosen = select(EpisodeTable.id, EpisodeTable.next_wake_at, EpisodeTable.next_wake_for).where(*mine)
    found = await _some(session, chosen, limit, EpisodeTable.next_wake_at, EpisodeTable.id)
    return Some(tuple(Sleeper(str(row[0]), row[1], row[2]) for row in found.items), found.count)


async def begun_and_unwritten(session: AsyncSession, authority: str, before: datetime, limit: int) -> list[str]:
    """The episodes whose report the engine took before an instant (UTC), and that have written no row yet."""
    applied = (InboxTable.authority == authority, InboxTable.kind == "report", InboxTable.state == "applied")
    no_row = ~exists().where(EpisodeTable.id == InboxTable.episode_id)
    chosen = select(InboxTable.episode_id).where(*applied, InboxTable.settled_at < before, no_row)
    return list((await session.scalars(chosen.order_by(InboxTable.settled_at).limit(limit))).all())


async def taken_and_unwritten(
    session: AsyncSession, authority: str, after: datetime, before: datetime, limit: int
) -> list[str]:
    """The open episodes that took a fact between two instants (UTC) and have not written it yet."""
    applied = (InboxTable.authority == authority, InboxTable.kind == "fact", InboxTable.state == "applied")
    no_row = ~exists().where(FactTable.episode_id == InboxTable.episode_id, FactTable.id == InboxTable.id)
    open_now = exists().where(EpisodeTable.id == InboxTable.episode_id, EpisodeTable.closed_at.is_(None))
    lately = (InboxTable.settled_at > after, InboxTable.settled_at < before)
    chosen = select(InboxTable.episode_id).where(*applied, *lately, no_row, open_now).distinct()
    return list((await session.scalars(chosen.order_by(InboxTable.episode_id).limit(limit))).all())


@dataclass(frozen=True)
class SaidAndKept:
    """Something that was said (UTC) of an episode and is not applied; `reason` is ours, where there is one."""

    id: str
    kind: str
    episode: str
    since: datetime
    attempts: int
    reason: str | None


async def said_and_kept(session: AsyncSession, authority: str, before: datetime, limit: int) -> Some[SaidAndKept]:
    """What was said before an instant (UTC) and is not applied, the longest first."""
    kept = (InboxTable.authority == authority, InboxTable.state == "kept", InboxTable.received_at < before)
    about = (InboxTable.id, InboxTable.kind, InboxTable.episode_id)
    columns = (*about, InboxTable.received_at, InboxTable.attempts, InboxTable.reason)
    found = await _some(session, select(*columns).where(*kept), limit, InboxTable.received_at, InboxTable.id)
    return Some(tuple(SaidAndKept(*row) for row in found.items), found.count)


@dataclass(frozen=True)
class Unreached:
    """A message that reached nobody, since when (UTC) it stands so, and the ways that were tried, with their faults."""

    message: str
    state: str
    since: datetime
    ways: tuple[str, ...] = ()
    attempts: int = 0


async def unreached(session: AsyncSession, authority: str, given_up_after: datetime, limit: int) -> Some[Unreached]:
    """The messages that reached nobody; of those given up, after an instant (UTC) and with a notice unanswered."""
    unanswered = exists().where(
        RecipientTable.message_id == MessageTable.id,
        RecipientTable.notice_key == NoticeTable.key,
        NoticeTable.acknowledged_at.is_(None),
    )
    lately = (MessageTable.state == "given_up") & (MessageTable.state_at > given_up_after) & unanswered
    mine = (MessageTable.authority == authority, or_(MessageTable.state == "unreached", lately))
    chosen = select(MessageTable.id, MessageTable.state, MessageTable.state_at).where(*mine)
    found = await _some(session, chosen, limit, MessageTable.state_at, MessageTable.id)
    tried = await _tried(session, [str(row[0]) for row in found.items])
    items = [Unreached(str(row[0]), str(row[1]), row[2], *tried.get(str(row[0]), ((), 0))) for row in found.items]
    return Some(tuple(items), found.count)


async def _tried(session: AsyncSession, messages: Collection[str]) -> dict[str, tuple[tuple[str, ...], int]]:
    chosen = select(DispatchTable).where(DispatchTable.message_id.in_(messages))
    found: dict[str, tuple[tuple[str, ...], int]] = {}
    for one in (await session.scalars(chosen.order_by(DispatchTable.first_tried_at, DispatchTable.way))).all():
        ways, attempts = found.get(one.message_id, ((), 0))
        found[one.message_id] = ((*ways, f"{one.way}: {one.failure or 'no answer'}"), attempts + one.attempts)
    return found


async def messages_in(session: AsyncSession, authority: str, states: Collection[str]) -> list[str]:
    """The ids of an authority's messages that stand in one of these states, the latest first."""
    mine = (MessageTable.authority == authority, MessageTable.state.in_(states))
    return list(
        (await session.scalars(select(MessageTable.id).where(*mine).order_by(MessageTable.state_at.desc()))).all()
    )


async def messages_of_episode(
    session: AsyncSession, authority: str, episode_id: str, states: Collection[str]
) -> list[str]:
    """The ids of the messages that speak of an episode and stand in one of these states, the latest first."""
    of_it = exists().where(
        RecipientTable.message_id == MessageTable.id,
        RecipientTable.notice_key == NoticeTable.key,
        NoticeTable.episode_id == episode_id,
    )
    mine = (MessageTable.authority == authority, MessageTable.state.in_(states), of_it)
    return list(
        (await session.scalars(select(MessageTable.id).where(*mine).order_by(MessageTable.state_at.desc()))).all()
    )


async def being_tried_again(session: AsyncSession, authority: str, limit: int) -> list[str]:
    """The messages on their way of which an attempt has failed, and that way is not given up."""
    failed = exists().where(
        DispatchTable.message_id == MessageTable.id,
        DispatchTable.taken_at.is_(None),
        DispatchTable.given_up_at.is_(None),
    )
    mine = (MessageTable.authority == authority, MessageTable.state.in_(("sending", "unreached")), failed)
    chosen = select(MessageTable.id).where(*mine).order_by(MessageTable.gathered_at, MessageTable.id).limit(limit)
    return list((await session.scalars(chosen)).all())


@dataclass(frozen=True)
class UnheldRoles:
    """An episode with roles that nobody holds, since when (UTC) its task is open, and which roles."""

    episode: str
    since: datetime
    roles: tuple[Role, ...]


async def roles_unheld(session: AsyncSession, authority: str, limit: int) -> Some[UnheldRoles]:
    """The episodes with roles that nobody holds, the longest first."""
    mine = (TaskTable.authority == authority, TaskTable.state == "open", TaskTable.key.endswith(f"/{ROLES_UNHELD}"))
    chosen = select(TaskTable.episode_id, TaskTable.opened_at, TaskTable.do).where(*mine)
    found = await _some(session, chosen, limit, TaskTable.opened_at, TaskTable.episode_id)
    items = tuple(UnheldRoles(str(row[0]), row[1], asked_for(row[2])) for row in found.items)
    return Some(items, found.count)


@dataclass(frozen=True)
class CameLate:
    """A clock whose time came (UTC) and was noticed only at `noticed_at`, although all was known before."""

    episode: str
    clock: str
    due: datetime
    noticed_at: datetime


async def came_late(
    session: AsyncSession, authority: str, after: datetime, slack_seconds: float, limit: int
) -> list[CameLate]:
    """The clocks that ran out after an instant (UTC) and were noticed later than the slack allows.

    What was made known between the two, or another policy or calendar, makes
    up for it: such a clock could not have been noticed before.
    """
    mine = (EpisodeTable.id == ClockTable.episode_id, EpisodeTable.authority == authority)
    chosen = select(ClockTable.episode_id, ClockTable.id, ClockTable.due).join(EpisodeTable, mine[0])
    chosen = chosen.where(mine[1], ClockTable.state.in_(_PASSED), ClockTable.due > after)
    passed = {(str(row[0]), str(row[1])): row[2] for row in (await session.execute(chosen)).all()}
    found: list[CameLate] = []
    episodes = sorted({episode for episode, _ in passed})
    for some in batched(episodes):
        facts = await _by_episode(session, select(FactTable.episode_id, FactTable.recorded_at), FactTable, some, after)
        lines = select(TimelineTable.episode_id, TimelineTable.recorded_at, TimelineTable.body)
        for episode, noticed_at, body in await _rows(session, lines, TimelineTable, some, after):
            due = passed.get((episode, str(body.get("clock"))))
            if due is None or body.get("kind") != "state" or body.get("state") not in _PASSED:
                continue
            excuses = any(due < at <= noticed_at for at in facts.get(episode, ()))
            if (noticed_at - due).total_seconds() > slack_seconds and not excuses:
                found.append(CameLate(episode, str(body["clock"]), due, noticed_at))
    return sorted(found, key=lambda one: one.due)[:limit]


async def _rows(
    session: AsyncSession, chosen: Any, table: Any, episodes: Sequence[str], after: datetime
) -> Sequence[Any]:
    mine: tuple[ColumnElement[bool], ...] = (table.episode_id.in_(episodes), table.recorded_at > after)
    return (await session.execute(chosen.where(*mine))).all()


async def _by_episode(
    session: AsyncSession, chosen: Any, table: Any, episodes: Sequence[str], after: datetime
) -> dict[str, list[datetime]]:
    found: dict[str, list[datetime]] = {}
    for episode, at in await _rows(session, chosen, table, episodes, after):
        found.setdefault(str(episode), []).append(at)
    rules = select(TimelineTable.episode_id, TimelineTable.recorded_at, TimelineTable.body)
    for episode, at, body in await _rows(session, rules, TimelineTable, episodes, after):
        if body.get("kind") == _WITH_RULES:
            found.setdefault(str(episode), []).append(at)
    return found


@dataclass(frozen=True)
class Whose:
    """Of what the engine runs, what is an authority's: episodes, messages and persons, by their ids."""

    episodes: frozenset[str]
    messages: frozenset[str]
    people: frozenset[str]


async def whose(
    session: AsyncSession,
    authority: str,
    episodes: Collection[str],
    messages: Collection[str],
    people: Collection[str],
) -> Whose:
    """Those of these ids that are an authority's; an episode without a row is whose its report is."""
    written = select(EpisodeTable.id).where(EpisodeTable.id.in_(episodes), EpisodeTable.authority == authority)
    reported = select(InboxTable.episode_id).where(
        InboxTable.episode_id.in_(episodes), InboxTable.kind == "report", InboxTable.authority == authority
    )
    sent = select(MessageTable.id).where(MessageTable.id.in_(messages), MessageTable.authority == authority)
    known = select(PersonTable.id).where(PersonTable.id.in_(people), PersonTable.authority == authority)
    return Whose(
        frozenset((await session.scalars(written.union(reported))).all()),
        frozenset((await session.scalars(sent)).all()),
        frozenset((await session.scalars(known)).all()),
    )
