"""Broken glass: who opened the record of a restricted child without holding a role for it, why, and until when."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict
from sqlalchemy import and_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from activities.store.statements import take_turns
from activities.store.tables import BrokenGlassTable


class BrokenGlass(BaseModel):
    """That somebody looked all the same. `who` is the principal, by its id and name; instants are UTC."""

    model_config = ConfigDict(frozen=True, from_attributes=True)
    id: str
    authority: str
    episode_id: str
    child_id: str | None
    who: str
    name: str
    why: str
    at: datetime
    until: datetime


async def take_turns_at_glass(session: AsyncSession, episode_id: str) -> None:
    """Wait until nobody else breaks the glass of an episode; to be called before looking whether it is broken."""
    await take_turns(session, "glass", [episode_id])


async def keep_broken(session: AsyncSession, broken: BrokenGlass) -> None:
    """Write down that the glass was broken."""
    session.add(BrokenGlassTable(**broken.model_dump()))
    await session.flush()


async def all_broken(
    session: AsyncSession, authority: str, *, after: tuple[datetime, str] | None = None, limit: int | None = None
) -> list[BrokenGlass]:
    """The breakings of the glass in an authority, the latest first; those after one (UTC, and its id) if given."""
    chosen = select(BrokenGlassTable).where(BrokenGlassTable.authority == authority)
    if after is not None:
        at, id = after
        same = and_(BrokenGlassTable.at == at, BrokenGlassTable.id > id)
        chosen = chosen.where(or_(BrokenGlassTable.at < at, same))
    rows = await session.scalars(chosen.order_by(BrokenGlassTable.at.desc(), BrokenGlassTable.id).limit(limit))
    return [BrokenGlass.model_validate(row) for row in rows.all()]
