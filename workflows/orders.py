"""The notices that one turn of an episode owes: what rungs ask for, the return, corrections, chases. Pure.

Somebody who is not to be told, because a person ruled so, is told by none of them.
"""

from collections.abc import Sequence
from datetime import datetime

from workflows.chasing import UNANSWERED, ChaseStep, times_of
from workflows.clocks import Clock
from workflows.contracts import EpisodeInput, NoticeOrder
from workflows.facts import Known
from workflows.ladders import DueRung
from workflows.memory import Memory
from workflows.names import notice_key
from workflows.policy import Message, Pack
from workflows.policy_rules import Rung
from workflows.telling import (
    RETURN_NOTICE,
    SentNotice,
    ToldBack,
    back_in_force,
    lifted,
    not_to_be_told,
    owed_the_return,
    owed_the_withdrawal,
    sent_in_error,
)
from workflows.vocabulary import ROLE_WORDS, Haste, Role


def notices_owed(memory: Memory, due: Sequence[DueRung], known: Known) -> list[NoticeOrder]:
    """Every notice to send as of `known.as_of`, each noted in the memory as sent."""
    orders = [order for one in due if (order := _climb(memory, one, known))]
    orders += _tell_back(memory, known)
    late = _correct(memory, known.as_of) + _lift(memory, known.as_of)
    orders += [order for order in late if not not_to_be_told(order.role, known)]
    orders += _chase(memory, known)
    return [order.model_copy(update={"ordered_at": known.as_of}) for order in orders]


def _climb(memory: Memory, due: DueRung, known: Known) -> NoticeOrder | None:
    clock, rung = due.clock, due.rung
    memory.climbs[clock.id, rung.rung] = due.climbed(known.as_of)
    if due.passed_over:
        text = f"{clock.title}: '{rung.rung}' passed before this was known; a later step speaks for it"
        memory.timeline.add("passed_over", due.at, known.as_of, text, clock=clock.id, rung=rung.rung, role=rung.role)
        return None
    if not_to_be_told(rung.role, known):
        text = f"{clock.title}: '{rung.rung}' does not go to the {ROLE_WORDS[rung.role]}, who is not to be told"
        memory.timeline.add("passed_over", due.at, known.as_of, text, clock=clock.id, rung=rung.rung, role=rung.role)
        return None
    order = notice_order(memory.start, due, known)
    memory.sent[order.key] = sent_notice(order, known)
    return order


def _tell_back(memory: Memory, known: Known) -> list[NoticeOrder]:
    """Tell of the return everyone who was told of the absence; or that the return was recorded wrongly."""
    pack = memory.settled_rules.pack
    if pack.return_notice is None:
        return []
    orders: list[NoticeOrder] = []
    back = back_in_force(known)
    since = back.at if back else known.as_of
    for stands, roles in (
        (True, owed_the_return(known, memory.sent.values(), memory.told_back)),
        (False, owed_the_withdrawal(known, memory.told_back)),
    ):
        for role in roles:
            told, order = return_order(memory.start, pack, role, memory.told_back.get(role), at=since, stands=stands)
            memory.told_back[role] = told
            if order:
                orders.append(order)
    return orders


def _correct(memory: Memory, now: datetime) -> list[NoticeOrder]:
    """Tell whoever was told what has turned out not to be so."""
    pack = memory.settled_rules.pack
    news, memory.unexamined = memory.unexamined, []
    if pack.correction_notice is None or not news or not memory.sent:
        return []
    corrects = any(fact.corrects for fact in news)
    if not corrects and not any(fact.at < notice.at for fact in news for notice in memory.sent.values()):
        return []
    then = {at: memory.plan(at) for at in sorted({notice.at for notice in memory.sent.values()})}
    today = tuple(memory.clocks.values())
    orders: list[NoticeOrder] = []
    for notice in sent_in_error(memory.sent.values(), then, today, pack, all_rungs=corrects):
        memory.take_back(notice)
        orders.append(correction_order(memory.start, pack, notice, now))
    return orders


def _lift(memory: Memory, now: datetime) -> list[NoticeOrder]:
    """Tell whoever was asked to answer or to act that somebody has lifted what they were asked about."""
    pack = memory.settled_rules.pack
    if pack.suppression_notice is None:
        return []
    told: dict[tuple[str, Role], list[SentNotice]] = {}
    for notice in lifted(memory.sent.values(), memory.clocks, pack):
        memory.sent[notice.key] = notice.model_copy(update={"lifted": True})
        told.setdefault((notice.clock, notice.role), []).append(notice)
    orders: list[NoticeOrder] = []
    for (clock, role), [first, *more] in told.items():
        what = (clock, f"{first.rung}_lifted", times_of(first), role)
        order = _message_order(memory.start, pack.suppression_notice, what, now, Haste.WHEN_AWAKE)
        corrects = {"corrects": first.key, "also_corrects": tuple(one.key for one in more)}
        orders.append(order.model_copy(update=corrects))
    return orders


