"""Answers to notices: which notices have one, by whom, and since when."""

from datetime import datetime

from pydantic import BaseModel
from sqlalchemy import ColumnElement, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from activities.store.post import line_of, take_turns_at_postbox
from activities.store.tables import FactTable, NoticeTable, PersonTable, RecipientTable
from workflows.fact_kinds import FactKind
from workflows.facts import Fact, Known
from workflows.messages import Line


async def settle_answers(session: AsyncSession, episode_id: str, news: tuple[Fact, ...], now: datetime) -> None:
    """Bring an episode's notices to what its facts say of answers, when the news may have changed that.

    The first acknowledgement of a clock since a notice's time answers it.
    `now` is UTC.
    """
    if not any(fact.kind is FactKind.ACKNOWLEDGED or fact.corrects for fact in news):
        return
    rows = await session.scalars(select(FactTable).where(FactTable.episode_id == episode_id))
    answers = Known((Fact.model_validate(row.body) for row in rows.all()), now).all(FactKind.ACKNOWLEDGED)
    asked = select(NoticeTable).where(NoticeTable.episode_id == episode_id, NoticeTable.needs_ack)
    for notice in (await session.scalars(asked)).all():
        clock = (fact for fact in answers if fact.details["clock"] == notice.clock and fact.at >= notice.at)
        first = next(clock, None)
        notice.acknowledged_at = first.at if first else None
        notice.acknowledged_by = (first.details.get("by") or first.recorded_by) if first else None


class InTray(BaseModel):
    """A notice in somebody's tray. Instants are UTC."""

    line: Line
    sent_at: datetime
    read_at: datetime | None
    acknowledged_at: datetime | None
    acknowledged_by: str | None


async def tray_of(session: AsyncSession, person: str, *, everything: bool = False) -> list[InTray]:
    """What lies in a person's tray, the latest first: what wants an answer or was not read; or everything."""
    wants = NoticeTable.needs_ack & NoticeTable.acknowledged_at.is_(None)
    unless = () if everything else (wants | RecipientTable.read_at.is_(None),)
    return await _in_tray(session, RecipientTable.person_id == person, *unless)


async def message_tray(session: AsyncSession, message_id: str) -> list[InTray]:
    """What a message told its person, the latest first."""
    return await _in_tray(session, RecipientTable.message_id == message_id)


async def _in_tray(session: AsyncSession, *where: ColumnElement[bool]) -> list[InTray]:
    chosen = select(NoticeTable, RecipientTable.read_at).join(
        RecipientTable, RecipientTable.notice_key == NoticeTable.key
    )
    rows = (await session.execute(chosen.where(*where).order_by(NoticeTable.sent_at.desc(), NoticeTable.key))).all()
    return [
        InTray(
            line=line_of(notice),
            sent_at=notice.sent_at,
            read_at=read_at,
            acknowledged_at=notice.acknowledged_at,
            acknowledged_by=notice.acknowledged_by,
        )
        for notice, read_at in rows
    ]


async def mark_read(session: AsyncSession, person: str, notices: list[str], now: datetime) -> None:
    """Note that a person has read these notices; the first time counts. `now` is UTC."""
    await take_turns_at_postbox(session, [person])
    mine = (RecipientTable.person_id == person, RecipientTable.notice_key.in_(notices))
    await session.execute(update(RecipientTable).where(*mine, RecipientTable.read_at.is_(None)).values(read_at=now))


async def person_reference(session: AsyncSession, person: str) -> str:
    """What the authority calls a person. Raises LookupError when there is no such person."""
    row = await session.get(PersonTable, person)
    if row is None:
        raise LookupError("there is no such person")
    return row.reference
