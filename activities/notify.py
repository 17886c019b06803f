"""Sending notices: whom each is for, by the directory as it stands; and the tray, a table that people read."""

from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncSession

from activities.store.directory import directory_for, note_recipients, told_persons
from activities.store.episodes import insert_once
from activities.store.tables import NoticeTable
from workflows.contracts import NoticeOrder, NoticeSent
from workflows.directory import Recipient


async def put_in_tray(session: AsyncSession, order: NoticeOrder) -> NoticeSent:
    """Put a notice in the trays of those it is for; a key that is there already is not put there again.

    Whom it is for is decided once, with the first writing: however the
    directory changes before a retry, nobody else is told by the same notice.
    """
    sent_at = datetime.now(UTC) + order.ahead
    columns = {column.name for column in NoticeTable.__table__.columns}
    values = {name: value for name, value in order.model_dump().items() if name in columns}
    # A notice in the tray is delivered when it is there; read and answered is for the person to say.
    values |= {"sent_at": sent_at, "delivered_at": sent_at, "acknowledged_at": None}
    if not await insert_once(session, NoticeTable, values):
        return NoticeSent(key=order.key, again=True)
    people = await _recipients(session, order, sent_at)
    await note_recipients(session, order.key, people, of_absence=order.of_absence)
    return NoticeSent(key=order.key, again=False, people=len(people))


async def _recipients(session: AsyncSession, order: NoticeOrder, at: datetime) -> tuple[Recipient, ...]:
    if order.reach == "told":
        told = await told_persons(session, order.episode_id, order.role, by=order.corrects)
        if told:
            return told
    directory = await directory_for(session, order.authority, order.child_id, (order.role,), at)
    if order.reach == "deputies":
        return directory.deputising(order.role, at)
    return directory.recipients(order.role, at, urgent=order.urgent)
