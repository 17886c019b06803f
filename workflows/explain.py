"""Reasons in words: each clock says why it starts, falls due and stands as it does, for a manager to follow."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta

from workflows.fact_kinds import FactKind
from workflows.facts import Fact, words_of
from workflows.instants import day_in_words, day_or_moment_in_words, in_words, time_of_day_in_words
from workflows.policy import Eligibility, Pack
from workflows.policy_rules import Amount, Event, Fired, Happening, Start
from workflows.vocabulary import CLOCK_STATE_WORDS, ClockState, Interviewer
from workflows.working_days import Calendar, DayOff

_CIRCUMSTANCE_WORDS = {
    "allocated": "whether the child has an allocated social worker",
    "looked_after": "whether the child is looked after",
    "out_of_area": "whether the child is placed out of area",
    "setting": "where the child lives",
    "born": "when the child was born",
}

_OF_THE_CHILD = (FactKind.LAST_SEEN, FactKind.NOTICED, FactKind.REPORTED, FactKind.LOCATED, FactKind.REFERRED)
"""Facts whose words go on 'the child was ...'."""


def when(fact: Fact) -> str:
    """When a fact happened, and whether that is known to the day only."""
    return in_words(fact.at) + (" (known to the day only)" if fact.day_only else "")


def day_only() -> str:
    """The clock starts from something of which only the day is known."""
    return "Worked out from a start that is known to the day only: its hour was chosen, and may have been another."


def sentences(*parts: str) -> str:
    """Join what there is to say, each part a sentence."""
    return " ".join(part for part in parts if part)


def _listed(words: Iterable[str], joint: str) -> str:
    given = list(words)
    return given[0] if len(given) == 1 else f"{', '.join(given[:-1])} {joint} {given[-1]}"


def words_of_happenings(happenings: Iterable[Happening], joint: str = "or") -> str:
    """Facts that clocks wait for, as a phrase."""
    return _listed((_happening(happening) for happening in happenings), joint)


def _happening(happening: Happening) -> str:
    says = f" that says {_listed(happening.requires, 'and').replace('_', ' ')}" if happening.requires else ""
    return words_of(happening.fact, happening.where) + says


def _events(events: Iterable[Event], pack: Pack, joint: str = "or") -> str:
    return _listed((event_in_words(event, pack) for event in events), joint)


def event_in_words(event: Event, pack: Pack) -> str:
    """Something a clock can start from, as a phrase."""
    if isinstance(event, Fired):
        return f"'{pack.clocks[event.fired].title}'"
    return words_of(event.fact, event.where)


def started_by_fact(fact: Fact) -> str:
    """The beginning of the sentence that says by which fact a clock starts."""
    if fact.kind is FactKind.RETURNED:
        return f"Starts {when(fact)}, when the child returned"
    if fact.kind in _OF_THE_CHILD:
        return f"Starts {when(fact)}, when the child was {fact.in_words()}"
    return f"Starts {when(fact)}: {fact.in_words()}"


def started_by_clock(title: str, due: datetime) -> str:
    """The beginning of the sentence that says by which other clock a clock starts."""
    return f"Starts {in_words(due)}, when '{title}' came with the child still missing"


def among(events: Sequence[Event], pack: Pack, *, earliest: bool) -> str:
    """Among which events that was the earliest, or the last."""
    if len(events) == 1:
        return ""
    said = _events(events, pack, "and")
    return f", the earliest known of {said}" if earliest else f", with which all of these were known: {said}"


def instead_of(events: Sequence[Event], pack: Pack) -> str:
    """Which events, more to the point, are not known."""
    return f", since no time is known for: {_events(events, pack)}" if events else ""


def comes_of_age(age: int, birthday: date) -> str:
    """Starts at a birthday."""
    return f"Starts {day_in_words(birthday)}, the child's {age}th birthday."


def last_reviewed(why: str, reviews: Sequence[Fact]) -> str:
    """Starts anew at the last of the reviews."""
    times = "once" if len(reviews) == 1 else f"{len(reviews)} times"
    return f"{why} Reviewed {times}, last {when(reviews[-1])} ({reviews[-1].in_words()})."


def review_chosen(at: datetime) -> str:
    """The next review is due when the last one said."""
    return f"The next is due {in_words(at)}, as was decided then."


def not_started(rule: Start, pack: Pack) -> str:
    """Why a clock has no start yet."""
    if rule.fired:
        return f"Not started: '{pack.clocks[rule.fired].title}' has not come with the child still missing."
    if rule.reaches_age and not rule.once:
        return "Not started: waits for the child's date of birth."
    waits = rule.once or rule.earliest_of or rule.first_known_of
    return f"Not started: waits for {_events(waits or rule.latest_of, pack, 'or' if waits else 'and')}."


def start_in_words(rule: Start, pack: Pack) -> str:
    """A start rule as a phrase."""
    once = f", once {_events(rule.once, pack)}" if rule.once else ""
    if rule.fired:
        return f"'{pack.clocks[rule.fired].title}' comes with the child still missing"
    if rule.reaches_age:
        return f"the child's {rule.reaches_age}th birthday{once}"
    if rule.earliest_of:
        several = "the earliest of " if len(rule.earliest_of) > 1 else ""
        return f"{several}{_events(rule.earliest_of, pack, 'and')}{once}"
    if rule.latest_of:
        return f"the last of {_events(rule.latest_of, pack, 'and')}"
    return ", else ".join(event_in_words(event, pack) for event in rule.first_known_of)


def duration_in_words(amount: Amount) -> str:
    """An amount of time as a phrase."""
    if amount.at_once:
        return "at once"
    if amount.elapsed_hours:
        return _counted(amount.elapsed_hours, "hour")
    if amount.elapsed_days:
        return f"{_counted(amount.elapsed_days, 'day')} of 24 hours"
    count, cutoff = amount.in_working_days
    return f"{_counted(count, 'working day')} (to {time_of_day_in_words(cutoff)})"


def _counted(number: int, unit: str) -> str:
    return f"{number} {unit}{'' if number == 1 else 's'}"


def elapsed(amount: Amount, due: datetime) -> str:
    """The arithmetic of elapsed time."""
    if amount.at_once:
        return "Due at once."
    return f"{duration_in_words(amount).capitalize()} later is {in_words(due)}."


def working_days(count: int, due: datetime, skipped: Sequence[DayOff]) -> str:
    """The arithmetic of working days, naming each day passed over."""
    passed = f", passing over {_skipped(skipped)}" if skipped else ""
    return f"{_counted(count, 'working day')} after that day{passed}: {day_or_moment_in_words(due)}."


def _skipped(skipped: Sequence[DayOff]) -> str:
    runs: list[list[DayOff]] = []
    for off in skipped:
        last = runs[-1][-1] if runs else None
        if last and last.name == off.name and off.date - last.date == timedelta(days=1):
            runs[-1].append(off)
        else:
            runs.append([off])
    said: list[str] = []
    for days in runs:
        first, last = days[0], days[-1]
        span = day_in_words(first.date)
        span += f" to {day_in_words(last.date)}" if last is not first else ""
        said.append(f"{span} ({first.name})")
    return _listed(said, "and")


def cancelled(fact: Fact) -> str:
    """Called off before its time."""
    return f"{CLOCK_STATE_WORDS[ClockState.CANCELLED]}: {fact.in_words()} {when(fact)}, before then."


def fired(due: datetime, cancelled_by: Sequence[Happening]) -> str:
    """Its time came."""
    said = f"nothing had called it off by {in_words(due)}" if cancelled_by else "it was to come then in any case"
    return f"{CLOCK_STATE_WORDS[ClockState.FIRED]}: {said}."


def will_fire(cancelled_by: Sequence[Happening]) -> str:
    """Its time is still to come."""
    return f"Comes then, unless first {words_of_happenings(cancelled_by)}." if cancelled_by else "Comes then."


def met(fact: Fact, due: datetime, waived: Fact | None) -> str:
    """Done, in time or late, naming an earlier waiver."""
    how = CLOCK_STATE_WORDS[ClockState.MET if fact.at <= due else ClockState.LATE]
    before = f" ({waived.in_words()} before that, {when(waived)})" if waived and waived.at <= fact.at else ""
    return f"{how}: {fact.in_words()} {when(fact)}{before}."


def waived(fact: Fact) -> str:
    """Lifted, with the reason and the person where they are given."""
    return f"Lifted: {fact.in_words()} {when(fact)}{_reason_and_person(fact)}."


def _reason_and_person(fact: Fact) -> str:
    reason = f"; reason: {fact.details['reason']}" if fact.details.get("reason") else ""
    by = f"; authorised by {fact.details['authorised_by']}" if fact.details.get("authorised_by") else ""
    return f"{reason}{by}"


def overdue(met_by: Sequence[Happening]) -> str:
    """Past due, and what would end it."""
    return f"{CLOCK_STATE_WORDS[ClockState.OVERDUE]}: still waits for {words_of_happenings(met_by)}."


def running(met_by: Sequence[Happening]) -> str:
    """Running, and what would end it."""
    return f"{CLOCK_STATE_WORDS[ClockState.RUNNING]}: waits for {words_of_happenings(met_by)}."


def review_running(met_by: Sequence[Happening], ended_by: Sequence[Happening]) -> str:
    """A review that comes round again until what it watches ends."""
    running = CLOCK_STATE_WORDS[ClockState.RUNNING]
    return f"{running}: waits for {words_of_happenings(met_by)}, again and again until {words_of_happenings(ended_by)}."


def ended(fact: Fact) -> str:
    """Ended with what it watched."""
    return f"{CLOCK_STATE_WORDS[ClockState.ENDED]}: {fact.in_words()} {when(fact)}."


def grown_up(age: int, at: datetime) -> str:
    """Ended by the child's coming of age."""
    return f"Ended {in_words(at)}, when the child turned {age}; what was still owed is for adult services to know."