def _chase(memory: Memory, known: Known) -> list[NoticeOrder]:
    """Ask the next person where nobody answers, and climb over tasks that are overdue."""
    orders: list[NoticeOrder] = []
    for step in memory.chase(known):
        if step.at > known.as_of:
            break
        if not_to_be_told(step.role, known):
            continue
        clock = memory.clocks.get(step.clock)
        order = chase_order(memory.start, step, clock, known)
        memory.sent[order.key] = sent_notice(order, known)
        orders.append(order)
    return orders


def notice_order(start: EpisodeInput, due: DueRung, known: Known) -> NoticeOrder:
    """The notice that a rung whose time has come asks for."""
    clock, rung, away = due.clock, due.rung, back_in_force(known) is None
    return NoticeOrder(
        key=notice_key(start.episode_id, clock.id, rung.rung, due.times, rung.role),
        episode_id=start.episode_id,
        authority=start.authority,
        clock=clock.id,
        rung=rung.rung,
        role=rung.role,
        channel=rung.channel,
        needs_ack=rung.needs_ack,
        escalates=rung.escalates,
        says=rung.says,
        at=due.at,
        due=clock.due,
        ahead=start.ahead,
        child_id=start.child_id,
        haste=_haste(clock, rung, away=away),
        of_absence=away,
    )


def _haste(clock: Clock, rung: Rung, *, away: bool) -> Haste:
    if clock.strength != "local" or rung.needs_ack or (rung.escalates and away):
        return Haste.AT_ONCE
    return Haste.WHEN_AWAKE if rung.escalates else Haste.IN_DIGEST


def chase_order(start: EpisodeInput, step: ChaseStep, clock: Clock | None, known: Known) -> NoticeOrder:
    """The notice that a step of a chase asks for: a step upward, and when nobody answered, anybody may.

    `clock` is the one that the notice or task served, if any.
    """
    asks, away = UNANSWERED in step.rung, back_in_force(known) is None
    return NoticeOrder(
        key=notice_key(start.episode_id, step.clock, step.rung, step.times, step.role),
        episode_id=start.episode_id,
        authority=start.authority,
        clock=step.clock,
        rung=step.rung,
        role=step.role,
        needs_ack=asks,
        escalates=True,
        says=step.says,
        at=step.at,
        due=clock.due if clock else None,
        ahead=start.ahead,
        child_id=start.child_id,
        haste=Haste.AT_ONCE if asks and away else Haste.WHEN_AWAKE,
        reach=step.reach,
        of_absence=away,
    )


def sent_notice(order: NoticeOrder, known: Known) -> SentNotice:
    """The record that a notice goes out, as the return and corrections will ask for it."""
    return SentNotice(
        key=order.key,
        clock=order.clock,
        rung=order.rung,
        role=order.role,
        at=known.as_of,
        of_absence=back_in_force(known) is None,
        asked_much=order.needs_ack or order.escalates,
    )


def return_order(
    start: EpisodeInput, pack: Pack, role: Role, before: ToldBack | None, *, at: datetime, stands: bool
) -> tuple[ToldBack, NoticeOrder | None]:
    """The notice to a role that the child is found or back, or (not `stands`) that this was recorded wrongly.

    None when the pack has no words for it.
    """
    times = (before.times if before else 0) + (1 if stands else 0)
    told = ToldBack(role=role, times=times, stands=stands)
    message, rung = (pack.return_notice, "back") if stands else (pack.correction_notice, "back_withdrawn")
    what = (RETURN_NOTICE, rung, times, role)
    return told, _message_order(start, message, what, at, Haste.AT_ONCE) if message else None


def correction_order(start: EpisodeInput, pack: Pack, notice: SentNotice, now: datetime) -> NoticeOrder:
    """The notice that an earlier one was wrong. Raises ValueError when the pack has no words for it."""
    if pack.correction_notice is None:
        raise ValueError(f"policy {pack.policy} has no correction notice")
    times = times_of(notice)
    rung = f"{notice.rung}_corrected"
    haste = Haste.AT_ONCE if notice.asked_much else Haste.WHEN_AWAKE
    order = _message_order(start, pack.correction_notice, (notice.clock, rung, times, notice.role), now, haste)
    return order.model_copy(update={"corrects": notice.key})


def _message_order(
    start: EpisodeInput, message: Message, what: tuple[str, str, int, Role], at: datetime, haste: Haste
) -> NoticeOrder:
    clock, rung, times, role = what
    return NoticeOrder(
        key=notice_key(start.episode_id, clock, rung, times, role),
        episode_id=start.episode_id,
        authority=start.authority,
        clock=clock,
        rung=rung,
        role=role,
        channel=message.channel,
        needs_ack=False,
        escalates=False,
        says=message.says,
        at=at,
        due=None,
        ahead=start.ahead,
        child_id=start.child_id,
        haste=haste,
        reach="told",
    )
