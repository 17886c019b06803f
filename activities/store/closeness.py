"""Who is close to an episode: holds a role for the child, was told, has a task, reported it, or broke the glass."""

from collections.abc import Collection
from datetime import datetime

from pydantic import BaseModel, ConfigDict
from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession

from activities.store.directory import person_id
from activities.store.tables import (
    BrokenGlassTable,
    ChildTable,
    ChildTeamTable,
    EpisodeTable,
    HoldingTable,
    InboxTable,
    NoticeTable,
    RecipientTable,
    TaskTable,
)
from workflows.names import BREAK_GLASS


class Asker(BaseModel):
    """Whoever wants to see something: a principal, and which person of the directory it is, if any."""

    model_config = ConfigDict(frozen=True)
    id: str
    authority: str
    person: str | None = None


async def close_to(
    session: AsyncSession, asker: Asker, episode_ids: Collection[str], now: datetime, *, by_report: bool = True
) -> frozenset[str]:
    """Those of an authority's episodes to which somebody is close at `now` (UTC).

    Holding a role for the whole authority is not being close: then everybody
    on call would be. `by_report`: having reported an episode is being close to it.
    """
    close = await _through_broken_glass(session, asker, episode_ids, now)
    if by_report:
        said = select(InboxTable.episode_id).where(InboxTable.said_by == asker.id, InboxTable.kind == "report")
        said = said.where(InboxTable.authority == asker.authority, InboxTable.episode_id.in_(episode_ids))
        close |= set((await session.scalars(said)).all())
    me = await person_id(session, asker.authority, asker.person) if asker.person else None
    if me is not None and asker.person is not None:
        close |= await _by_office(session, asker.authority, me, episode_ids, now)
        told = select(NoticeTable.episode_id).join(RecipientTable, RecipientTable.notice_key == NoticeTable.key)
        # Who is told that somebody looked needs not look themselves.
        told = told.where(NoticeTable.clock != BREAK_GLASS, NoticeTable.authority == asker.authority)
        told = told.where(RecipientTable.person_id == me, NoticeTable.episode_id.in_(episode_ids))
        close |= set((await session.scalars(told)).all())
        tasks = select(TaskTable.episode_id).where(TaskTable.authority == asker.authority)
        tasks = tasks.where(TaskTable.holder == asker.person, TaskTable.episode_id.in_(episode_ids))
        close |= set((await session.scalars(tasks)).all())
    mine = select(EpisodeTable.id).where(EpisodeTable.id.in_(close), EpisodeTable.authority != asker.authority)
    return frozenset(close - set((await session.scalars(mine)).all()))


async def close_to_open(session: AsyncSession, asker: Asker, now: datetime) -> frozenset[str]:
    """The open episodes of an authority to which somebody is close at `now` (UTC), as `close_to` says of some.

    From what is somebody's own to the episodes: thousands may be open.
    """
    whole = _glass_in_force(asker, now)
    mine = (EpisodeTable.authority == asker.authority, EpisodeTable.closed_at.is_(None))
    of_glass = BrokenGlassTable.child_id == EpisodeTable.child_id
    said = (InboxTable.said_by == asker.id, InboxTable.kind == "report", InboxTable.authority == asker.authority)
    ways = [
        select(EpisodeTable.id).join(BrokenGlassTable, BrokenGlassTable.episode_id == EpisodeTable.id).where(*whole),
        select(EpisodeTable.id).join(BrokenGlassTable, of_glass).where(*whole),
        select(EpisodeTable.id).join(InboxTable, InboxTable.episode_id == EpisodeTable.id).where(*said),
    ]
    me = await person_id(session, asker.authority, asker.person) if asker.person else None
    if me is not None and asker.person is not None:
        children, teams = await _offices(session, asker.authority, me, now)
        of_teams = select(ChildTeamTable.child_id).where(ChildTeamTable.team.in_(teams))
        told = select(EpisodeTable.id).join(NoticeTable, NoticeTable.episode_id == EpisodeTable.id)
        told = told.join(RecipientTable, RecipientTable.notice_key == NoticeTable.key)
        tasks = select(EpisodeTable.id).join(TaskTable, TaskTable.episode_id == EpisodeTable.id)
        ways += [
            select(EpisodeTable.id).where(EpisodeTable.child_id.in_(children) | EpisodeTable.child_id.in_(of_teams)),
            told.where(RecipientTable.person_id == me, NoticeTable.clock != BREAK_GLASS),
            tasks.where(TaskTable.authority == asker.authority, TaskTable.holder == asker.person),
        ]
    return frozenset({id for way in ways for id in (await session.scalars(way.where(*mine))).all()})


