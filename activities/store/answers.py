"""Answers to notices: which notices have one, by whom, and since when."""

from collections.abc import Collection
from datetime import UTC, datetime

from pydantic import BaseModel
from sqlalchemy import ColumnElement, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from activities.store.post import line_of, take_turns_at_postbox
from activities.store.tables import EpisodeTable, FactTable, NoticeTable, PersonTable, RecipientTable
from workflows.fact_kinds import FactKind
from workflows.facts import Fact, Known
from workflows.messages import Line


class Said(BaseModel):
    """What an episode's facts say of answers: those in force, the earliest first, and the ids of facts taken back."""

    answers: tuple[Fact, ...]
    taken_back: frozenset[str]

    def to(self, clock: str, since: datetime) -> Fact | None:
        """The answer to what was asked about a clock at an instant (UTC): the first since then, whoever gave it."""
        return next((fact for fact in self.answers if fact.details["clock"] == clock and fact.at >= since), None)


async def said_of(session: AsyncSession, episode_id: str) -> Said:
    """What an episode's facts, as they are written, say of answers."""
    rows = (await session.scalars(select(FactTable).where(FactTable.episode_id == episode_id))).all()
    facts = [Fact.model_validate(row.body) for row in rows]
    # An answer from a machine whose clock runs ahead counts now: no turn comes when its time does.
    everything = Known(facts, max((fact.at for fact in facts), default=datetime.min.replace(tzinfo=UTC)))
    taken_back = frozenset(fact.corrects for fact in facts if fact.corrects)
    return Said(answers=everything.all(FactKind.ACKNOWLEDGED), taken_back=taken_back)


async def settle_answers(session: AsyncSession, episode_id: str, news: tuple[Fact, ...]) -> list[NoticeTable]:
    """Bring an episode's notices to what its facts say of answers, when the news may have changed that.

    The notices whose answer came, changed its time or was taken back.
    """
    if not any(fact.kind is FactKind.ACKNOWLEDGED or fact.corrects for fact in news):
        return []
    changed: list[NoticeTable] = []
    said = await said_of(session, episode_id)
    asked = select(NoticeTable).where(NoticeTable.episode_id == episode_id, NoticeTable.needs_ack)
    for notice in (await session.scalars(asked.order_by(NoticeTable.at, NoticeTable.key))).all():
        first = said.to(notice.clock, asked_since(notice.at, notice.sent_at))
        if (first.at if first else None) != notice.acknowledged_at:
            changed.append(notice)
        notice.acknowledged_at = first.at if first else None
        notice.acknowledged_by = (first.details.get("by") or first.recorded_by) if first else None
    return changed


def asked_since(at: datetime, sent_at: datetime) -> datetime:
    """From when on an answer answers a notice: it lay in the tray, and its own time had come. All are UTC.

    A notice may be sent long after its own time, as after a late report, and
    what was said in between answers something else. In a rehearsal, whose time
    is skipped, only the notice's own time is right.
    """
    return max(at, sent_at)


class InTray(BaseModel):
    """A notice in somebody's tray. Instants are UTC."""

    line: Line
    sent_at: datetime
    read_at: datetime | None
    acknowledged_at: datetime | None
    acknowledged_by: str | None

    @property
    def asked_since(self) -> datetime:
        """From when on an answer answers it (UTC)."""
        return asked_since(self.line.at, self.sent_at)


async def tray_of(session: AsyncSession, person: str, *, everything: bool = False) -> list[InTray]:
    """What lies in a person's tray, the latest first: what wants an answer or was not read; or everything.

    An episode that is closed takes no answers, and so wants none.
    """
    closed = select(EpisodeTable.id).where(EpisodeTable.closed_at.is_not(None))
    wants = NoticeTable.needs_ack & NoticeTable.acknowledged_at.is_(None) & NoticeTable.episode_id.not_in(closed)
    unless = () if everything else (wants | RecipientTable.read_at.is_(None),)
    return await _in_tray(session, RecipientTable.person_id == person, *unless)


async def message_tray(session: AsyncSession, message_id: str) -> list[InTray]:
    """What a message told its person, the latest first."""
    return await _in_tray(session, RecipientTable.message_id == message_id)


async def notices_in_tray(session: AsyncSession, person: str, keys: Collection[str]) -> list[InTray]:
    """Those of these notices that lie in a person's tray, the latest first."""
    return await _in_tray(session, RecipientTable.person_id == person, NoticeTable.key.in_(keys))


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


async def person_named(session: AsyncSession, person: str) -> tuple[str, str]:
    """A person's authority, and what it calls the person. Raises LookupError when there is no such person."""
    row = await session.get(PersonTable, person)
    if row is None:
        raise LookupError("there is no such person")
    return row.authority, row.reference
