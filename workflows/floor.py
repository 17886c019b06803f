"""The floor: what a pack that others extend holds, and none of them may loosen (B21). Pure."""

from collections.abc import Iterable, Iterator
from datetime import timedelta

from workflows.policy import Pack
from workflows.policy_rules import Amount, Applies, ClockRule, Happening, Rung, Start

_STRENGTHS = ("local", "where_possible", "must")


def loosened(floor: Pack, pack: Pack) -> Iterator[str]:
    """Each way in which a pack asks for less than the floor, one line each that names clock and field."""
    name = f"{floor.policy} {floor.version}"
    if (floor.childhood_ends_at or 0) > (pack.childhood_ends_at or 0):
        yield f"childhood_ends_at: ends sooner than in {name}"
    if missing := [s for s in floor.two_people_for if s not in pack.two_people_for]:
        yield f"two_people_for: {name} also asks for two people where the strength is {', '.join(missing)}"
    for clock_id, rule in floor.clocks.items():
        mine = pack.clocks.get(clock_id)
        if mine is None:
            yield f"clocks.{clock_id}: is left out, and {name} holds it"
            continue
        for field, how in _loosened_clock(rule, mine):
            yield f"clocks.{clock_id}.{field}: {how} {name}"


def _loosened_clock(floor: ClockRule, mine: ClockRule) -> Iterator[tuple[str, str]]:
    if mine.kind is not floor.kind:
        yield "kind", "is another than in"
        return
    if _STRENGTHS.index(mine.strength) < _STRENGTHS.index(floor.strength):
        yield "strength", "is weaker than in"
    if not _as_wide(floor.applies, mine.applies):
        yield "applies", "leaves out children who are owed this by"
    if any(not _as_early(floor.start, start) for start in mine.starts()):
        yield "start", "may begin later than in"
    if not _as_short(floor.due, mine.due):
        yield "due", "is longer than in"
    for field in ("met_by", "waived_by", "cancelled_by", "ended_by"):
        if _more(getattr(mine, field), getattr(floor, field)):
            yield field, "is satisfied by more than in"
    if floor.goes_on_after_childhood and not mine.goes_on_after_childhood:
        yield "goes_on_after_childhood", "stops sooner than in"
    for rung in floor.ladder:
        if rung.escalates and not any(_as_urgent(rung, other) for other in mine.ladder):
            yield "ladder", f"has no step upward as soon as '{rung.rung}' of"


def _as_wide(floor: Applies, mine: Applies) -> bool:
    """Whether every child of the floor's is among mine: mine asks for nothing that the floor does not ask for alike."""
    asked = mine.model_dump(exclude_defaults=True)
    return asked.items() <= floor.model_dump(exclude_defaults=True).items()


def _as_early(floor: Start, mine: Start) -> bool:
    if mine == floor:
        return True
    events = floor.earliest_of or (floor.first_known_of if len(floor.first_known_of) == 1 else ())
    return bool(events) and set(map(str, events)) <= set(map(str, mine.earliest_of)) and mine.once in ((), floor.once)


def _as_short(floor: Amount, mine: Amount) -> bool:
    if floor.working_days is None and mine.working_days is None:
        return (mine.elapsed or timedelta(0)) <= (floor.elapsed or timedelta(0))
    if floor.working_days is None or mine.working_days is None:
        return False
    return (mine.working_days, str(mine.cutoff)) <= (floor.working_days, str(floor.cutoff))


def _more(mine: Iterable[Happening], floor: Iterable[Happening]) -> bool:
    """Whether something counts by mine that does not count by the floor."""
    return any(not any(_within(one, other) for other in floor) for one in mine)


def _within(one: Happening, other: Happening) -> bool:
    same = one.fact is other.fact and other.where.items() <= one.where.items()
    return same and set(other.requires) <= set(one.requires)


def _as_urgent(floor: Rung, mine: Rung) -> bool:
    sooner = mine.at.of == "start" or (floor.at.of == "due" and mine.at.hours <= floor.at.hours)
    return mine.escalates and sooner and (mine.needs_ack or not floor.needs_ack)
