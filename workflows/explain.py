"""Reasons in words: each clock says why it starts, falls due and stands as it does, for a manager to follow."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import groupby

from workflows.facts import FACT_WORDS, Fact, FactKind
from workflows.instants import day_in_words, in_words
from workflows.policy import Amount, Happening, Pack, Start
from workflows.working_days import Calendar, DayOff

_CIRCUMSTANCE_WORDS = {
    "allocated": "whether the child has an allocated social worker",
    "looked_after": "whether the child is looked after",
    "out_of_area": "whether the child is placed out of area",
    "setting": "where the child lives",
}


def sentences(*parts: str) -> str:
    """Join what there is to say, each part a sentence."""
    return " ".join(part for part in parts if part)


def _listed(words: Iterable[str], joint: str) -> str:
    given = list(words)
    return given[0] if len(given) == 1 else f"{', '.join(given[:-1])} {joint} {given[-1]}"


def _kinds(kinds: Iterable[FactKind], joint: str = "or") -> str:
    return _listed((FACT_WORDS[kind] for kind in kinds), joint)


def _happenings(happenings: Iterable[Happening], joint: str = "or") -> str:
    said: list[str] = []
    for happening in happenings:
        about = happening.role or happening.meeting
        said.append(FACT_WORDS[happening.fact] + (f" ({about})" if about else ""))
    return _listed(said, joint)


def started_earliest(fact: Fact, kinds: Sequence[FactKind]) -> str:
    """Starts at the earliest of several facts."""
    among = f", the earliest known of {_kinds(kinds, 'and')}" if len(kinds) > 1 else ""
    return f"Starts {in_words(fact.at)}, when the child {_was(fact)}{among}."


def started_first_known(fact: Fact, kinds: Sequence[FactKind]) -> str:
    """Starts at the preferred fact among those known."""
    place = kinds.index(fact.kind)
    instead = f", since it is not known when the child was {_kinds(kinds[:place])}" if place else ""
    if fact.kind is FactKind.AUTHORITY_TOLD or FactKind.AUTHORITY_TOLD in kinds[:place]:
        instead = f", since no time is known for: {_kinds(kinds[:place])}" if place else ""
        return f"Starts {in_words(fact.at)}: {fact.in_words()}{instead}."
    return f"Starts {in_words(fact.at)}, when the child {_was(fact)}{instead}."


def _was(fact: Fact) -> str:
    words = fact.in_words()
    return words if fact.kind is FactKind.RETURNED else f"was {words}"


def started_by_clock(title: str, due: datetime) -> str:
    """Starts when another clock fired."""
    return f"Starts {in_words(due)}, when '{title}' came with the child still missing."


def not_started(rule: Start, pack: Pack) -> str:
    """Why a clock has no start yet."""
    if rule.fired:
        return f"Not started: '{pack.clocks[rule.fired].title}' has not come with the child still missing."
    waits = rule.once or rule.earliest_of or rule.first_known_of
    return f"Not started: waits for {_kinds(waits)}."


def start_in_words(rule: Start, pack: Pack) -> str:
    """A start rule as a phrase."""
    if rule.fired:
        return f"'{pack.clocks[rule.fired].title}' comes with the child still missing"
    if rule.earliest_of:
        once = f", once {_kinds(rule.once)}" if rule.once else ""
        return f"the earliest of {_kinds(rule.earliest_of, 'and')}{once}"
    return ", else ".join(FACT_WORDS[kind] for kind in rule.first_known_of)


def duration_in_words(amount: Amount) -> str:
    """An amount of time as a phrase."""
    if amount.elapsed_hours:
        return f"{amount.elapsed_hours} elapsed hours"
    if amount.elapsed_days:
        return f"{amount.elapsed_days} days of 24 hours"
    return f"{amount.working_days} working days (to {amount.cutoff} London time)"


def elapsed(amount: Amount, due: datetime) -> str:
    """The arithmetic of elapsed time."""
    number, unit = (amount.elapsed_days, "day") if amount.elapsed_days else (amount.elapsed_hours, "hour")
    each = " of 24 hours" if amount.elapsed_days else ""
    plural = "" if number == 1 else "s"
    return f"{number} elapsed {unit}{plural}{each} later is {in_words(due)}."


def working_days(count: int, due: datetime, skipped: Sequence[DayOff]) -> str:
    """The arithmetic of working days, naming each day passed over."""
    days = "working day" if count == 1 else "working days"
    passed = f", passing over {_skipped(skipped)}" if skipped else ""
    return f"{count} {days} after that day{passed}, end {in_words(due)}."


def _skipped(skipped: Sequence[DayOff]) -> str:
    runs = [(name, list(days)) for name, days in groupby(skipped, key=lambda off: off.name)]
    said: list[str] = []
    for name, days in runs:
        first, last = days[0].date, days[-1].date
        span = day_in_words(first) if first == last else f"{day_in_words(first)} to {day_in_words(last)}"
        said.append(f"{span} ({name})")
    return _listed(said, "and")


def cancelled(fact: Fact) -> str:
    """Cancelled before its time."""
    return f"Cancelled: {fact.in_words()} {in_words(fact.at)}, before then."


def fired(due: datetime) -> str:
    """Its time came."""
    return f"Fired: nothing had cancelled it by {in_words(due)}."


def will_fire(cancelled_by: Sequence[Happening]) -> str:
    """Its time is still to come."""
    return f"Fires then unless first {_happenings(cancelled_by)}."


def met(fact: Fact, due: datetime, waived: Fact | None) -> str:
    """Done, in time or late, naming an earlier waiver."""
    how = "Met" if fact.at <= due else "Late"
    before = f" ({waived.in_words()} before that, {in_words(waived.at)})" if waived and waived.at <= fact.at else ""
    return f"{how}: {fact.in_words()} {in_words(fact.at)}{before}."


def waived(fact: Fact) -> str:
    """Lifted, with the reason and the person where they are given."""
    reason = f"; reason: {fact.details['reason']}" if fact.details.get("reason") else ""
    by = f"; authorised by {fact.details['authorised_by']}" if fact.details.get("authorised_by") else ""
    return f"Lifted: {fact.in_words()} {in_words(fact.at)}{reason}{by}."


def overdue(met_by: Sequence[Happening]) -> str:
    """Past due, and what would end it."""
    return f"Overdue: still waits for {_happenings(met_by)}."


def running(met_by: Sequence[Happening]) -> str:
    """Running, and what would end it."""
    return f"Running: waits for {_happenings(met_by)}."


def incomplete(facts: Sequence[tuple[Fact, tuple[str, ...]]]) -> str:
    """Facts that do not count because they leave out what they must say."""
    return sentences(
        *(
            f"'{fact.in_words()}' of {in_words(fact.at)} does not count: it does not say {_listed(lacking, 'and')}."
            for fact, lacking in facts
        )
    )


def provisional(calendar: Calendar) -> str:
    """The calendar does not reach this far."""
    return (
        f"Provisional: holidays are known from {day_in_words(calendar.known_from)} "
        f"to {day_in_words(calendar.known_to)} only, so this date may still move."
    )


def not_known(circumstances: Sequence[str]) -> str:
    """The clock is kept because something about the child is not known yet."""
    return f"Kept because nobody has said yet {_listed((_CIRCUMSTANCE_WORDS[c] for c in circumstances), 'or')}."
