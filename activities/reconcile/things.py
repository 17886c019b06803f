"""What is not an episode's own: the inbox, the post, schedules and policies. Each kind is looked at whole each time.

A subject is what a person may see: of a message, whose id is the key of its
page, an id that is derived from it.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from activities.channels.notify import whereabouts_of
from activities.policies import UnknownPolicyError
from activities.reconcile.parts import Done, Parts, Timetable
from activities.store import Store, agreement
from activities.store import post as store_post
from workflows import names
from workflows.agreement import Disagreement
from workflows.post_contracts import MessageInput, MessageToSend

Apart = Mapping[str, Any]
"""What is apart, by subject, with what mending it needs."""


@dataclass(frozen=True)
class Thing:
    """A kind of disagreement that is not of an episode: how it is found, all of it, and how one is mended."""

    find: Callable[[Parts, str], Awaitable[Apart]]
    mend: Callable[[Parts, str, Any], Awaitable[Done]]


def _before(parts: Parts) -> datetime:
    return parts.now() - parts.timing.grace


async def _kept_long(parts: Parts, authority: str) -> Apart:
    async with parts.store.snapshot() as session:
        return await agreement.kept_since_before(session, authority, parts.now() - parts.timing.kept_long)


async def _say_how_long(parts: Parts, _: str, since: datetime) -> Done:
    minutes = int((parts.now() - since).total_seconds() // 60)
    return Done(f"kept for {minutes} minutes when it was last looked at", tried=False)


async def _nobody_gathers(parts: Parts, authority: str) -> Apart:
    if parts.post is None:
        return {}
    async with parts.store.snapshot() as session:
        waiting = await agreement.people_who_wait(session, authority, _before(parts))
    if not waiting:
        return {}
    gathering = await parts.engine.running(names.POSTBOX_WORKFLOW)
    unheard = [person for person in sorted(waiting) if names.postbox_id(person) not in gathering]
    return {p: p for p in unheard if (await parts.engine.describe(names.postbox_id(p))).standing != "running"}


async def _nudge(parts: Parts, authority: str, person: str) -> Done:
    if parts.post is None:
        return Done("there is no way out", tried=False)
    await parts.post.nudge(authority, person)
    return Done("the postbox was begun")


async def _nobody_sends(parts: Parts, authority: str) -> Apart:
    if parts.post is None:
        return {}
    async with parts.store.snapshot() as session:
        under_way = await agreement.messages_under_way(session, authority, _before(parts))
    if not under_way:
        return {}
    sending = await parts.engine.running(names.MESSAGE_WORKFLOW)
    apart: dict[str, tuple[str, str]] = {}
    for message in sorted(under_way):
        if names.message_workflow_id(message) in sending:
            continue
        standing = (await parts.engine.describe(names.message_workflow_id(message))).standing
        if standing != "running":
            apart[names.subject_of_message(message)] = message, standing
    return apart


async def _send(parts: Parts, _: str, apart: tuple[str, str]) -> Done:
    """Send a message that nobody sends; one whose workflow came to its end is only written down, when it arrived."""
    message, standing = apart
    if parts.post is None:
        return Done("there is no way out", tried=False)
    if standing == "completed":
        return await _write_down_arrival(parts.store, message, parts.now())
    async with parts.store.session() as session:
        row, lines = await store_post.message_of(session, message), await store_post.lines_of(session, message)
    if row is None:
        return Done("its row is gone", tried=False)
    to_send = MessageToSend(message=message, person=row.person_id, ways=row.ways, lines=len(lines))
    await parts.engine.begin_message(
        MessageInput(message=to_send, rules=parts.post.rules, told_unreached=row.state == "unreached")
    )
    return Done("begun again")


async def _write_down_arrival(store: Store, message: str, now: datetime) -> Done:
    async with store.session() as session:
        arrived = await agreement.has_arrived(session, message)
        if not arrived and await store_post.lines_of(session, message, unanswered_at=now):
            return Done("its workflow ended, and the rows do not say how", tried=False)
        await store_post.close(session, message, "reached", now)
    return Done("it had arrived, and counts so now")


async def _not_heard(parts: Parts, authority: str) -> Apart:
    """A way that was given up has heard the worst; whether it hears the best shows when it is tried again."""
    async with parts.store.snapshot() as session:
        receipts = await agreement.receipts_of_messages_under_way(session, authority, _before(parts))
    apart: dict[str, tuple[str, str, str]] = {}
    for one in receipts:
        whereabouts = "delivered" if one.delivered else whereabouts_of(one.status)
        if whereabouts == "delivered" or (whereabouts == "undeliverable" and not one.given_up):
            apart[names.subject_of_message(one.message)] = one.message, one.way, whereabouts
    return apart


async def _tell(parts: Parts, _: str, apart: tuple[str, str, str]) -> Done:
    await parts.engine.receipt(*apart)
    return Done("the message was told")


async def _schedules(parts: Parts, _: str) -> Apart:
    parts.engine.calls += len(parts.timetables)
    return {one.id: one for one in parts.timetables if not await one.agrees()}


async def _schedule(_: Parts, __: str, timetable: Timetable) -> Done:
    await timetable.make()
    return Done("made as the settings say")


async def _policies(parts: Parts, authority: str) -> Apart:
    async with parts.store.snapshot() as session:
        lived_by = await agreement.policies_of_open(session, authority)
    return {f"{name} {version}": many for (name, version), many in lived_by.items() if not _held(parts, name, version)}


def _held(parts: Parts, name: str, version: str) -> bool:
    try:
        parts.policies.pack(name, version)
    except UnknownPolicyError:
        return False
    return True


async def _say_how_many(_: Parts, __: str, many: int) -> Done:
    return Done(f"{many} open episodes live by it", tried=False)


async def _calendars(parts: Parts, authority: str) -> Apart:
    async with parts.store.snapshot() as session:
        counted = await agreement.calendars_of_open(session, authority)
    older: dict[str, list[str]] = {}
    for episode, (policy, version, by) in sorted(counted.items()):
        if _held(parts, policy, version):
            calendar = parts.policies.calendar(parts.policies.pack(policy, version).calendar)
            # Another worker may hold a later one than this: an episode that has it is left alone.
            if by < calendar.version:
                older.setdefault(f"{calendar.calendar} {by}", []).append(episode)
    return older


async def _have_read_anew(parts: Parts, _: str, episodes: list[str]) -> Done:
    for episode in episodes:
        await parts.engine.look_again(episode)
    return Done(f"{len(episodes)} open episodes were told")


THINGS: Final[Mapping[Disagreement, Thing]] = {
    Disagreement.SAID_KEPT_LONG: Thing(_kept_long, _say_how_long),
    Disagreement.NOTICE_WAITS_FOR_NOBODY: Thing(_nobody_gathers, _nudge),
    Disagreement.MESSAGE_NOT_SENT_BY_ANYBODY: Thing(_nobody_sends, _send),
    Disagreement.RECEIPT_NOT_HEARD: Thing(_not_heard, _tell),
    Disagreement.SCHEDULE_OTHERWISE: Thing(_schedules, _schedule),
    Disagreement.POLICY_NOT_HELD: Thing(_policies, _say_how_many),
    Disagreement.CALENDAR_OLDER: Thing(_calendars, _have_read_anew),
}
