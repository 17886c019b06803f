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
from starter.api.paging import Cursor, Limit, Page, cursor_after, instant_in_cursor, page_of, read_cursor
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
            shown = await _seen_after(session, asked, place, limit + 1)
        last = shown[:limit][-1] if shown else None
        asked.saw(*(one.episode_id for one in shown[:limit]))
        page = page_of(shown, limit, cursor_after(to_rfc3339(last.received_at), last.id) if last else "")
        items = [Waiting.model_validate(one, from_attributes=True) for one in page.items]
        return Page(items=items, next=page.next)

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


async def _seen_after(
    session: AsyncSession, asked: Asked, place: tuple[datetime, str] | None, most: int
) -> list[InboxItem]:
    """What waits after a place and may be seen: a cursor must not name what may not."""
    seen: list[InboxItem] = []
    more = True
    while more and len(seen) < most:
        found = await inbox.kept_for(session, asked.authority, place, most)
        more = len(found) == most
        seen += [one for one in found if await _may_see(session, asked, one)]
        if found:
            place = found[-1].received_at, found[-1].id
    return seen[:most]


async def _may_see(session: AsyncSession, asked: Asked, item: InboxItem) -> bool:
    if item.said_by == asked.principal.id:
        return True
    return (await see_episode(session, asked.principal, item.episode_id, asked.now)).sight == "whole"
