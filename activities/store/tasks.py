"""Tasks as people read them."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from activities.store.tables import TaskTable


class TaskView(BaseModel):
    """A task in a list. Instants are UTC."""

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


async def open_tasks(session: AsyncSession, role: str | None, clock: str | None = None) -> list[TaskView]:
    """The open tasks, of one role or clock or of all, the earliest due first; those without a due time first of all."""
    chosen = select(TaskTable).where(TaskTable.state == "open")
    if role:
        chosen = chosen.where(TaskTable.role == role)
    if clock:
        chosen = chosen.where(TaskTable.clock == clock)
    rows = await session.scalars(chosen.order_by(TaskTable.due.asc().nulls_first(), TaskTable.opened_at, TaskTable.key))
    return [TaskView.model_validate(row) for row in rows.all()]
