"""Sessions in the store, and sign-ins that were begun at a provider: each by a digest, never by what opens it."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict
from sqlalchemy import delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from activities.store.identity_tables import SignInTable, WebSessionTable
from activities.store.statements import take_turns


class WebSession(BaseModel):
    """A person's session: of a local account, or with what a provider said of the person. Instants are UTC."""

    model_config = ConfigDict(from_attributes=True)
    digest: str
    authority: str
    principal_id: str
    account_id: str | None
    principal: dict[str, Any] | None
    began_at: datetime
    seen_at: datetime


async def keep_session(session: AsyncSession, begun: WebSession) -> None:
    """Keep a session that began."""
    session.add(WebSessionTable(**begun.model_dump()))
    await session.flush()


async def session_of(session: AsyncSession, digest: str) -> WebSession | None:
    """The session of a cookie's digest, or None."""
    row = await session.get(WebSessionTable, digest)
    return WebSession.model_validate(row) if row else None


async def sessions_of(session: AsyncSession, authority: str) -> list[WebSession]:
    """The sessions of an authority, the latest seen first."""
    chosen = select(WebSessionTable).where(WebSessionTable.authority == authority)
    rows = await session.scalars(chosen.order_by(WebSessionTable.seen_at.desc()))
    return [WebSession.model_validate(row) for row in rows.all()]


async def note_seen(session: AsyncSession, digest: str, now: datetime) -> None:
    """Note that a session was used at `now` (UTC)."""
    await session.execute(update(WebSessionTable).where(WebSessionTable.digest == digest).values(seen_at=now))


async def end_session(session: AsyncSession, digest: str) -> None:
    """End a session; that there is none is no fault."""
    await session.execute(delete(WebSessionTable).where(WebSessionTable.digest == digest))


async def end_sessions_of(session: AsyncSession, authority: str, principal_id: str) -> int:
    """End every session of one principal of an authority; how many."""
    mine = delete(WebSessionTable).where(WebSessionTable.authority == authority)
    gone = await session.scalars(
        mine.where(WebSessionTable.principal_id == principal_id).returning(WebSessionTable.digest)
    )
    return len(gone.all())


async def forget_ended(session: AsyncSession, began_before: datetime, seen_before: datetime) -> None:
    """Forget sessions that are past one of their limits. Instants are UTC."""
    await take_turns(session, "forget", ["web_session"])
    past = or_(WebSessionTable.began_at <= began_before, WebSessionTable.seen_at <= seen_before)
    await session.execute(delete(WebSessionTable).where(past))


class SignIn(BaseModel):
    """A sign-in that was begun: by the digests of its state and of its browser's cookie. `begun_at` is UTC."""

    state_digest: str
    browser_digest: str
    back_to: str
    begun_at: datetime


async def keep_sign_in(session: AsyncSession, begun: SignIn, forget_before: datetime) -> None:
    """Keep a sign-in that was begun; those begun before `forget_before` (UTC) are forgotten."""
    await take_turns(session, "forget", ["sign_in"])
    await session.execute(delete(SignInTable).where(SignInTable.begun_at <= forget_before))
    session.add(SignInTable(**begun.model_dump()))
    await session.flush()


async def take_sign_in(
    session: AsyncSession, state_digest: str, browser_digest: str, begun_after: datetime
) -> str | None:
    """Where a sign-in goes back to, for the browser that began it after `begun_after` (UTC), once; or None."""
    same = delete(SignInTable).where(SignInTable.state_digest == state_digest)
    mine = same.where(SignInTable.browser_digest == browser_digest, SignInTable.begun_at > begun_after)
    return await session.scalar(mine.returning(SignInTable.back_to))
