"""Messages in the store: what waits for whom, what was gathered, and what became of it on each way out."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from pydantic import BaseModel, ConfigDict
from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from activities.store.events import append_events
from activities.store.notice_events import posted_events
from activities.store.statements import insert_once, take_turns
from activities.store.tables import (
    DispatchTable,
    MessageTable,
    NoticeTable,
    PersonTable,
    ReceiptTable,
    RecipientTable,
)
from workflows.messages import Line, asks_of
from workflows.post_contracts import Posted
from workflows.vocabulary import Channel, Role

NOBODY_YET: Final = ("unreached", "given_up")
"""How a message stands that has reached its person by no way, or not yet."""


class Dispatch(BaseModel):
    """A message on one way out. Instants are UTC."""

    model_config = ConfigDict(from_attributes=True)
    message_id: str
    way: str
    reference: str
    provider_id: str | None
    attempts: int
    in_doubt: bool
    first_tried_at: datetime
    taken_at: datetime | None
    delivered_at: datetime | None
    given_up_at: datetime | None
    failure: str | None


async def note_recipient(session: AsyncSession, values: dict[str, Any]) -> None:
    """Write down one person whom a notice is for, once."""
    await insert_once(session, RecipientTable, {"message_id": None, "read_at": None, **values})


async def waiting_recipients(session: AsyncSession, notice_key: str) -> list[str]:
    """The persons who wait to be sent this notice, outside a digest."""
    waits = (RecipientTable.message_id.is_(None), RecipientTable.ready_at.is_not(None))
    chosen = select(RecipientTable.person_id).where(RecipientTable.notice_key == notice_key, *waits)
    return list((await session.scalars(chosen.order_by(RecipientTable.person_id))).all())


class Message(BaseModel):
    """A message that was gathered. `ways` are the ways out to try, in order; instants are UTC."""

    model_config = ConfigDict(from_attributes=True)
    id: str
    authority: str
    person_id: str
    ways: tuple[str, ...]
    gathered_at: datetime
    gathered_by: str | None = None
    state: str = "sending"


async def begin_message(session: AsyncSession, message: Message, keys: Iterable[str]) -> None:
    """Begin a message with these notices of its person, those that are in no other."""
    row = message.model_dump() | {"ways": ";".join(message.ways), "state_at": message.gathered_at}
    await insert_once(session, MessageTable, row)
    mine = (RecipientTable.person_id == message.person_id, RecipientTable.notice_key.in_(list(keys)))
    free = RecipientTable.message_id.is_(None)
    await session.execute(update(RecipientTable).where(*mine, free).values(message_id=message.id))


async def take_turns_at_postbox(session: AsyncSession, people: Iterable[str]) -> None:
    """Wait until nobody else gathers for these people; to be called before reading what waits for them."""
    await take_turns(session, "postbox", people)


async def ready_for(session: AsyncSession, person: str, now: datetime) -> list[str]:
    """The keys of the notices that may go out to a person by now (UTC) and have not."""
    return await _waiting(session, RecipientTable.person_id == person, RecipientTable.ready_at <= now)


async def digest_for(session: AsyncSession, person: str, now: datetime) -> list[str]:
    """The keys of the notices that wait for a person's digest at an instant (UTC)."""
    mine = (RecipientTable.person_id == person, RecipientTable.in_digest.is_(True))
    told = select(NoticeTable.key).where(NoticeTable.sent_at <= now)
    return await _waiting(session, *mine, RecipientTable.notice_key.in_(told))


async def _waiting(session: AsyncSession, *where: ColumnElement[bool]) -> list[str]:
    chosen = select(RecipientTable.notice_key).where(RecipientTable.message_id.is_(None), *where)
    return list((await session.scalars(chosen)).all())


async def next_ready(session: AsyncSession, person: str) -> datetime | None:
    """When the next notice for a person may go out (UTC), or None."""
    waits = (RecipientTable.person_id == person, RecipientTable.message_id.is_(None))
    rows = select(RecipientTable.ready_at).where(*waits, RecipientTable.ready_at.is_not(None))
    return await session.scalar(rows.order_by(RecipientTable.ready_at).limit(1))


