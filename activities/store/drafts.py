"""What people have begun to write and not yet sent: kept as they wrote it, seen by nobody else, and not for long."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from pydantic import BaseModel, ConfigDict
from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from activities.store.statements import take_turns, upsert
from activities.store.tables import DraftTable

KEPT_FOR: Final = timedelta(days=30)
"""What nobody has gone on with for so long is forgotten."""


class Draft(BaseModel):
    """What somebody (a principal's id) has begun to write, by field. Instants are UTC."""

    model_config = ConfigDict(frozen=True, from_attributes=True)
    authority: str
    who: str
    id: str
    kind: str
    body: dict[str, Any]
    begun_at: datetime
    saved_at: datetime


async def draft(session: AsyncSession, authority: str, who: str, draft_id: str) -> Draft | None:
    """What somebody began under an id, or None."""
    row = await session.get(DraftTable, (authority, who, draft_id))
    return Draft.model_validate(row) if row else None


async def drafts_of(session: AsyncSession, authority: str, who: str, kind: str, now: datetime) -> list[Draft]:
    """What somebody began of a kind and may go on with at `now` (UTC), the latest first."""
    mine = select(DraftTable).where(DraftTable.authority == authority, DraftTable.who == who, DraftTable.kind == kind)
    mine = mine.where(DraftTable.saved_at >= now - KEPT_FOR).order_by(DraftTable.saved_at.desc(), DraftTable.id)
    return [Draft.model_validate(row) for row in (await session.scalars(mine)).all()]


async def take_turns_at_draft(session: AsyncSession, authority: str, who: str, draft_id: str) -> None:
    """Wait until nobody is writing this draft, or dropping it."""
    await take_turns(session, "draft", [f"{authority}/{who}/{draft_id}"])


async def save_draft(
    session: AsyncSession,
    authority: str,
    who: str,
    draft_id: str,
    *,
    kind: str,
    written: Mapping[str, str],
    now: datetime,
) -> Draft:
    """Keep what was written into some fields; the others stay as they are. `now` is UTC.

    Whoever begins one has those forgotten that nobody went on with.
    """
    await take_turns_at_draft(session, authority, who, draft_id)
    before = await draft(session, authority, who, draft_id)
    if before is None:
        await session.execute(delete(DraftTable).where(DraftTable.saved_at < now - KEPT_FOR))
    saved = Draft(
        authority=authority,
        who=who,
        id=draft_id,
        kind=kind,
        body={**(before.body if before else {}), **written},
        begun_at=before.begun_at if before else now,
        saved_at=now,
    )
    await upsert(session, DraftTable, saved.model_dump())
    session.expire_all()
    return saved


async def drop_draft(session: AsyncSession, authority: str, who: str, draft_id: str) -> None:
    """Forget what somebody began: it was sent, or thrown away."""
    await take_turns_at_draft(session, authority, who, draft_id)
    mine = (DraftTable.authority == authority, DraftTable.who == who, DraftTable.id == draft_id)
    await session.execute(delete(DraftTable).where(*mine))
