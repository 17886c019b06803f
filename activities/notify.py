"""Sending notices. The tray, the one channel so far, is a table that people read."""

from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncSession

from activities.store.episodes import insert_once
from activities.store.tables import NoticeTable
from workflows.contracts import NoticeOrder, NoticeSent


async def put_in_tray(session: AsyncSession, order: NoticeOrder) -> NoticeSent:
    """Put a notice in the tray; a key that is there already is not put there again."""
    sent_at = datetime.now(UTC) + order.ahead
    values = order.model_dump(exclude={"ahead"})
    # A notice in the tray is delivered when it is there; read and answered is for the person to say.
    values |= {"sent_at": sent_at, "delivered_at": sent_at, "acknowledged_at": None}
    fresh = await insert_once(session, NoticeTable, values)
    return NoticeSent(key=order.key, again=not fresh)