async def people_with_digests(session: AsyncSession, authority: str) -> list[str]:
    """The persons of an authority for whom something waits for a digest."""
    chosen = select(RecipientTable.person_id).join(PersonTable, PersonTable.id == RecipientTable.person_id)
    waits = (PersonTable.authority == authority, RecipientTable.in_digest, RecipientTable.message_id.is_(None))
    return list((await session.scalars(chosen.where(*waits).distinct().order_by(RecipientTable.person_id))).all())


async def message_of(session: AsyncSession, message_id: str) -> Message | None:
    """A message, or None."""
    row = await session.get(MessageTable, message_id)
    return _message(row) if row else None


async def gathered_by(session: AsyncSession, run: str) -> list[Message]:
    """The messages that a digest's run gathered."""
    rows = await session.scalars(select(MessageTable).where(MessageTable.gathered_by == run).order_by(MessageTable.id))
    return [_message(row) for row in rows.all()]


async def messages_to(session: AsyncSession, person: str) -> list[Message]:
    """The messages that were gathered for a person, the earliest first."""
    chosen = select(MessageTable).where(MessageTable.person_id == person)
    rows = await session.scalars(chosen.order_by(MessageTable.gathered_at, MessageTable.id))
    return [_message(row) for row in rows.all()]


async def states_of_messages(session: AsyncSession, authority: str | None = None) -> dict[str, int]:
    """How many messages stand how: of an authority, or of any."""
    chosen = select(MessageTable.state, func.count()).group_by(MessageTable.state)
    if authority is not None:
        chosen = chosen.where(MessageTable.authority == authority)
    rows = await session.execute(chosen)
    return {str(row[0]): int(row[1]) for row in rows.all()}


async def dispatches_of(session: AsyncSession, messages: Iterable[str]) -> list[Dispatch]:
    """What became of messages on each way out, in the order in which the ways were tried."""
    chosen = select(DispatchTable).where(DispatchTable.message_id.in_(list(messages)))
    rows = await session.scalars(chosen.order_by(DispatchTable.first_tried_at, DispatchTable.way))
    return [Dispatch.model_validate(row) for row in rows.all()]


def _message(row: MessageTable) -> Message:
    about = {name: getattr(row, name) for name in Message.model_fields}
    return Message.model_validate(about | {"ways": tuple(way for way in row.ways.split(";") if way)})


async def lines_of(session: AsyncSession, message_id: str, *, unanswered_at: datetime | None = None) -> list[Line]:
    """A message's lines; without those that had their answer by an instant (UTC), when one is given."""
    chosen = select(NoticeTable).join(RecipientTable, RecipientTable.notice_key == NoticeTable.key)
    chosen = chosen.where(RecipientTable.message_id == message_id)
    if unanswered_at is not None:
        answered = NoticeTable.acknowledged_at
        chosen = chosen.where(answered.is_(None) | (answered > unanswered_at))
    rows = (await session.scalars(chosen.order_by(NoticeTable.at, NoticeTable.key))).all()
    return [line_of(row) for row in rows]


def line_of(row: NoticeTable) -> Line:
    """A notice as a line of a message."""
    return Line(
        notice=row.key,
        episode_id=row.episode_id,
        clock=row.clock,
        rung=row.rung,
        role=Role(row.role),
        asks=asks_of(needs_ack=row.needs_ack, escalates=row.escalates),
        says=row.says,
        at=row.at,
        due=row.due,
    )


async def first_channel(session: AsyncSession, keys: Sequence[str]) -> Channel | None:
    """The channel that a rung of these notices asks to be tried first, or None."""
    wanted = select(NoticeTable.channel).where(NoticeTable.key.in_(keys), NoticeTable.channel.is_not(None))
    found = await session.scalar(wanted.order_by(NoticeTable.at, NoticeTable.key).limit(1))
    return Channel(found) if found else None


