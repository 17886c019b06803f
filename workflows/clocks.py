"""Clocks: facts, a policy and a calendar give every due time, with its reasons.

Pure. The same facts, child, pack, calendar and moment give the same clocks,
whatever the order in which the facts arrived.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from workflows import explain
from workflows.fact_kinds import ABOUT_TASKS, FactKind
from workflows.facts import Child, Fact, Known
from workflows.instants import Instant, london_day, london_midnight, parse_instant
from workflows.policy import Pack
from workflows.policy_rules import ClockRule, Event, Fired, Happening, Start
from workflows.rulings import Ruling, ruling_on
from workflows.vocabulary import ClockKind, ClockState
from workflows.working_days import Calendar, DayOff, end_of_working_day


class Clock(BaseModel):
    """One obligation applied to one episode, at one moment. Instants are UTC.

    `because` explains the due time and the state; `skipped` lists the days a
    working-day count passed over; `provisional` says that the calendar is not
    known that far, so the due time may still change. `first_due` is the due
    time before people extended it, and None when nobody did. `day_only` says
    that the start is known to the day only.
    """

    model_config = ConfigDict(frozen=True)
    id: str = Field(description="its id in the policy")
    title: str = Field(description="what is owed or happens, in words")
    kind: ClockKind
    strength: str = Field(description="how binding its source is")
    start: Instant | None = Field(description="when it started; null: not started")
    due: Instant | None = Field(description="when it is due; null: not known yet")
    first_due: Instant | None = Field(default=None, description="when it was due before people extended it")
    state: ClockState
    settled_at: Instant | None = Field(description="when it was met, lifted or happened")
    settled_by: str | None = Field(description="the fact that did it")
    provisional: bool = Field(description="whether the calendar is not known that far, so that `due` may still change")
    day_only: bool = Field(default=False, description="whether the start is known to the day only")
    skipped: tuple[DayOff, ...] = Field(description="the days that a count of working days passed over")
    because: str = Field(description="why it is due then and stands so, in words")
    source: str = Field(description="where it is written")


@dataclass(frozen=True)
class Started:
    """When a clock started, by which fact, and that reason in words; whether only the day of it is known."""

    at: datetime
    why: str
    day_only: bool = False


@dataclass(frozen=True)
class Due:
    """When a clock is due, what it skipped, whether that may still change, and the arithmetic in words."""

    at: datetime
    why: str
    skipped: tuple[DayOff, ...] = ()
    provisional: bool = False
    extended_from: datetime | None = None


@dataclass(frozen=True)
class Standing:
    """A clock's state, when and by which fact it was settled, and that reason in words."""

    state: ClockState
    why: str
    fact: Fact | None = None
    at: datetime | None = None


