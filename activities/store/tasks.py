"""Tasks as people read them: all that are open, one person's, and one by its key."""

from collections.abc import Sequence
from datetime import datetime

from pydantic import BaseModel, ConfigDict
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from activities.store.directory import directories_for, person_id
from activities.store.tables import EpisodeTable, InboxTable, TaskTable
from workflows.directory import Directory
from workflows.vocabulary import Role


class TaskView(BaseModel):
    """A task in a list. Instants are UTC; `holder` is the reference of the person who has taken it."""

    model_config = ConfigDict(from_attributes=True)
    key: str
    episode_id: str
    clock: str | None
    role: str
    do: str
    due: datetime | None
    state: str
    opened_at: datetime
    closed_at: datetime | None
    holder: str | None = None
    done_by: str | None = None


async def open_tasks(
    session: AsyncSession, authority: str, role: str | None, clock: str | None = None, *, unclaimed: bool = False
) -> list[TaskView]:
    """The open tasks of an authority, of one role or clock or of all, the earliest due first.

    Those without a due time come first of all. `unclaimed` leaves out those that somebody has taken.
    """
    chosen = select(TaskTable).where(TaskTable.authority == authority, TaskTable.state == "open")
    if role:
        chosen = chosen.where(TaskTable.role == role)
    if clock:
        chosen = chosen.where(TaskTable.clock == clock)
    if unclaimed:
        chosen = chosen.where(TaskTable.holder.is_(None))
    rows = await session.scalars(chosen.order_by(TaskTable.due.asc().nulls_first(), TaskTable.opened_at, TaskTable.key))
    return [TaskView.model_validate(row) for row in rows.all()]


async def tasks_of_person(
    session: AsyncSession, authority: str, reference: str, tasks: Sequence[TaskView], now: datetime
) -> list[TaskView]:
    """Those of the tasks that are for a person at `now` (UTC), in their order.

    They are those the person has taken, and of those nobody has taken the ones
    whose role the person holds for that child, or stands in for.
    """
    me = await person_id(session, authority, reference)
    if me is None:
        return []
    chosen = select(EpisodeTable.id, EpisodeTable.child_id).where(EpisodeTable.authority == authority)
    chosen = chosen.where(EpisodeTable.id.in_({task.episode_id for task in tasks}))
    child_of = dict((await session.execute(chosen)).all())
    directories = await directories_for(session, authority, child_of.values(), now)
    pairs = {(child_of[t.episode_id], Role(t.role)) for t in tasks if t.episode_id in child_of and t.holder is None}
    mine = {(child, role) for child, role in pairs if _is_for(me, directories[child], role, now)}
    return [
        task
        for task in tasks
        if task.episode_id in child_of
        and (task.holder == reference or (task.holder is None and (child_of[task.episode_id], task.role) in mine))
    ]


def _is_for(person: str, directory: Directory, role: Role, now: datetime) -> bool:
    """Whether a person holds a role, at work or not, or is whoever stands in for it now."""
    holders = [one.id for one in directory.holders(role, now)]
    return person in (*holders, *(one.person for one in directory.recipients(role, now, urgent=True)))


async def task_of(session: AsyncSession, authority: str, key: str) -> TaskView | None:
    """The task of an authority with that key, or None."""
    row = await session.get(TaskTable, key)
    return TaskView.model_validate(row) if row and row.authority == authority else None


async def task_beginning(session: AsyncSession, authority: str, beginning: str) -> list[TaskView]:
    """The task of an authority with that key; else its tasks, at most two of them, whose keys begin so."""
    if (exact := await task_of(session, authority, beginning)) is not None:
        return [exact]
    chosen = select(TaskTable).where(TaskTable.authority == authority)
    chosen = chosen.where(TaskTable.key.istartswith(beginning, autoescape=True)).limit(2)
    return [TaskView.model_validate(row) for row in (await session.scalars(chosen)).all()]


async def refused_ids(session: AsyncSession, episode_id: str) -> set[str]:
    """The ids of an episode's facts that were refused: what has one of them is refused for good."""
    chosen = select(InboxTable.id).where(InboxTable.episode_id == episode_id, InboxTable.state == "refused")
    return set((await session.scalars(chosen)).all())
