"""Rulings: what people decide about a clock themselves, each with a reason and a person. Pure.

A clock that the policy holds strong is ruled on by two people: the one who
records and another who authorised it.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from workflows.fact_kinds import RULINGS, FactKind
from workflows.facts import Fact, Known
from workflows.policy import Pack
from workflows.vocabulary import ClockKind, Interviewer


@dataclass(frozen=True)
class Ruling:
    """The rulings on one clock that count, and those that do not, with what they lack."""

    met: Fact | None = None
    extended: Fact | None = None
    suppressed: Fact | None = None
    voided: Fact | None = None
    not_counting: tuple[tuple[Fact, str], ...] = ()


def ruling_on(clock_id: str, known: Known, pack: Pack) -> Ruling:
    """What people have ruled on a clock: the earliest of each kind, and the latest extension."""
    mine = [fact for kind in RULINGS for fact in known.all(kind, clock=clock_id)]
    lacking = tuple((fact, lack) for fact in mine if (lack := _lacks(fact, pack)))
    outside = {fact.id for fact, _ in lacking}
    counting = [fact for fact in mine if fact.id not in outside]
    extensions = [f for f in counting if f.kind is FactKind.CLOCK_EXTENDED]
    return Ruling(
        met=_first(counting, FactKind.CLOCK_MET),
        extended=extensions[-1] if extensions else None,
        suppressed=_first(counting, FactKind.CLOCK_SUPPRESSED),
        voided=_first(counting, FactKind.CLOCK_VOIDED),
        not_counting=lacking,
    )


def _first(facts: Iterable[Fact], kind: FactKind) -> Fact | None:
    return next((fact for fact in facts if fact.kind is kind), None)


def _lacks(fact: Fact, pack: Pack) -> str | None:
    if not pack.needs_two_people(fact.details["clock"]):
        return None
    second = fact.details.get("authorised_by", "").strip().casefold()
    if not second:
        return "authorised_by: this obligation needs a second person, who authorised it"
    if second == fact.recorded_by.strip().casefold():
        return "authorised_by: this obligation needs a second person, other than the one who records it"
    return None


def against_policy(fact: Fact, pack: Pack) -> str | None:
    """Why the policy refuses a fact, in one line that names the field; None when it does not."""
    if fact.kind is FactKind.RHI_ALLOCATED:
        rule = pack.interviewers.get(_interviewer(fact))
        if rule and rule.verdict == "block":
            return f"interviewer: {rule.why}; allocate someone else"
    if fact.kind is FactKind.ACKNOWLEDGED or fact.kind in RULINGS:
        clock_id = fact.details["clock"]
        if clock_id not in pack.clocks:
            return f"clock: '{clock_id}' is no clock of policy {pack.policy} {pack.version}"
    if fact.kind in RULINGS:
        return _against_ruling(fact, pack)
    if fact.kind is FactKind.REPEAT_REACHED and fact.details["rule"] not in pack.repeats:
        return f"rule: '{fact.details['rule']}' is no repeat rule of policy {pack.policy} {pack.version}"
    return None


def _against_ruling(fact: Fact, pack: Pack) -> str | None:
    fires = pack.clocks[fact.details["clock"]].kind is ClockKind.FIRE_AT
    if fires and fact.kind in (FactKind.CLOCK_EXTENDED, FactKind.CLOCK_MET):
        return "clock: this clock fires, and is not owed; suppress or void it instead"
    return _lacks(fact, pack)


def _interviewer(fact: Fact) -> Interviewer:
    return Interviewer(fact.details["interviewer"])
