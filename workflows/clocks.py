"""Clocks: facts, a policy and a calendar give every due time, with its reasons.

Pure. The same facts, child, pack, calendar and moment give the same clocks,
whatever the order in which the facts arrived.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from pydantic import BaseModel, ConfigDict

from workflows import explain
from workflows.facts import Child, Fact, FactKind, Known
from workflows.instants import Instant
from workflows.policy import ClockRule, Happening, Pack, Start
from workflows.vocabulary import ClockKind, ClockState
from workflows.working_days import Calendar, DayOff, end_of_working_day


class Clock(BaseModel):
    """One obligation applied to one episode, at one moment. Instants are UTC.

    `because` explains the due time and the state; `skipped` lists the days a
    working-day count passed over; `provisional` says that the calendar is not
    known that far, so the due time may still change.
    """

    model_config = ConfigDict(frozen=True)
    id: str
    title: str
    kind: ClockKind
    strength: str
    start: Instant | None
    due: Instant | None
    state: ClockState
    settled_at: Instant | None
    settled_by: str | None
    provisional: bool
    skipped: tuple[DayOff, ...]
    because: str
    source: str


@dataclass(frozen=True)
class Started:
    """When a clock started, by which fact, and that reason in words."""

    at: datetime
    why: str


@dataclass(frozen=True)
class Due:
    """When a clock is due, what it skipped, whether that may still change, and the arithmetic in words."""

    at: datetime
    why: str
    skipped: tuple[DayOff, ...] = ()
    provisional: bool = False


@dataclass(frozen=True)
class Standing:
    """A clock's state, with the fact that settled it, and that reason in words."""

    state: ClockState
    why: str
    fact: Fact | None = None


