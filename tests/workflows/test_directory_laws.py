"""Laws of the directory, tried on people, leave and rotas nobody thought of, and on weeks when the clocks change."""

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from workflows.directory import STANDS_IN, Directory, Holding, Leave, Person, Shift, read_hours
from workflows.instants import parse_instant
from workflows.vocabulary import Role

AT = parse_instant("2026-06-10T22:00:00Z")
ROLE, IDS = Role.TEAM_MANAGER, ("a", "b", "c")
ROLES = st.sampled_from((ROLE, *STANDS_IN))
WHO = st.sampled_from(IDS)
SPANS = st.sampled_from(
    [
        {"since": AT + timedelta(hours=since), "until": AT + timedelta(hours=until)}
        for since, until in ((-9, 9), (-9, 9), (-9, 9), (0, 1), (-9, 0), (1, 9))
    ]
)
HOURS = st.sampled_from([read_hours(written) for written in ("always", "Mon-Fri 09:00-17:00", "Mon-Sun 22:00-06:00")])
TRIED = settings(max_examples=300, deadline=None)
TURNS = {"2026-03-29": -1, "2026-10-25": 1, "2026-06-14": 0}
"""Sundays, and how many hours longer they are than a day; the first two are those when the clocks change."""
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@st.composite
def directories(draw: st.DrawFn) -> Directory:
    people = tuple(
        Person(
            id=one,
            name=f"Invented {one}",
            hours=draw(HOURS),
            deputies=tuple(draw(st.lists(st.sampled_from([d for d in IDS if d != one]), unique=True, max_size=2))),
        )
        for one in IDS
    )
    scope = st.sampled_from(["child", "team", "authority"])
    holdings = [
        Holding.model_validate({"role": role, "person": who, "scope": at, **span})
        for role, who, at, span in draw(st.lists(st.tuples(ROLES, WHO, scope, SPANS), max_size=4))
    ]
    shifts = [
        Shift.model_validate({"role": role, "person": who, **span})
        for role, who, span in draw(st.lists(st.tuples(ROLES, WHO, SPANS), max_size=3))
    ]
    leave = [
        Leave.model_validate({"person": who, **span}) for who, span in draw(st.lists(st.tuples(WHO, SPANS), max_size=4))
    ]
    return Directory(people=people, holdings=tuple(holdings), shifts=tuple(shifts), leave=tuple(leave))


def on_rota(directory: Directory, *roles: Role) -> set[str]:
    return {shift.person for shift in directory.shifts if shift.role in roles and shift.covers(AT)}


def held_by(directory: Directory, *roles: Role) -> set[str]:
    return {person.id for role in roles for person in directory.holders(role, AT)}


def eligible(directory: Directory) -> set[str]:
    """Everybody who may be told: holders, their own deputies, who is on call, and who stands in."""
    deputies = {d for one in directory.people if one.id in held_by(directory, ROLE) for d in one.deputies}
    return held_by(directory, ROLE, *STANDS_IN) | on_rota(directory, ROLE, *STANDS_IN) | deputies


def away(directory: Directory) -> set[str]:
    return {leave.person for leave in directory.leave if leave.covers(AT)}


def told(directory: Directory, urgent: bool) -> list[str]:
    return [one.person for one in directory.recipients(ROLE, AT, urgent=urgent)]


@TRIED
@given(directory=directories(), urgent=st.booleans())
def test_somebody_is_told_wherever_anybody_could_be_and_nobody_twice(directory: Directory, urgent: bool) -> None:
    found = told(directory, urgent)
    assert bool(found) is bool(eligible(directory))
    assert len(set(found)) == len(found)


@TRIED
@given(directory=directories(), urgent=st.booleans())
def test_nobody_is_told_who_does_not_hold_deputise_or_stand_in(directory: Directory, urgent: bool) -> None:
    assert set(told(directory, urgent)) <= eligible(directory), "deputies of deputies are not followed"


@TRIED
@given(directory=directories(), urgent=st.booleans())
def test_who_is_on_leave_is_told_only_when_there_is_nobody_else(directory: Directory, urgent: bool) -> None:
    if set(told(directory, urgent)) & away(directory):
        assert eligible(directory) <= away(directory)


@TRIED
@given(directory=directories())
def test_what_is_urgent_reaches_somebody_who_works_now_where_anybody_is_on_call(directory: Directory) -> None:
    on_call = on_rota(directory, ROLE, *STANDS_IN) - away(directory)
    at_work = {one.id for one in directory.people if one.hours.cover(AT)}
    if on_call:
        assert set(told(directory, urgent=True)) & (on_call | at_work)


@TRIED
@given(directory=directories())
def test_what_can_wait_goes_to_every_holder_who_is_there_and_to_the_deputies_of_those_who_are_not(
    directory: Directory,
) -> None:
    found, gone = set(told(directory, urgent=False)), away(directory)
    for one in directory.people:
        if one.id in held_by(directory, ROLE):
            there = [d for d in one.deputies if d not in gone]
            assert one.id in found if one.id not in gone else (not there or set(there) & found)


@settings(max_examples=60, deadline=None)
@given(
    sunday=st.sampled_from(sorted(TURNS)),
    first=st.integers(0, 6),
    last=st.integers(0, 6),
    begins=st.integers(0, 1439),
    ends=st.integers(0, 1440),
)
def test_hours_cover_the_right_minutes_of_a_week(sunday: str, first: int, last: int, begins: int, ends: int) -> None:
    """From Monday to Monday, wall-clock minutes between one and two on Sunday are missing, or come twice."""
    if begins == ends:
        return
    hours = read_hours(f"{DAYS[first]}-{DAYS[last]} {clock(begins)}-{clock(ends)}")
    offset = "+00:00" if sunday == "2026-10-25" else "+01:00"
    until = parse_instant(f"{sunday}T23:59:00{offset}") + timedelta(minutes=1)
    monday = until - timedelta(minutes=7 * 1440 + 60 * TURNS[sunday])
    counted = sum(
        hours.cover(monday + timedelta(minutes=minute)) for minute in range((until - monday) // timedelta(minutes=1))
    )
    long = ends - begins if begins < ends else 1440 - begins + ends
    days = [(first + day) % 7 for day in range((last - first) % 7 + 1)]
    spans = [(begins, begins + long)] * (6 in days) + [(begins - 1440, begins - 1440 + long)] * (5 in days)
    turning = sum(max(0, min(end, 120) - max(begin, 60)) for begin, end in spans)
    assert counted == len(days) * long + TURNS[sunday] * turning


def clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"
