"""What falls due first over many open episodes: as many steps as are wanted, without reading all that is owed."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, and_, case, exists, select, true
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.sql.elements import SQLCoreOperations

from activities.store.tables import OWED, ClockTable, EpisodeTable, TaskTable
from workflows.owed import OWED_BY_PEOPLE, OpenTask, Owed, owed_by_task
from workflows.vocabulary import Role

_OF_PEOPLE: Final = tuple(kind.value for kind in OWED_BY_PEOPLE)


@dataclass(frozen=True)
class Window:
    """Between which instants something falls due (UTC); `since` counts, and with `to_the_end` so does `until`.

    `among`: only in these episodes; None is in all that are open. `but`: not in these.
    """

    since: datetime | None
    until: datetime
    to_the_end: bool = True
    among: Collection[str] | None = None
    but: Collection[str] = field(default=())


async def first_owed(session: AsyncSession, authority: str, window: Window, limit: int) -> list[Owed]:
    """What people owe in an authority's open episodes within a window, the earliest first, and no more than `limit`.

    A clock and its task are one thing, as in `what_is_owed`.
    """
    found = await _by_clocks(session, authority, window, limit)
    found += await _by_tasks_alone(session, authority, window, limit)
    return sorted(found, key=lambda one: (one.due, one.episode_id, one.title))[:limit]


async def _by_clocks(session: AsyncSession, authority: str, window: Window, limit: int) -> list[Owed]:
    first = select(ClockTable.episode_id, ClockTable.id)
    first = first.join(EpisodeTable, EpisodeTable.id == ClockTable.episode_id)
    first = first.where(*_open(ClockTable.episode_id, authority, window))
    first = first.where(ClockTable.state.in_(OWED), ClockTable.kind.in_(_OF_PEOPLE), *_falls(ClockTable.due, window))
    those = first.order_by(ClockTable.due, ClockTable.episode_id, ClockTable.id).limit(limit).subquery()
    # What it is called is read of those alone that are the first; whose task it is asked for by its key alone.
    of_task = TaskTable.key, TaskTable.role, TaskTable.holder, TaskTable.state, TaskTable.authority
    chosen = select(
        ClockTable.episode_id, ClockTable.id, ClockTable.body["title"].as_string(), ClockTable.due, *of_task
    )
    chosen = chosen.join(those, and_(ClockTable.episode_id == those.c.episode_id, ClockTable.id == those.c.id))
    chosen = chosen.outerjoin(TaskTable, TaskTable.key == ClockTable.episode_id + "/" + ClockTable.id)
    found: list[Owed] = []
    for episode, id, title, due, key, role, holder, state, whose in (await session.execute(chosen)).all():
        owed = Owed(episode, id, title, due)
        if role and state == "open" and whose == authority:
            owed = Owed(episode, id, title, due, Role(role), key, holder)
        found.append(owed)
    return found


async def _by_tasks_alone(session: AsyncSession, authority: str, window: Window, limit: int) -> list[Owed]:
    """What is owed by tasks for which no clock runs."""
    of_task = TaskTable.key, TaskTable.clock, TaskTable.role, TaskTable.do, TaskTable.due, TaskTable.holder
    chosen = select(TaskTable.episode_id, *of_task).join(EpisodeTable, EpisodeTable.id == TaskTable.episode_id)
    chosen = chosen.where(*_open(TaskTable.episode_id, authority, window))
    # Among a few, not as the column is: by an index of it SQLite would look through all that is late anywhere.
    due = TaskTable.due if window.among is None else case((true(), TaskTable.due), else_=TaskTable.due)
    chosen = chosen.where(TaskTable.authority == authority, TaskTable.state == "open", *_falls(due, window))
    its_clock = (ClockTable.episode_id == TaskTable.episode_id, ClockTable.id == TaskTable.clock)
    its_key = TaskTable.key == TaskTable.episode_id + "/" + ClockTable.id
    chosen = chosen.where(~exists().where(*its_clock, ClockTable.state.in_(OWED), its_key))
    rows = await session.execute(chosen.order_by(due, TaskTable.key).limit(limit))
    return [
        owed_by_task(episode, OpenTask(key, clock, role, do, by, holder))
        for episode, key, clock, role, do, by, holder in rows.all()
    ]


def _open(of: InstrumentedAttribute[str], authority: str, window: Window) -> list[ColumnElement[bool]]:
    mine = [EpisodeTable.authority == authority, EpisodeTable.closed_at.is_(None)]
    if window.among is not None:
        mine.append(of.in_(window.among))
    return [*mine, of.not_in(window.but)] if window.but else mine


def _falls(due: SQLCoreOperations[datetime | None], window: Window) -> list[ColumnElement[bool]]:
    until = due <= window.until if window.to_the_end else due < window.until
    return [until] if window.since is None else [due >= window.since, until]
