"""Tasks as people read them: all that are open, one person's, and one by its key."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import and_, func, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from activities.store.directory import directories_for, person_id
from activities.store.tables import EpisodeTable, InboxTable, TaskTable, UtcInstant
from workflows.directory import Directory
from workflows.vocabulary import Role

TaskState = Literal["open", "done", "withdrawn"]

_BEFORE_ALL: Final = datetime(1, 1, 2, tzinfo=UTC)
"""Where a task without a due time stands: before all that have one."""


class TaskView(BaseModel):
    """A task in a list. Instants are UTC; `holder` is the reference of the person who has taken it."""

    model_config = ConfigDict(from_attributes=True)
    key: str = Field(description="its key: the episode's id and the duty, with a slash between")
    episode_id: str = Field(description="its episode")
    clock: str | None = Field(description="the clock that it serves, if it serves one")
    role: str = Field(description="the role that owes it")
    do: str = Field(description="what is to be done")
    due: datetime | None = Field(description="by when; null where it has no time of its own")
    state: str = Field(description="`open`, `done` or `withdrawn`")
    opened_at: datetime = Field(description="since when it is there")
    closed_at: datetime | None = Field(description="when it was done or withdrawn")
    holder: str | None = Field(default=None, description="who has taken it, by the directory's reference")
    done_by: str | None = Field(default=None, description="the fact that called it done, where no other fact decides")


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


class TasksWanted(BaseModel):
    """Which tasks somebody asks for; what is None is of no matter."""

    model_config = ConfigDict(frozen=True)
    state: TaskState = "open"
    role: str | None = None
    clock: str | None = None
    episode_id: str | None = None
    unclaimed: bool = False


class TaskPlace(BaseModel):
    """A place in the list of tasks: after the first `passed` of those with this due time, opening and episode.

    It names no task: what a task is about is not for everybody who may know that there is one. Instants are UTC.
    """

    model_config = ConfigDict(frozen=True)
    due: datetime | None
    opened_at: datetime
    episode_id: str
    passed: int = 0

    def after(self, task: TaskView) -> "TaskPlace":
        """The place just after a task that comes next."""
        same = (task.due, task.opened_at, task.episode_id) == (self.due, self.opened_at, self.episode_id)
        passed = self.passed + 1 if same else 1
        return TaskPlace(due=task.due, opened_at=task.opened_at, episode_id=task.episode_id, passed=passed)


FIRST_PLACE: Final = TaskPlace(due=None, opened_at=_BEFORE_ALL, episode_id="")


async def tasks_after(
    session: AsyncSession, authority: str, wanted: TasksWanted, place: TaskPlace, limit: int
) -> list[TaskView]:
    """The tasks of an authority from a place on, at most `limit`, in order of due time; without one come first."""
    due = func.coalesce(TaskTable.due, literal(_BEFORE_ALL, UtcInstant()))
    begins = place.due or _BEFORE_ALL
    opened = TaskTable.opened_at
    same_moment = and_(due == literal(begins, UtcInstant()), opened == place.opened_at)
    chosen = select(TaskTable).where(
        TaskTable.authority == authority,
        TaskTable.state == wanted.state,
        or_(
            due > literal(begins, UtcInstant()),
            and_(due == literal(begins, UtcInstant()), opened > place.opened_at),
            and_(same_moment, TaskTable.episode_id >= place.episode_id),
        ),
    )
    for column, value in (
        (TaskTable.role, wanted.role),
        (TaskTable.clock, wanted.clock),
        (TaskTable.episode_id, wanted.episode_id),
    ):
        if value is not None:
            chosen = chosen.where(column == value)
    if wanted.unclaimed:
        chosen = chosen.where(TaskTable.holder.is_(None))
    ordered = chosen.order_by(due, opened, TaskTable.episode_id, TaskTable.key)
    rows = await session.scalars(ordered.offset(place.passed).limit(limit))
    return [TaskView.model_validate(row) for row in rows.all()]


TAKEN: Final = "taken"
"""Why a task is somebody's who has taken it."""


async def tasks_of_person(
    session: AsyncSession, authority: str, reference: str, tasks: Sequence[TaskView], now: datetime
) -> list[TaskView]:
    """Those of the tasks that are for a person at `now` (UTC), in their order; see why_of_person."""
    mine = await why_of_person(session, authority, reference, tasks, now)
    return [task for task in tasks if task.key in mine]


async def why_of_person(
    session: AsyncSession, authority: str, reference: str, tasks: Sequence[TaskView], now: datetime
) -> dict[str, str]:
    """Why tasks are for a person at `now` (UTC), by their keys; those that are not for them are not there.

    They are those the person has taken (TAKEN), and of those nobody has taken
    the ones whose role the person holds for that child (`holder`), or stands in
    for (how).
    """
    me = await person_id(session, authority, reference)
    if me is None:
        return {}
    chosen = select(EpisodeTable.id, EpisodeTable.child_id).where(EpisodeTable.authority == authority)
    chosen = chosen.where(EpisodeTable.id.in_({task.episode_id for task in tasks}))
    child_of = dict((await session.execute(chosen)).all())
    directories = await directories_for(session, authority, child_of.values(), now)
    there = [task for task in tasks if task.episode_id in child_of]
    pairs = {(child_of[t.episode_id], Role(t.role)) for t in there if t.holder is None}
    covers = {(child, role): _cover(me, directories[child], role, now) for child, role in pairs}
    why = {
        task.key: TAKEN if task.holder == reference else covers.get((child_of[task.episode_id], Role(task.role)))
        for task in there
        if task.holder in (None, reference)
    }
    return {key: cover for key, cover in why.items() if cover}


def _cover(person: str, directory: Directory, role: Role, now: datetime) -> str | None:
    """How a person holds a role, at work or not, or stands in for it now; None for who does neither."""
    if person in (one.id for one in directory.holders(role, now)):
        return "holder"
    return next((one.cover for one in directory.recipients(role, now, urgent=True) if one.person == person), None)


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