def extended(fact: Fact, until: datetime) -> str:
    """A later due time, by whom and why."""
    return f"Extended to {day_or_moment_in_words(until)}{_reason_and_person(fact)}."


def ruled(fact: Fact) -> str:
    """Taken out by people, by whom and why."""
    return f"{fact.in_words().capitalize()} {when(fact)}{_reason_and_person(fact)}."


def rulings_that_do_not_count(lacking: Sequence[tuple[Fact, str]]) -> str:
    """Rulings that change nothing, and what they lack."""
    return sentences(*(f"'{f.in_words()}' of {when(f)} does not count: {why}." for f, why in lacking))


def incomplete(facts: Sequence[tuple[Fact, tuple[str, ...]]], blocked: Sequence[tuple[Fact, str]]) -> str:
    """Facts that do not count because of what they leave out, or of who did it."""
    left_out = (
        f"'{fact.in_words()}' of {when(fact)} does not count: it does not say {_listed(lacking, 'and')}."
        for fact, lacking in facts
    )
    wrong_person = (f"'{f.in_words()}' of {when(f)} does not count: {why}." for f, why in blocked)
    return sentences(*left_out, *wrong_person)


def block(fact: Fact, pack: Pack) -> str | None:
    """Why the policy does not count an interview held by this person; None when it does."""
    rule = _eligibility(fact, pack)
    return rule.why if rule and rule.verdict == "block" else None


def flagged(fact: Fact, pack: Pack) -> str:
    """What the policy wants noticed about who held an interview."""
    rule = _eligibility(fact, pack)
    return f"To notice: {rule.why}." if rule and rule.verdict == "flag" else ""


def _eligibility(fact: Fact, pack: Pack) -> Eligibility | None:
    interviewer = fact.details.get("interviewer")
    known = interviewer is not None and fact.kind is not FactKind.RETURN_PLANNED
    return pack.interviewers.get(Interviewer(interviewer)) if known else None


def provisional(calendar: Calendar) -> str:
    """The calendar does not reach this far."""
    return (
        f"Provisional: holidays are known from {day_in_words(calendar.known_from)} "
        f"to {day_in_words(calendar.known_to)} only, so this date may still move."
    )


def not_known(circumstances: Sequence[str]) -> str:
    """The clock is kept because something about the child is not known yet."""
    return f"Kept because nobody has said yet {_listed((_CIRCUMSTANCE_WORDS[c] for c in circumstances), 'or')}."
