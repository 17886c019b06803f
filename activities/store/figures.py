"""How much there is of what somebody must see to, as numbers: never whose."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from activities.store.tables import OWED, ClockTable, EpisodeTable, InboxTable, TaskTable
from workflows.owed import OWED_BY_PEOPLE


@dataclass(frozen=True)
class Figures:
    """How much there is of an authority's, at a moment. `inbox_oldest` is when the oldest that waits was kept (UTC)."""

    open_episodes: int
    clocks_running: int
    clocks_overdue: int
    tasks_in_time: int
    tasks_overdue: int
    tasks_untaken_overdue: int
    inbox_waiting: int
    inbox_oldest: datetime | None


async def figures_of(session: AsyncSession, authority: str, now: datetime) -> Figures:
    """How much there is of an authority's at `now` (UTC)."""
    episodes = select(func.count()).where(EpisodeTable.authority == authority, EpisodeTable.closed_at.is_(None))
    clocks = select(func.count(), func.count().filter(ClockTable.due < now))
    clocks = clocks.join(EpisodeTable, EpisodeTable.id == ClockTable.episode_id)
    clocks = clocks.where(EpisodeTable.authority == authority, EpisodeTable.closed_at.is_(None))
    clocks = clocks.where(ClockTable.state.in_(OWED), ClockTable.kind.in_([kind.value for kind in OWED_BY_PEOPLE]))
    late = TaskTable.due < now
    tasks = select(
        func.count(), func.count().filter(late), func.count().filter(late & TaskTable.holder.is_(None))
    ).where(TaskTable.authority == authority, TaskTable.state == "open")
    inbox = select(func.count(), func.min(InboxTable.received_at)).where(
        InboxTable.authority == authority, InboxTable.state == "kept"
    )
    running, overdue = (await session.execute(clocks)).one()
    open_tasks, tasks_late, untaken = (await session.execute(tasks)).one()
    waiting, oldest = (await session.execute(inbox)).one()
    return Figures(
        open_episodes=await session.scalar(episodes) or 0,
        clocks_running=running - overdue,
        clocks_overdue=overdue,
        tasks_in_time=open_tasks - tasks_late,
        tasks_overdue=tasks_late,
        tasks_untaken_overdue=untaken,
        inbox_waiting=waiting,
        inbox_oldest=oldest,
    )