async def begin_attempt(session: AsyncSession, message_id: str, way: str, now: datetime) -> Dispatch:
    """Count an attempt before it is made; the dispatch as it stood before. `now` is UTC."""
    values = {"message_id": message_id, "way": way, "reference": reference_of(message_id, way), "attempts": 0}
    await insert_once(session, DispatchTable, {**values, "in_doubt": False, "first_tried_at": now})
    row = (await session.scalars(_dispatch(message_id, way).with_for_update())).one()
    before = Dispatch.model_validate(row)
    if row.taken_at is None:
        row.attempts, row.in_doubt, row.given_up_at = row.attempts + 1, True, None
    return before


def reference_of(message_id: str, way: str) -> str:
    """What a provider knows a message by: the same however often it is tried by that way."""
    return f"{message_id}-{way}"


async def dispatch_of(session: AsyncSession, message_id: str, way: str) -> Dispatch | None:
    """A message on a way out, which nobody else changes until this transaction ends; None when it was not tried."""
    row = await session.scalar(_dispatch(message_id, way).with_for_update())
    return Dispatch.model_validate(row) if row else None


def _dispatch(message_id: str, way: str) -> Any:
    return select(DispatchTable).where(DispatchTable.message_id == message_id, DispatchTable.way == way)


async def note_dispatch(session: AsyncSession, message_id: str, way: str, **values: Any) -> None:
    """Write down what became of a message on a way out."""
    mine = (DispatchTable.message_id == message_id, DispatchTable.way == way)
    await session.execute(update(DispatchTable).where(*mine).values(**values))


async def note_receipt(session: AsyncSession, receipt: dict[str, Any]) -> Dispatch | None:
    """Keep a provider's receipt, the last of each; the dispatch it speaks of, or None when it is none of ours.

    Nobody else changes that dispatch until this transaction ends.
    """
    if not await insert_once(session, ReceiptTable, {**receipt, "times": 1}):
        again = update(ReceiptTable).where(ReceiptTable.id == receipt["id"])
        await session.execute(again.values(**receipt, times=ReceiptTable.times + 1))
    mine = select(DispatchTable).where(DispatchTable.reference == receipt["reference"])
    row = await session.scalar(mine.with_for_update())
    return Dispatch.model_validate(row) if row else None


async def close(session: AsyncSession, message_id: str, state: str, now: datetime) -> list[Posted]:
    """Bring a message to a state, as the last thing of a transaction; what each of its episodes may have to hear.

    `now` is UTC.
    """
    told = select(RecipientTable.notice_key).where(RecipientTable.message_id == message_id)
    # Of several messages with one notice that fail at once, the last to be written finds that nobody was reached.
    await take_turns(session, "outcome", (await session.scalars(told)).all())
    before = await message_of(session, message_id)
    await session.execute(update(MessageTable).where(MessageTable.id == message_id).values(state=state, state_at=now))
    message = await message_of(session, message_id)
    posted: list[Posted] = []
    for line in await lines_of(session, message_id, unanswered_at=now):
        others = (
            select(func.count())
            .select_from(RecipientTable)
            .outerjoin(MessageTable, MessageTable.id == RecipientTable.message_id)
        )
        hopeful = MessageTable.id.is_(None) | MessageTable.state.not_in(NOBODY_YET)
        count = await session.scalar(others.where(RecipientTable.notice_key == line.notice, hopeful)) or 0
        posted.append(
            Posted(
                notice=line.notice,
                person=message.person_id if message else "",
                role=line.role,
                reached=state == "reached",
                nobody=count == 0,
            )
        )
    if before and (before.state == "sending" or (before.state == "reached") != (state == "reached")):
        await _tell_posted(session, before, reached=state == "reached", now=now)
    return posted


async def _tell_posted(session: AsyncSession, message: Message, *, reached: bool, now: datetime) -> None:
    mine = select(RecipientTable.notice_key).where(RecipientTable.message_id == message.id)
    chosen = select(NoticeTable).where(NoticeTable.key.in_(mine)).order_by(NoticeTable.at, NoticeTable.key)
    notices = (await session.scalars(chosen)).all()
    await append_events(session, message.authority, posted_events(notices, message.id, reached, now))
