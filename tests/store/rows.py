"""Invented rows for tests of the store."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from activities.store import Store
from activities.store.directory import PersonEntry, person_id, put_person
from activities.store.inbox import InboxItem
from activities.store.post import Message, begin_message, note_recipient
from activities.store.statements import insert_once
from activities.store.tables import NoticeTable
from workflows.contracts import EpisodeChanges, EpisodeRow, NoticeOrder
from workflows.fact_kinds import FactKind
from workflows.facts import Fact
from workflows.vocabulary import EpisodeStatus, Role

AUTHORITY = "invented"
AT = datetime(2026, 6, 10, 12, tzinfo=UTC)
LATER = AT + timedelta(hours=1)


def changes(turn: int, facts: tuple[Fact, ...] = (), status: EpisodeStatus = EpisodeStatus.MISSING) -> EpisodeChanges:
    """A turn of the one episode 'e1' that writes these facts."""
    row = EpisodeRow(
        episode_id="e1",
        authority=AUTHORITY,
        child_id=None,
        policy="homeward",
        policy_version="1",
        calendar_version="1",
        status=status,
        missing_since=AT,
        returned_at=None,
        closed_at=None,
        next_wake_at=None,
        next_wake_for=f"turn {turn}",
    )
    nothing: dict[str, Any] = {"clocks": (), "dropped_clocks": (), "timeline": (), "tasks": ()}
    return EpisodeChanges(turn=turn, written_at=AT, episode=row, facts=facts, **nothing)


def acknowledged(id: str, at: datetime, by: str, clock: str = "rhi", **more: Any) -> Fact:
    about = {"clock": clock, "role": "iro", "by": by}
    return Fact(id=id, kind=FactKind.ACKNOWLEDGED, at=at, recorded_at=at, details=about, **more)


def item(id: str = "i1", digest: str | None = "d1", **more: Any) -> InboxItem:
    kind: Any = "report" if digest else "fact"
    values: dict[str, Any] = {"authority": AUTHORITY, "episode_id": f"episode-of-{id}", "body": {}, "urgency": 0}
    values |= {"received_at": AT, **more}
    return InboxItem(id=id, digest=digest, kind=kind, **values)


def order(key: str, **more: Any) -> NoticeOrder:
    values: dict[str, Any] = {"episode_id": "e1", "authority": AUTHORITY, "clock": "rhi", "rung": "ask"}
    values |= {"role": Role.IRO, "needs_ack": True, "escalates": False, "says": "An invented notice", "at": AT}
    return NoticeOrder(key=key, due=LATER, ahead=timedelta(0), **{**values, **more})


async def person(session: AsyncSession, reference: str) -> str:
    """Homeward's id of an invented person, who is put there."""
    await put_person(session, AUTHORITY, PersonEntry(reference=reference, name=f"Invented {reference}"))
    return str(await person_id(session, AUTHORITY, reference))


async def notice(session: AsyncSession, key: str, **more: Any) -> None:
    """A notice that lies in nobody's tray yet."""
    values = {name: value for name, value in order(key, **more).model_dump().items() if name in _NOTICE}
    await insert_once(session, NoticeTable, {**values, "sent_at": AT})


_NOTICE = {column.name for column in NoticeTable.__table__.columns}


async def told(session: AsyncSession, key: str, who: str, *, ready: datetime | None = AT) -> None:
    about = {"notice_key": key, "person_id": who, "cover": "holder", "of_absence": False}
    await note_recipient(session, {**about, "ready_at": ready, "in_digest": ready is None})


async def message(session: AsyncSession, id: str, who: str, *keys: str) -> None:
    """A message to a person of these notices."""
    begun = Message(id=id, authority=AUTHORITY, person_id=who, ways=("smtp",), gathered_at=AT)
    await begin_message(session, begun, keys)


async def two_people_told(store: Store) -> tuple[str, str]:
    """Two people told by the notice 'n1', each by a message of their own: 'm1' and 'm2'."""
    async with store.session() as session:
        one, two = await person(session, "one"), await person(session, "two")
        await notice(session, "n1")
        for who, id in ((one, "m1"), (two, "m2")):
            await told(session, "n1", who)
            await message(session, id, who, "n1")
    return one, two
