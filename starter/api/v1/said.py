"""What was said and is kept: where whoever was told 'kept, not yet applied' asks what became of it."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncSession

from activities.store import inbox
from activities.store.inbox import InboxItem
from starter.access import Permission
from starter.api.asking import Asked, AskedBy, asked_router, needs
from starter.api.paging import Cursor, Limit, Page, cursor_after, instant_in_cursor, read_cursor
from starter.api.parts import Parts
from starter.api.problems import Problem, ProblemError
from starter.api.seeing import seen_episode
from starter.sight import see_episode
from workflows.instants import to_rfc3339


class Waiting(BaseModel):
    """Something that was said and is kept: whether it has been applied, and if it was refused, why."""

    id: str = Field(description="the id of the report or fact")
    kind: Literal["report", "fact"] = Field(description="what was said")
    episode_id: str = Field(description="the episode")
    state: Literal["kept", "applied", "refused"] = Field(
        description="`kept`: no clock runs by it yet. `applied`: the episode has it. `refused`: it stays refused."
    )
    reason: str | None = Field(description="why it was refused, or still waits")
    received_at: datetime = Field(description="when it was said")
    settled_at: datetime | None = Field(description="when it was applied or refused; null while it waits")


def router_of(parts: Parts) -> APIRouter:
    """The route of the inbox."""
    router = asked_router("episodes")

    @router.get("/said", operation_id="list_what_waits")
    @needs(Permission.READ_SAID)
    async def waiting(asked: AskedBy, cursor: Cursor = None, limit: Limit = 50) -> Page[Waiting]:
        """What was said and is kept, not yet applied: no clock runs by it yet. The earliest first."""
        after = read_cursor(cursor, str, str)
        async with parts.store.snapshot() as session:
            place = (instant_in_cursor(after[0]), str(after[1])) if after else None
            found = await inbox.kept_for(session, asked.authority, place, limit + 1)
            shown = [one for one in found[:limit] if await _may_see(session, asked, one)]
        last = found[:limit][-1] if found else None
        asked.saw(*(one.episode_id for one in shown))
        following = cursor_after(to_rfc3339(last.received_at), last.id) if last and len(found) > limit else None
        return Page(items=[Waiting.model_validate(one, from_attributes=True) for one in shown], next=following)

    @router.get("/said/{said_id}", operation_id="what_became_of")
    @needs(Permission.READ_SAID)
    async def what_became_of(
        said_id: Annotated[UUID, Path(description="the id of the report or fact")], asked: AskedBy
    ) -> Waiting:
        """What became of a report or fact that was kept."""
        async with parts.store.snapshot() as session:
            item = await inbox.item(session, str(said_id))
            if item is None or item.authority != asked.authority:
                raise ProblemError(Problem.NOT_FOUND)
            if item.said_by != asked.principal.id:
                await seen_episode(session, asked, item.episode_id)
        return Waiting.model_validate(item, from_attributes=True)

    return router


async def _may_see(session: AsyncSession, asked: Asked, item: InboxItem) -> bool:
    if item.said_by == asked.principal.id:
        return True
    return (await see_episode(session, asked.principal, item.episode_id, asked.now)).sight == "whole"