class _Planner:
    """The clocks of one episode at one moment; remembers what it has worked out, since clocks wait for one another."""

    def __init__(self, known: Known, child: Child, pack: Pack, calendar: Calendar) -> None:
        self.known = known
        self.child = known.child(child)
        self.pack = pack
        self.calendar = calendar
        first = known.missing_since() or (known.facts[0].at if known.facts else known.as_of)
        self.gone_on = london_day(first)
        self._done: dict[str, Clock | None] = {}

    def clock(self, clock_id: str) -> Clock | None:
        """The clock, or None when it does not apply to this child."""
        if clock_id not in self._done:
            rule = self.pack.clocks[clock_id]
            applies = rule.applies.to(self.child, self.gone_on)
            self._done[clock_id] = self._apply(clock_id, rule) if applies else None
        return self._done[clock_id]

    def _apply(self, clock_id: str, rule: ClockRule) -> Clock:
        start_rule = rule.start_for(self.child, self.gone_on)
        started = self._started(start_rule)
        ruling = ruling_on(clock_id, self.known, self.pack)
        if started and rule.kind is ClockKind.REVIEW:
            started = self._last_review(rule, started)
        due = self._due(rule, started, ruling) if started else None
        standing = self._standing(rule, due, ruling) if due else Standing(ClockState.NOT_STARTED, "")
        asked = rule.applies.unknown(self.child)
        because = explain.sentences(
            started.why if started else explain.not_started(start_rule, self.pack),
            due.why if due else "",
            standing.why,
            explain.rulings_that_do_not_count(ruling.not_counting),
            explain.provisional(self.calendar) if due and due.provisional else "",
            explain.day_only() if started and started.day_only else "",
            explain.not_known(asked) if asked else "",
        )
        return Clock(
            id=clock_id,
            title=rule.title,
            kind=rule.kind,
            strength=rule.strength,
            start=started.at if started else None,
            due=due.at if due else None,
            first_due=due.extended_from if due else None,
            state=standing.state,
            settled_at=standing.fact.at if standing.fact else standing.at,
            settled_by=standing.fact.id if standing.fact else None,
            provisional=bool(due and due.provisional),
            day_only=bool(started and started.day_only),
            skipped=due.skipped if due else (),
            because=because,
            source=self.pack.cite(rule),
        )

    # When it starts ---------------------------------------------------------------------------------------------

    def _started(self, rule: Start) -> Started | None:
        if rule.fired:
            return self._first_known((Fired(fired=rule.fired),))
        if rule.once and not any(self._occurred(event) for event in rule.once):
            return None
        if rule.reaches_age:
            return self._comes_of_age(rule.reaches_age)
        if rule.first_known_of:
            return self._first_known(rule.first_known_of)
        events = rule.earliest_of or rule.latest_of
        found = [one for event in events if (one := self._occurred(event))]
        if not found or (rule.latest_of and len(found) < len(events)):
            return None
        pick = min if rule.earliest_of else max
        chosen = pick(found, key=lambda one: one.at)
        among = explain.among(events, self.pack, earliest=bool(rule.earliest_of))
        return replace(chosen, why=f"{chosen.why}{among}.")

    def _first_known(self, events: tuple[Event, ...]) -> Started | None:
        for place, event in enumerate(events):
            if found := self._occurred(event):
                return replace(found, why=f"{found.why}{explain.instead_of(events[:place], self.pack)}.")
        return None

    def _occurred(self, event: Event) -> Started | None:
        """When an event happened, with the beginning of a sentence that says so."""
        if isinstance(event, Fired):
            other = self.clock(event.fired)
            if other is None or other.due is None or other.state is not ClockState.FIRED:
                return None
            return Started(other.due, explain.started_by_clock(other.title, other.due), other.day_only)
        fact = self._earliest([event])
        return Started(fact.at, explain.started_by_fact(fact), fact.day_only) if fact else None

    def _comes_of_age(self, age: int) -> Started | None:
        birthday, at = self.child.birthday(age), _turns(self.child, age)
        if birthday is None or at is None or at > self.known.as_of:
            return None
        return Started(at, explain.comes_of_age(age, birthday))

    def _last_review(self, rule: ClockRule, started: Started) -> Started:
        reviews = [f for f in self._all(rule.met_by) if f.at >= started.at]
        if not reviews:
            return started
        return Started(reviews[-1].at, explain.last_reviewed(started.why, reviews), reviews[-1].day_only)

    # When it is due ---------------------------------------------------------------------------------------------

    def _due(self, rule: ClockRule, started: Started, ruling: Ruling) -> Due:
        due = self._chosen_by_review(rule, started) or self._amount_after(rule, started)
        extension = ruling.extended
        if extension is None or rule.kind is ClockKind.FIRE_AT:
            return due
        until = parse_instant(extension.details["until"])
        why = explain.sentences(due.why, explain.extended(extension, until))
        return replace(due, at=until, why=why, extended_from=due.at) if until > due.at else due

    def _chosen_by_review(self, rule: ClockRule, started: Started) -> Due | None:
        """The next review as the last one, or a logged contact, chose it (S4 section 8: in each individual case)."""
        if rule.kind is not ClockKind.REVIEW:
            return None
        chosen = [f for f in self._all(rule.met_by) if f.at == started.at and "review_by" in f.details]
        if not chosen:
            return None
        at = parse_instant(chosen[-1].details["review_by"])
        return Due(at, explain.review_chosen(at))

    def _amount_after(self, rule: ClockRule, started: Started) -> Due:
        amount = rule.due
        if amount.elapsed is not None:
            at = started.at + amount.elapsed
            return Due(at, explain.elapsed(amount, at))
        count, cutoff = amount.in_working_days
        at, answer = end_of_working_day(started.at, count, cutoff, self.calendar)
        return Due(at, explain.working_days(count, at, answer.skipped), answer.skipped, answer.provisional)

    # How it stands ----------------------------------------------------------------------------------------------

    def _standing(self, rule: ClockRule, due: Due, ruling: Ruling) -> Standing:
        if ruling.voided:
            return Standing(ClockState.VOIDED, explain.ruled(ruling.voided), ruling.voided)
        if rule.kind is ClockKind.FIRE_AT:
            return self._ended(rule, self._fires(rule, due, ruling))
        if rule.kind is ClockKind.REVIEW:
            return self._ended(rule, self._reviewed(rule, due, ruling))
        return self._ended(rule, self._owed(rule, due, ruling))

    def _fires(self, rule: ClockRule, due: Due, ruling: Ruling) -> Standing:
        if (fact := self._earliest(rule.cancelled_by)) and fact.at < due.at:
            return Standing(ClockState.CANCELLED, explain.cancelled(fact), fact)
        if ruling.suppressed and ruling.suppressed.at < due.at:
            return Standing(ClockState.SUPPRESSED, explain.ruled(ruling.suppressed), ruling.suppressed)
        if ended := self._ended_before(rule, due.at):
            return ended
        if self.known.as_of >= due.at:
            return Standing(ClockState.FIRED, explain.fired(due.at, rule.cancelled_by))
        return Standing(ClockState.RUNNING, explain.will_fire(rule.cancelled_by))

    def _reviewed(self, rule: ClockRule, due: Due, ruling: Ruling) -> Standing:
        if fact := self._earliest(rule.ended_by):
            return Standing(ClockState.ENDED, explain.ended(fact), fact)
        if ruling.suppressed:
            return Standing(ClockState.SUPPRESSED, explain.ruled(ruling.suppressed), ruling.suppressed)
        if self.known.as_of > due.at:
            return Standing(ClockState.OVERDUE, explain.overdue(rule.met_by))
        return Standing(ClockState.RUNNING, explain.review_running(rule.met_by, rule.ended_by))

    def _owed(self, rule: ClockRule, due: Due, ruling: Ruling) -> Standing:
        waiver, waived = next(((w, f) for w in rule.waived_by if (f := self._earliest([w]))), (None, None))
        meeting = [f for f in (self._earliest(rule.met_by), ruling.met) if f]
        if fact := min(meeting, key=_order, default=None):
            state = ClockState.MET if fact.at <= due.at else ClockState.LATE
            flagged = explain.flagged(fact, self.pack)
            return Standing(state, explain.sentences(explain.met(fact, due.at, waived), flagged), fact)
        if waiver and waived:
            return Standing(ClockState(waiver.state), explain.waived(waived), waived)
        if ruling.suppressed:
            return Standing(ClockState.SUPPRESSED, explain.ruled(ruling.suppressed), ruling.suppressed)
        ignored = explain.incomplete(self._incomplete(rule), self._blocked(rule))
        if self.known.as_of > due.at:
            return Standing(ClockState.OVERDUE, explain.sentences(explain.overdue(rule.met_by), ignored))
        return Standing(ClockState.RUNNING, explain.sentences(explain.running(rule.met_by), ignored))

    def _ended(self, rule: ClockRule, standing: Standing) -> Standing:
        """The same standing, unless the episode ended, or the child grew up, with this still open."""
        return (self._ended_before(rule) if standing.state.owed else None) or standing

    def _ended_before(self, rule: ClockRule, due: datetime | None = None) -> Standing | None:
        """That the episode ended, or the child grew up, by now and, if that is given, before the clock was due."""
        if (ending := self._earliest(_EPISODE_ENDINGS)) and (due is None or ending.at < due):
            return Standing(ClockState.ENDED, explain.ended(ending), ending)
        grown = childhood_ends(self.child, self.pack)
        if grown is None or grown > self.known.as_of or rule.goes_on_after_childhood:
            return None
        if due is not None and grown >= due:
            return None
        return Standing(ClockState.ENDED, explain.grown_up(self.pack.childhood_ends_at or 0, grown), at=grown)

    # Which facts count ------------------------------------------------------------------------------------------

    def _all(self, happenings: Iterable[Happening]) -> list[Fact]:
        found = {
            fact.id: fact
            for happening in happenings
            for fact in self.known.all(happening.fact, **happening.where)
            if happening.carried_by(fact) and not explain.block(fact, self.pack)
        }
        return sorted(found.values(), key=_order)

    def _earliest(self, happenings: Iterable[Happening]) -> Fact | None:
        return next(iter(self._all(happenings)), None)

    def _incomplete(self, rule: ClockRule) -> list[tuple[Fact, tuple[str, ...]]]:
        """Facts that would lift or meet the obligation, did they say all that they must."""
        return [
            (fact, tuple(name for name in happening.requires if not fact.details.get(name)))
            for happening in (*rule.waived_by, *rule.met_by)
            for fact in self.known.all(happening.fact, **happening.where)
            if not happening.carried_by(fact)
        ]

    def _blocked(self, rule: ClockRule) -> list[tuple[Fact, str]]:
        """Interviews that do not count because of who held them."""
        return [
            (fact, why)
            for happening in rule.met_by
            for fact in self.known.all(happening.fact, **happening.where)
            if (why := explain.block(fact, self.pack))
        ]


