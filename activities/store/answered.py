"""What was answered to requests that came under a key of their sender's."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict
from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession

from activities.store.statements import take_turns
from activities.store.tables import AnsweredTable


class Answered(BaseModel):
    """An answer that was given: to what, by the fingerprint of what was asked, and what it said. `at` is UTC."""

    model_config = ConfigDict(frozen=True, from_attributes=True)
    authority: str
    who: str
    key: str
    digest: str
    status: int
    body: dict[str, Any]
    at: datetime


async def answered(session: AsyncSession, authority: str, who: str, key: str) -> Answered | None:
    """The answer given under a key, or None; whoever asks under the same key at the same time waits."""
    await take_turns(session, "answered", [f"{authority}/{who}/{key}"])
    row = await session.get(AnsweredTable, (authority, who, key))
    return Answered.model_validate(row) if row else None


async def keep_answer(session: AsyncSession, answer: Answered) -> None:
    """Keep an answer with what it answers: in the same transaction."""
    session.add(AnsweredTable(**answer.model_dump()))
    await session.flush()


async def forget_answers(session: AsyncSession, before: datetime) -> None:
    """Forget what was answered before an instant (UTC): nobody sends that again."""
    await session.execute(delete(AnsweredTable).where(AnsweredTable.at < before))
