"""Whom to tell what no clock says: of the return, all who heard of the absence; that a notice was wrong. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from pydantic import BaseModel, ConfigDict

from workflows.clocks import Clock
from workflows.fact_kinds import FactKind
from workflows.facts import Fact, Known
from workflows.instants import Instant
from workflows.ladders import rung_time
from workflows.policy import Pack
from workflows.vocabulary import ClockKind, ClockState, Role

RETURN_NOTICE: Final = "return_notice"
"""What stands in a clock's place on the notice of a return."""

_BACK: Final = (FactKind.LOCATED, FactKind.RETURNED)


class SentNotice(BaseModel):
    """A notice that went out. `at` is when it was decided (UTC); `of_absence`: no return was known then.

    `undelivered_at` (UTC): since when it has been known that no channel reached anybody.
    """

    model_config = ConfigDict(frozen=True)
    key: str
    clock: str
    rung: str
    role: Role
    at: Instant
    of_absence: bool
    asked_much: bool
    corrected: bool = False
    undelivered_at: Instant | None = None
    lifted: bool = False


class ToldBack(BaseModel):
    """That a role was told of the return, how often, and whether that still stands."""

    model_config = ConfigDict(frozen=True)
    role: Role
    times: int
    stands: bool


def back_in_force(known: Known) -> Fact | None:
    """The fact by which the child is found or back, or None."""
    return known.earliest(_BACK)


def owed_the_return(known: Known, sent: Iterable[SentNotice], told_back: Mapping[Role, ToldBack]) -> tuple[Role, ...]:
    """The roles that were told of the absence, by Homeward or by hand, and not yet of the return (O14).

    Someone told by hand between the child's being found and being back is told
    too: nobody can say what they were told.
    """
    back = back_in_force(known)
    if back is None:
        return ()
    returned = known.first(FactKind.RETURNED)
    until = returned.at if returned else known.as_of
    by_hand = [Role(fact.details["role"]) for fact in known.all(FactKind.TOLD) if fact.at <= until]
    roles = [*(notice.role for notice in sent if notice.of_absence), *by_hand]
    owed = {role for role in roles if not (role in told_back and told_back[role].stands)}
    return tuple(sorted(role for role in owed if not not_to_be_told(role, known)))


def not_to_be_told(role: Role, known: Known) -> bool:
    """Whether somebody ruled that whoever holds the role is not to be told, and nobody told them since (B17)."""
    ruled = known.all(FactKind.NOT_TOLD, role=role.value)
    told = known.all(FactKind.TOLD, role=role.value)
    return bool(ruled) and (not told or told[-1].at <= ruled[-1].at)


def lifted(sent: Iterable[SentNotice], clocks: Mapping[str, Clock], pack: Pack) -> tuple[SentNotice, ...]:
    """The notices by which somebody was asked to answer or act, for a clock that a person has lifted since."""
    return tuple(
        notice
        for notice in sent
        if notice.asked_much
        and not notice.corrected
        and not notice.lifted
        and notice.clock in pack.clocks
        and (clock := clocks.get(notice.clock)) is not None
        and clock.state in (ClockState.SUPPRESSED, ClockState.VOIDED)
    )


def owed_the_withdrawal(known: Known, told_back: Mapping[Role, ToldBack]) -> tuple[Role, ...]:
    """The roles that were told of a return which has since been withdrawn."""
    if back_in_force(known) is not None:
        return ()
    return tuple(sorted(role for role, told in told_back.items() if told.stands))


def sent_in_error(
    sent: Iterable[SentNotice],
    then: Mapping[datetime, Sequence[Clock]],
    today: Sequence[Clock],
    pack: Pack,
    *,
    all_rungs: bool,
) -> tuple[SentNotice, ...]:
    """The notices that would not have gone out had today's facts been known then.

    `then` gives, for each notice's time, the clocks as today's facts put them
    at that time; `today` how they stand now. What was asked at a clock's start
    is still rightly asked when only the start has moved. Unless `all_rungs`,
    only notices that asked for an answer or were a step upward are looked at:
    that a reminder went out shortly before somebody wrote down what was already
    done troubles nobody.
    """
    return tuple(
        notice
        for notice in sent
        if not notice.corrected
        and notice.clock in pack.clocks
        and (all_rungs or notice.asked_much)
        and not _called_for(notice, then[notice.at], today, pack)
    )


def _called_for(notice: SentNotice, then: Sequence[Clock], today: Sequence[Clock], pack: Pack) -> bool:
    base = notice.rung.partition("_unanswered_")[0]
    rung = next((one for one in pack.clocks[notice.clock].ladder if one.rung == base), None)
    clock = next((one for one in then if one.id == notice.clock), None)
    now = next((one for one in today if one.id == notice.clock), None)
    if clock is None or rung is None or now is None:
        return rung is None
    if rung.at.of == "start" and clock.start is None:
        return now.start is not None and now.start > notice.at
    at = rung_time(clock, rung)
    if at is None or at > notice.at:
        return False
    if clock.kind is ClockKind.FIRE_AT:
        return clock.state in (ClockState.RUNNING, ClockState.FIRED)
    return clock.state.owed
