"""An authority's open episodes: all of them as far as their order goes, and some of them as a board shows them.

A record that goes on in another, or was a mistake, is none of them: nobody is looked for by it.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, Select, case, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from activities.store.statements import batched
from activities.store.tables import (
    OWED,
    ChildTeamTable,
    ClockTable,
    EpisodeTable,
    FactTable,
    InboxTable,
    PersonTable,
    TaskTable,
)
from workflows.fact_kinds import FactKind
from workflows.facts import Child, Fact, Known
from workflows.owed import OWED_BY_PEOPLE, OpenTask, Owed, OwedClock, what_is_owed
from workflows.vocabulary import EpisodeStatus

_OF_PEOPLE: Final = tuple(kind.value for kind in OWED_BY_PEOPLE)


@dataclass(frozen=True, slots=True)
class OpenEpisode:
    """An open episode, as far as a board's order, filters and counts go. Instants are UTC.

    `due` is the earliest time by which something is owed, by a clock or a task; None where nothing with a time is.
    `soon`: something falls due between the present and the end of what was asked for as soon.
    """

    episode_id: str
    child_id: str | None
    team: str | None
    need_to_know: bool
    status: EpisodeStatus
    missing_since: datetime | None
    returned_at: datetime | None
    policy: str
    policy_version: str
    due: datetime | None
    soon: bool


async def open_episodes(
    session: AsyncSession, authority: str, now: datetime, soon: timedelta, *, among: Collection[str] | None = None
) -> list[OpenEpisode]:
    """Every open episode of an authority that stands for an absence, or those `among` these few, in no order.

    `now` is UTC.

    Three statements however many there are, the second and third out of
    indexes alone: several thousand are open in the worst of cases.
    """
    mine = [EpisodeTable.authority == authority, EpisodeTable.closed_at.is_(None)]
    of_mine = [TaskTable.authority == authority, TaskTable.state == "open"]
    if among is not None:
        mine.append(EpisodeTable.id.in_(among))
        of_mine.append(TaskTable.episode_id.in_(among))
    chosen = select(
        EpisodeTable.id,
        EpisodeTable.child_id,
        ChildTeamTable.team,
        EpisodeTable.need_to_know,
        EpisodeTable.status,
        EpisodeTable.missing_since,
        EpisodeTable.returned_at,
        EpisodeTable.policy,
        EpisodeTable.policy_version,
    ).outerjoin(ChildTeamTable, ChildTeamTable.child_id == EpisodeTable.child_id)
    rows = (await session.execute(chosen.where(*mine))).all()
    owed = select(ClockTable.episode_id, func.min(ClockTable.due), _falls(ClockTable.due, now, soon))
    owed = owed.join(EpisodeTable, EpisodeTable.id == ClockTable.episode_id).where(*mine)
    owed = owed.where(ClockTable.state.in_(OWED), ClockTable.kind.in_(_OF_PEOPLE))
    tasks = select(TaskTable.episode_id, func.min(TaskTable.due), _falls(TaskTable.due, now, soon))
    tasks = tasks.where(*of_mine)
    by_clock = await _by_episode(session, owed.group_by(ClockTable.episode_id))
    by_task = await _by_episode(session, tasks.group_by(TaskTable.episode_id))
    found: list[OpenEpisode] = []
    for row in rows:
        if not EpisodeStatus(row.status).of_an_absence:
            continue
        one, other = by_clock.get(row.id, _NOTHING), by_task.get(row.id, _NOTHING)
        found.append(
            OpenEpisode(
                episode_id=row.id,
                child_id=row.child_id,
                team=row.team,
                need_to_know=row.need_to_know,
                status=EpisodeStatus(row.status),
                missing_since=row.missing_since,
                returned_at=row.returned_at,
                policy=row.policy,
                policy_version=row.policy_version,
                due=min((due for due in (one[0], other[0]) if due is not None), default=None),
                soon=one[1] or other[1],
            )
        )
    return found


_Due = tuple[datetime | None, bool]
_NOTHING: Final[_Due] = (None, False)


def _falls(due: InstrumentedAttribute[datetime | None], now: datetime, soon: timedelta) -> ColumnElement[int]:
    return func.max(case(((due >= now) & (due <= now + soon), 1), else_=0))


async def _by_episode(session: AsyncSession, chosen: Select[str, datetime | None, int]) -> dict[str, _Due]:
    return {id: (due, bool(falls)) for id, due, falls in (await session.execute(chosen)).all()}


async def owed_in(session: AsyncSession, authority: str, episode_ids: Sequence[str]) -> dict[str, list[Owed]]:
    """What is owed in each of these episodes of an authority, the earliest due first; what has no due time last."""
    found: dict[str, list[Owed]] = {}
    for some in batched(episode_ids):
        of_task = TaskTable.key, TaskTable.clock, TaskTable.role, TaskTable.do, TaskTable.due, TaskTable.holder
        undone = select(TaskTable.episode_id, *of_task).order_by(TaskTable.key)
        undone = undone.where(TaskTable.authority == authority, TaskTable.state == "open")
        of_clock = ClockTable.id, ClockTable.kind, ClockTable.due, ClockTable.body["title"].as_string()
        running = select(ClockTable.episode_id, *of_clock).where(ClockTable.state.in_(OWED))
        clocks: dict[str, list[OwedClock]] = {id: [] for id in some}
        tasks: dict[str, list[OpenTask]] = {id: [] for id in some}
        for row in (await session.execute(running.where(ClockTable.episode_id.in_(some)))).all():
            clocks[row[0]].append(OwedClock(*row[1:]))
        for row in (await session.execute(undone.where(TaskTable.episode_id.in_(some)))).all():
            tasks[row[0]].append(OpenTask(*row[1:]))
        found |= {id: what_is_owed(id, clocks[id], tasks[id]) for id in some}
    return found


async def facts_in_force(
    session: AsyncSession, episode_ids: Sequence[str], kinds: Sequence[FactKind], now: datetime
) -> dict[str, Known]:
    """What is known by facts of these kinds in each of these episodes at `now` (UTC)."""
    # What corrects a fact is of its kind, or a withdrawal.
    wanted = [kind.value for kind in (*kinds, FactKind.WITHDRAWN)]
    bodies: dict[str, list[Fact]] = {id: [] for id in episode_ids}
    for some in batched(episode_ids):
        chosen = select(FactTable.episode_id, FactTable.body)
        chosen = chosen.where(FactTable.episode_id.in_(some), FactTable.kind.in_(wanted))
        for id, body in (await session.execute(chosen)).all():
            bodies[id].append(Fact.model_validate(body))
    return {id: Known(facts, now) for id, facts in bodies.items()}


async def grades_said(session: AsyncSession, authority: str, now: datetime) -> dict[str, set[str | None]]:
    """The grades that assessments of risk in open episodes came to, those that are not in force any more among them.

    None beside them: only what the facts say together tells how they stand at `now` (UTC).
    """
    kinds = (FactKind.RISK_ASSESSED.value, FactKind.WITHDRAWN.value)
    grade, replaces = FactTable.body["details", "grade"].as_string(), FactTable.body["replaces"].as_string()
    # Put right, or yet to come: what it says may not count.
    doubtful = or_(replaces.is_not(None), FactTable.at > now)
    chosen = select(FactTable.episode_id, grade, doubtful)
    chosen = chosen.join(EpisodeTable, EpisodeTable.id == FactTable.episode_id)
    chosen = chosen.where(EpisodeTable.authority == authority, EpisodeTable.closed_at.is_(None))
    found: dict[str, set[str | None]] = {}
    for id, said, in_doubt in (await session.execute(chosen.where(FactTable.kind.in_(kinds)))).all():
        found.setdefault(id, set()).add(said)
        if in_doubt:
            found[id].add(None)
    return found


async def hosted_among(
    session: AsyncSession, authority: str, episode_ids: Sequence[str], now: datetime
) -> frozenset[str]:
    """Those of these episodes whose child is another authority's, as is known at `now` (UTC)."""
    said = InboxTable.body["report", "child", "hosted"].as_boolean()
    reported: set[str] = set()
    for some in batched(episode_ids):
        chosen = select(InboxTable.episode_id).where(InboxTable.authority == authority, InboxTable.kind == "report")
        reported |= set((await session.scalars(chosen.where(InboxTable.episode_id.in_(some), said.is_(True)))).all())
    described = await facts_in_force(session, episode_ids, (FactKind.DESCRIBED,), now)
    hosted = {id: known.child(Child(hosted=id in reported or None)).hosted for id, known in described.items()}
    return frozenset(id for id, is_hosted in hosted.items() if is_hosted)


async def names_of_people(session: AsyncSession, authority: str, references: Sequence[str]) -> dict[str, str]:
    """The names of an authority's people, by the references of the directory."""
    found: dict[str, str] = {}
    for some in batched(references):
        chosen = select(PersonTable.reference, PersonTable.name).where(PersonTable.authority == authority)
        found |= dict((await session.execute(chosen.where(PersonTable.reference.in_(some)))).all())
    return found
