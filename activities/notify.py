"""Writing notices: whom each is for, by the directory as it stands, and when it may go out to that person.

Every notice lies in the tray of those it is for. Whoever has another way to be
reached is sent it too, by the post.
"""

from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncSession

from activities.posting import Post
from activities.store import Store
from activities.store.directory import directory_for, person_by_id, told_persons
from activities.store.episodes import take_turns_at_episode
from activities.store.events import append_events
from activities.store.notice_events import sent_event
from activities.store.post import note_recipient, waiting_recipients
from activities.store.statements import insert_once
from activities.store.tables import NoticeTable
from workflows.contracts import NoticeOrder, NoticeSent
from workflows.directory import Recipient
from workflows.messages import ready_at
from workflows.vocabulary import Channel, Haste


async def send_notice(store: Store, order: NoticeOrder, post: Post | None) -> NoticeSent:
    """Write a notice, and have the postbox of everybody know who is to be sent it now.

    Without a post, as in rehearsals, the tray is all there is.
    """
    async with store.session() as session:
        sent = await put_in_tray(session, order, post)
        waiting = await waiting_recipients(session, order.key)
    if post is not None:
        for person in waiting:
            await post.nudge(order.authority, person)
    return sent


async def put_in_tray(session: AsyncSession, order: NoticeOrder, post: Post | None = None) -> NoticeSent:
    """Put a notice in the trays of those it is for; a key that is there already is not put there again.

    Whom it is for is decided once, with the first writing: however the
    directory changes before a retry, nobody else is told by the same notice.
    It is the last thing that a transaction writes.
    """
    await take_turns_at_episode(session, order.episode_id)
    # Where time is skipped only the episode knows how late it is.
    sent_at = max(datetime.now(UTC) + order.ahead, order.ordered_at or order.at)
    columns = {column.name for column in NoticeTable.__table__.columns}
    values = {name: value for name, value in order.model_dump().items() if name in columns}
    # In the tray it lies from now on; whether it was read and answered is for the person to say.
    values |= {"sent_at": sent_at, "acknowledged_at": None, "acknowledged_by": None}
    if not await insert_once(session, NoticeTable, values):
        return NoticeSent(key=order.key, again=True)
    people = await _recipients(session, order, sent_at)
    for recipient in people:
        about = {"notice_key": order.key, "person_id": recipient.person, "cover": recipient.cover}
        goes = await _goes_out(session, order, recipient, sent_at, post)
        await note_recipient(session, {**about, "of_absence": order.of_absence, **goes})
    await append_events(session, order.authority, [sent_event(order, len(people), sent_at)])
    return NoticeSent(key=order.key, again=False, people=len(people))


async def _goes_out(
    session: AsyncSession, order: NoticeOrder, recipient: Recipient, at: datetime, post: Post | None
) -> dict[str, datetime | bool | None]:
    person = await person_by_id(session, recipient.person)
    if post is None or person is None or order.channel is Channel.TRAY or not post.ways_for(person.channels):
        return {"ready_at": None, "in_digest": False}
    ready = ready_at(order.haste, at, post.rules, person.hours)
    return {"ready_at": ready, "in_digest": ready is None}


async def _recipients(session: AsyncSession, order: NoticeOrder, at: datetime) -> tuple[Recipient, ...]:
    if order.reach == "told":
        by = (order.corrects, *order.also_corrects) if order.corrects else ()
        told = await told_persons(session, order.episode_id, order.role, by=by)
        # Whom people told by hand the store does not know: the holders of the role hear of the return then.
        if told or by:
            return told
    directory = await directory_for(session, order.authority, order.child_id, (order.role,), at)
    if order.reach == "deputies" and (deputies := directory.deputising(order.role, at)):
        return deputies
    return directory.recipients(order.role, at, urgent=order.haste is Haste.AT_ONCE)