_EPISODE_ENDINGS = (
    Happening(fact=FactKind.RECORDED_IN_ERROR),
    Happening(fact=FactKind.MERGED),
    Happening(fact=FactKind.DIED),
)


def _order(fact: Fact) -> tuple[datetime, datetime, str]:
    return fact.at, fact.recorded_at, fact.id


def childhood_ends(child: Child, pack: Pack) -> datetime | None:
    """When childhood ends for the child (UTC): London midnight of the birthday the pack names (B20), if known."""
    return _turns(child, pack.childhood_ends_at) if pack.childhood_ends_at else None


def ages_reached(child: Child, pack: Pack) -> tuple[datetime, ...]:
    """Every moment (UTC) at which the child reaches an age that the pack names, past or future."""
    ages = {start.reaches_age for rule in pack.clocks.values() for start in rule.starts() if start.reaches_age}
    ages |= {pack.childhood_ends_at} if pack.childhood_ends_at else set()
    return tuple(sorted(at for age in ages if (at := _turns(child, age))))


def _turns(child: Child, age: int) -> datetime | None:
    birthday = child.birthday(age)
    return london_midnight(birthday) if birthday else None


def plan(facts: Iterable[Fact], child: Child, pack: Pack, calendar: Calendar, as_of: datetime) -> tuple[Clock, ...]:
    """Every clock of the pack that applies to the child, in the pack's order, as things stand at `as_of` (UTC).

    Facts later than `as_of` do not count. A circumstance of the child that is
    not known yet counts as the one that owes more, and `because` says so. What
    people do with a task changes no clock.
    """
    counting = (fact for fact in facts if fact.kind not in ABOUT_TASKS)
    planner = _Planner(Known(counting, as_of), child, pack, calendar)
    clocks = (planner.clock(clock_id) for clock_id in pack.clocks)
    return tuple(clock for clock in clocks if clock is not None)


def holding_open(clocks: Iterable[Clock]) -> tuple[Clock, ...]:
    """The clocks that keep an episode open: whatever is owed or may still fire, but for what is only local practice."""
    return tuple(clock for clock in clocks if clock.state.owed and clock.strength != "local")


def left_undone(clocks: Iterable[Clock]) -> tuple[Clock, ...]:
    """The clocks of local practice that nobody has settled."""
    return tuple(clock for clock in clocks if clock.state.owed and clock.strength == "local")