async def close_to_child(session: AsyncSession, asker: Asker, child_id: str, now: datetime) -> bool:
    """Whether somebody holds a role at `now` (UTC) for a child, or for the child's team, with or without an episode."""
    me = await person_id(session, asker.authority, asker.person) if asker.person else None
    if me is None:
        return False
    children, teams = await _offices(session, asker.authority, me, now)
    team = await session.get(ChildTeamTable, child_id)
    return child_id in children or (team is not None and team.team in teams)


async def children_worked_for(session: AsyncSession, asker: Asker, now: datetime, *, later: bool) -> frozenset[str]:
    """The children for whom, or for whose team, somebody holds a role at `now` (UTC); with `later`, or will."""
    me = await person_id(session, asker.authority, asker.person) if asker.person else None
    if me is None:
        return frozenset()
    children, teams = await _offices(session, asker.authority, me, now, later=later)
    of_teams = select(ChildTeamTable.child_id).join(ChildTable, ChildTable.id == ChildTeamTable.child_id)
    of_teams = of_teams.where(ChildTable.authority == asker.authority, ChildTeamTable.team.in_(teams))
    return frozenset({*children, *(await session.scalars(of_teams)).all()})


async def _through_broken_glass(
    session: AsyncSession, asker: Asker, episode_ids: Collection[str], now: datetime
) -> set[str]:
    """The episodes for which, or for whose child, somebody broke the glass; one may not be written yet."""
    whole = _glass_in_force(asker, now)
    itself = select(BrokenGlassTable.episode_id).where(*whole, BrokenGlassTable.episode_id.in_(episode_ids))
    of_child = select(EpisodeTable.id).join(BrokenGlassTable, BrokenGlassTable.child_id == EpisodeTable.child_id)
    of_child = of_child.where(*whole, EpisodeTable.id.in_(episode_ids))
    return {*(await session.scalars(itself)).all(), *(await session.scalars(of_child)).all()}


def _glass_in_force(asker: Asker, now: datetime) -> tuple[ColumnElement[bool], ...]:
    broken = (BrokenGlassTable.who == asker.id, BrokenGlassTable.authority == asker.authority)
    return (*broken, BrokenGlassTable.at <= now, BrokenGlassTable.until > now)


async def _by_office(
    session: AsyncSession, authority: str, me: str, episode_ids: Collection[str], now: datetime
) -> set[str]:
    """The episodes for whose child, or the child's team, a person holds a role now."""
    children, teams = await _offices(session, authority, me, now)
    of_teams = select(ChildTeamTable.child_id).where(ChildTeamTable.team.in_(teams))
    # Asked for by their ids alone: by the authority too, SQLite would look through all that the authority ever had.
    near = select(EpisodeTable.id, EpisodeTable.authority).where(EpisodeTable.id.in_(episode_ids))
    near = near.where(EpisodeTable.child_id.in_(children) | EpisodeTable.child_id.in_(of_teams))
    return {id for id, whose in (await session.execute(near)).all() if whose == authority}


async def _offices(
    session: AsyncSession, authority: str, me: str, now: datetime, *, later: bool = False
) -> tuple[set[str], set[str]]:
    """The children and the teams for which a person holds a role now; with `later`, or will."""
    in_force: list[ColumnElement[bool]] = [HoldingTable.until.is_(None) | (HoldingTable.until > now)]
    if not later:
        in_force.append(HoldingTable.since.is_(None) | (HoldingTable.since <= now))
    held = select(HoldingTable.scope, HoldingTable.held_for).where(
        HoldingTable.authority == authority, HoldingTable.person_id == me, *in_force
    )
    rows = (await session.execute(held)).all()
    children = {held_for for scope, held_for in rows if scope == "child"}
    return children, {held_for for scope, held_for in rows if scope == "team"}