class _Planner:
    """The clocks of one episode at one moment; remembers what it has worked out, since clocks wait for one another."""

    def __init__(self, known: Known, child: Child, pack: Pack, calendar: Calendar) -> None:
        self.known = known
        self.child = known.child(child)
        self.pack = pack
        self.calendar = calendar
        self._done: dict[str, Clock | None] = {}

    def clock(self, clock_id: str) -> Clock | None:
        """The clock, or None when it does not apply to this child."""
        if clock_id not in self._done:
            rule = self.pack.clocks[clock_id]
            self._done[clock_id] = self._apply(clock_id, rule) if rule.applies.to(self.child) else None
        return self._done[clock_id]

    def _apply(self, clock_id: str, rule: ClockRule) -> Clock:
        start_rule = rule.start_for(self.child)
        started = self._started(start_rule)
        due = self._due(rule, started) if started else None
        standing = self._standing(rule, due) if due else Standing(ClockState.NOT_STARTED, "")
        asked = rule.applies.unknown(self.child)
        because = explain.sentences(
            started.why if started else explain.not_started(start_rule, self.pack),
            due.why if due else "",
            standing.why,
            explain.provisional(self.calendar) if due and due.provisional else "",
            explain.not_known(asked) if asked else "",
        )
        return Clock(
            id=clock_id,
            title=rule.title,
            kind=rule.kind,
            strength=rule.strength,
            start=started.at if started else None,
            due=due.at if due else None,
            state=standing.state,
            settled_at=standing.fact.at if standing.fact else None,
            settled_by=standing.fact.id if standing.fact else None,
            provisional=bool(due and due.provisional),
            skipped=due.skipped if due else (),
            because=because,
            source=self.pack.cite(rule),
        )

    def _started(self, rule: Start) -> Started | None:
        if rule.fired:
            other = self.clock(rule.fired)
            if other is None or other.due is None or other.state is not ClockState.FIRED:
                return None
            return Started(other.due, explain.started_by_clock(other.title, other.due))
        if rule.earliest_of:
            if rule.once and self.known.earliest(rule.once) is None:
                return None
            fact = self.known.earliest(rule.earliest_of)
            return Started(fact.at, explain.started_earliest(fact, rule.earliest_of)) if fact else None
        firsts = (self.known.first(kind) for kind in rule.first_known_of)
        fact = next((found for found in firsts if found), None)
        return Started(fact.at, explain.started_first_known(fact, rule.first_known_of)) if fact else None

    def _due(self, rule: ClockRule, started: Started) -> Due:
        amount = rule.due
        if amount.elapsed is not None:
            at = started.at + amount.elapsed
            return Due(at, explain.elapsed(amount, at))
        count, cutoff = amount.in_working_days
        at, answer = end_of_working_day(started.at, count, cutoff, self.calendar)
        return Due(at, explain.working_days(count, at, answer.skipped), answer.skipped, answer.provisional)

    def _standing(self, rule: ClockRule, due: Due) -> Standing:
        return self._fires(rule, due) if rule.kind is ClockKind.FIRE_AT else self._owed(rule, due)

    def _fires(self, rule: ClockRule, due: Due) -> Standing:
        if (fact := self._earliest(rule.cancelled_by)) and fact.at < due.at:
            return Standing(ClockState.CANCELLED, explain.cancelled(fact), fact)
        if self.known.as_of >= due.at:
            return Standing(ClockState.FIRED, explain.fired(due.at))
        return Standing(ClockState.RUNNING, explain.will_fire(rule.cancelled_by))

    def _owed(self, rule: ClockRule, due: Due) -> Standing:
        waivers = ((waiver, self._earliest([waiver])) for waiver in rule.waived_by)
        waiver, waived = next(((w, f) for w, f in waivers if f), (None, None))
        if fact := self._earliest(rule.met_by):
            state = ClockState.MET if fact.at <= due.at else ClockState.LATE
            return Standing(state, explain.met(fact, due.at, waived), fact)
        if waiver and waived:
            return Standing(ClockState(waiver.state), explain.waived(waived), waived)
        ignored = explain.incomplete(self._incomplete(rule))
        if self.known.as_of > due.at:
            return Standing(ClockState.OVERDUE, explain.sentences(explain.overdue(rule.met_by), ignored))
        return Standing(ClockState.RUNNING, explain.sentences(explain.running(rule.met_by), ignored))

    def _earliest(self, happenings: Iterable[Happening]) -> Fact | None:
        found = [f for h in happenings for f in self.known.all(h.fact, **h.details) if _carries(f, h)]
        return min(found, key=lambda fact: (fact.at, fact.recorded_at, fact.id), default=None)

    def _incomplete(self, rule: ClockRule) -> list[tuple[Fact, tuple[str, ...]]]:
        """Facts that would lift the obligation, did they say all that they must."""
        return [
            (fact, tuple(name for name in waiver.requires if not fact.details.get(name)))
            for waiver in rule.waived_by
            for fact in self.known.all(waiver.fact, **waiver.details)
            if not _carries(fact, waiver)
        ]


def _carries(fact: Fact, happening: Happening) -> bool:
    return all(fact.details.get(name) for name in happening.requires)


def plan(facts: Iterable[Fact], child: Child, pack: Pack, calendar: Calendar, as_of: datetime) -> tuple[Clock, ...]:
    """Every clock of the pack that applies to the child, in the pack's order, as things stand at `as_of` (UTC).

    Facts later than `as_of` do not count. A circumstance of the child that is
    not known yet counts as the one that owes more, and `because` says so.
    """
    planner = _Planner(Known(facts, as_of), child, pack, calendar)
    clocks = (planner.clock(clock_id) for clock_id in pack.clocks)
    return tuple(clock for clock in clocks if clock is not None)


def still_owed(clocks: Iterable[Clock]) -> bool:
    """Whether anything is owed, or may still fire."""
    return any(clock.state.owed for clock in clocks)


def back_since(known: Known) -> datetime | None:
    """When the child returned (UTC), or None."""
    returned = known.first(FactKind.RETURNED)
    return returned.at if returned else None
