"""Getting notices out: into which message, by which way, tried once at a time, and never twice where that can be known.

An attempt is written down before it is made. Whoever finds one whose end
nobody knows asks the provider for it before trying again; a provider that
cannot be asked may then get a message twice, which README says.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from sqlalchemy.ext.asyncio import AsyncSession
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from activities.channels.base import Answer, Busy, ChannelAdapter, Found, Letter, Refused, Taken, Unknown, UsedUp
from activities.store import Store
from activities.store import post as store_post
from activities.store.directory import address, person_by_id
from activities.store.post import Message
from workflows.messages import PostRules, wording, works_on_the_day_of
from workflows.names import derived_id
from workflows.patience import DOUBT_PAUSE
from workflows.post_contracts import (
    DigestAsked,
    GatherAsked,
    Gathered,
    MessageClosed,
    MessageToSend,
    Posted,
    SendAnswer,
    SendAsked,
    WayGivenUp,
)
from workflows.vocabulary import Channel


@dataclass(frozen=True)
class WayOut:
    """One way out of an authority: the kind of address it needs, and its provider's adapter.

    `receipts`: the provider says later whether a message arrived. `to` is where
    everything goes by this way, whoever it is for.
    """

    channel: Channel
    adapter: ChannelAdapter
    receipts: bool = False
    to: str | None = None


@dataclass(frozen=True)
class Post:
    """How an authority's notices get out: its ways, by their names and in their order, and its rules.

    `links` is the address under which people read messages. `nudge` tells the
    postbox of a person (authority, person) that something waits.
    """

    ways: Mapping[str, WayOut]
    rules: PostRules
    links: str
    nudge: Callable[[str, str], Awaitable[None]]

    def ways_for(self, channels: Sequence[Channel], first: Channel | None = None) -> tuple[str, ...]:
        """The ways out to a person reached by these channels, in order; `first` goes before the others."""
        ordered = sorted(channels, key=lambda channel: channel is not first)
        return tuple(name for channel in ordered for name, way in self.ways.items() if way.channel is channel)


async def gather(store: Store, post: Post, asked: GatherAsked) -> Gathered:
    """Put what is ready for a person into one message; the same message again when it was gathered before."""
    async with store.session() as session:
        await store_post.take_turns_at_postbox(session, [asked.person])
        message = await store_post.message_of(session, asked.message)
        keys = [] if message else await store_post.ready_for(session, asked.person, asked.now)
        if keys:
            new = _new(asked.message, asked.authority, asked.person, asked.now)
            message = await _begin(session, post, new, keys)
        to_send = await _to_send(session, message) if message else None
        return Gathered(message=to_send, next_at=await store_post.next_ready(session, asked.person))


async def gather_digests(store: Store, post: Post, asked: DigestAsked) -> list[MessageToSend]:
    """Put what waits for the digest into one message for each person who works that day."""
    async with store.session() as session:
        people = await store_post.people_with_digests(session, asked.authority)
        await store_post.take_turns_at_postbox(session, people)
        for person_id in people:
            person = await person_by_id(session, person_id)
            keys = await store_post.digest_for(session, person_id, asked.now)
            if keys and person and works_on_the_day_of(asked.now, person.hours):
                new = _new(derived_id(asked.run, person_id), asked.authority, person_id, asked.now)
                await _begin(session, post, new.model_copy(update={"gathered_by": asked.run}), keys)
        return [await _to_send(session, message) for message in await store_post.gathered_by(session, asked.run)]


def _new(message: str, authority: str, person: str, now: datetime) -> Message:
    return Message(id=message, authority=authority, person_id=person, ways=(), gathered_at=now)


async def _begin(session: AsyncSession, post: Post, message: Message, keys: list[str]) -> Message:
    person = await person_by_id(session, message.person_id)
    first = await store_post.first_channel(session, keys)
    ways = post.ways_for(person.channels, first) if person else ()
    begun = message.model_copy(update={"ways": ways})
    await store_post.begin_message(session, begun, keys)
    return begun


async def _to_send(session: AsyncSession, message: Message) -> MessageToSend:
    lines = await store_post.lines_of(session, message.id)
    return MessageToSend(message=message.id, person=message.person_id, ways=message.ways, lines=len(lines))


async def send(store: Store, post: Post, asked: SendAsked, now: datetime | None = None) -> SendAnswer:
    """Try one way out, once, at `now` (UTC), the present unless it is given.

    Raises ApplicationError, to be retried, when the provider is busy or nobody
    can say whether it took the message.
    """
    way = post.ways.get(asked.way)
    now = now or datetime.now(UTC)
    if way is None:
        async with store.session() as session:
            await store_post.begin_attempt(session, asked.message, asked.way, now)
        await _note(store, asked, failure="not set up", in_doubt=False, given_up_at=now)
        return SendAnswer(became="refused")
    async with store.session() as session:
        letter = await _letter(session, post, asked, way, now)
        if letter == "answered":
            return SendAnswer(became="not_needed")
        before = await store_post.begin_attempt(session, asked.message, asked.way, now)
    if before.taken_at is not None:
        return SendAnswer(became="delivered" if before.delivered_at else "taken", awaits_receipt=way.receipts)
    if letter is None:
        await _note(store, asked, failure="no address", in_doubt=False, given_up_at=now)
        return SendAnswer(became="refused")
    found = await way.adapter.look_up(letter.reference) if before.in_doubt and way.adapter.can_look_up else None
    if isinstance(found, Busy):
        raise _later(found.reason, found.retry_after)
    answer = _as_answer(found) if found else await way.adapter.send(letter)
    return await _settle(store, asked, answer, now, receipts=way.receipts)


def _as_answer(found: Found) -> Answer:
    return Taken(provider_id=found.provider_id, delivered=found.whereabouts == "delivered")


async def _letter(
    session: AsyncSession, post: Post, asked: SendAsked, way: WayOut, now: datetime
) -> Letter | Literal["answered"] | None:
    """What to send; 'answered' when every line has its answer; None without an address to send it to."""
    message = await store_post.message_of(session, asked.message)
    lines = await store_post.lines_of(session, asked.message, unanswered_at=now)
    if not lines or message is None:
        return "answered"
    to = way.to or await address(session, message.person_id, way.channel)
    if to is None:
        return None
    words = wording(asked.message, lines, way.channel, post.links)
    reference = store_post.reference_of(asked.message, asked.way)
    return Letter(reference=reference, to=to, subject=words.subject, body=words.body, data=words.data)


async def _settle(store: Store, asked: SendAsked, answer: Answer, now: datetime, *, receipts: bool) -> SendAnswer:
    """Write down what a provider answered, and say what is to be done about it."""
    match answer:
        case Taken(provider_id, delivered):
            arrived = {"delivered_at": now} if delivered else {}
            await _note(store, asked, provider_id=provider_id, taken_at=now, in_doubt=False, failure=None, **arrived)
            return SendAnswer(became="delivered" if delivered else "taken", awaits_receipt=receipts)
        case Refused(reason):
            await _note(store, asked, failure=reason, in_doubt=False, given_up_at=now)
            return SendAnswer(became="refused")
        case UsedUp(reason):
            await _note(store, asked, failure=reason, in_doubt=False, given_up_at=now)
            return SendAnswer(became="used_up")
        case Busy(reason, retry_after):
            await _note(store, asked, failure=reason, in_doubt=False)
            raise _later(reason, retry_after)
        case Unknown(reason):
            await _note(store, asked, failure=reason)
            raise _later(reason, DOUBT_PAUSE)


def _later(reason: str, retry_after: timedelta | None) -> ApplicationError:
    return ApplicationError(
        f"not sent yet: {reason}",
        type="NotSentYet",
        next_retry_delay=retry_after,
        category=ApplicationErrorCategory.BENIGN,
    )


async def _note(store: Store, asked: SendAsked, **values: Any) -> None:
    async with store.session() as session:
        await store_post.note_dispatch(session, asked.message, asked.way, **values)


async def look_up(store: Store, post: Post, asked: SendAsked) -> str:
    """Where a message is that a provider took. Raises ApplicationError, to be retried, when it cannot say now.

    A receipt that came while the engine was away is in the store: it is asked
    first.
    """
    async with store.session() as session:
        before = await store_post.dispatch_of(session, asked.message, asked.way)
    if before and before.delivered_at:
        return "delivered"
    way = post.ways.get(asked.way)
    if way is None or not way.adapter.can_look_up:
        return "on_its_way"
    found = await way.adapter.look_up(store_post.reference_of(asked.message, asked.way))
    if isinstance(found, Busy):
        raise _later(found.reason, found.retry_after)
    if found and found.whereabouts == "delivered":
        await _note(store, asked, delivered_at=datetime.now(UTC))
    return found.whereabouts if found else "on_its_way"


async def give_up_way(store: Store, given_up: WayGivenUp) -> None:
    """Write down that a way was given up, and why: nobody answered, no receipt came, or it cannot be delivered."""
    async with store.session() as session:
        row = await store_post.dispatch_of(session, given_up.message, given_up.way)
        last = f"{row.failure}; " if row and row.failure and given_up.why == "no_answer" else ""
        why = f"{last}{given_up.why.replace('_', ' ')}"
        await store_post.note_dispatch(session, given_up.message, given_up.way, given_up_at=given_up.at, failure=why)


async def close_message(store: Store, closed: MessageClosed) -> list[Posted]:
    """Write down how a message stands; what its episodes may have to hear."""
    state = "reached" if closed.reached else "given_up" if closed.final else "unreached"
    async with store.session() as session:
        return await store_post.close(session, closed.message, state, closed.at)
