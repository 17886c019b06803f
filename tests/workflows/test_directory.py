"""Who is told: nearest holder, deputies, who is on call out of hours, and never nobody where there is somebody."""

import pytest

from workflows.directory import Directory, Holding, Leave, Person, Shift, read_hours
from workflows.instants import parse_instant
from workflows.vocabulary import Role

OFFICE = read_hours("Mon-Fri 09:00-17:00")
WED_NOON, WED_NIGHT = "2026-06-10T12:00:00+01:00", "2026-06-10T23:00:00+01:00"
MANAGER, DUTY = Role.TEAM_MANAGER, Role.OUT_OF_HOURS_TEAM


def person(id: str, *deputies: str, hours: str = "office") -> Person:
    return Person(
        id=id, name=f"Invented {id}", hours=OFFICE if hours == "office" else read_hours(hours), deputies=deputies
    )


PEOPLE = (person("a", "b", "c"), person("b"), person("c"), person("night", hours="always"))
HELD = (Holding(role=MANAGER, person="a", scope="team"),)
NIGHT = Shift(
    role=DUTY,
    person="night",
    since=parse_instant("2026-06-10T17:00:00+01:00"),
    until=parse_instant("2026-06-11T09:00:00+01:00"),
)
AWAY = Leave(person="a", since=parse_instant("2026-06-08T00:00:00Z"), until=parse_instant("2026-06-12T00:00:00Z"))
B_AWAY = AWAY.model_copy(update={"person": "b"})


@pytest.mark.parametrize(
    ("directory", "at", "urgent", "told"),
    [
        (Directory(people=PEOPLE, holdings=HELD), WED_NOON, True, [("a", "holder")]),
        (Directory(people=PEOPLE, holdings=HELD, leave=(AWAY,)), WED_NOON, True, [("b", "deputy")]),
        (Directory(people=PEOPLE, holdings=HELD, leave=(AWAY, B_AWAY)), WED_NOON, True, [("c", "deputy")]),
        (Directory(people=PEOPLE, holdings=HELD, shifts=(NIGHT,)), WED_NIGHT, True, [("night", "on_call")]),
        (Directory(people=PEOPLE, holdings=HELD, shifts=(NIGHT,)), WED_NIGHT, False, [("a", "holder")]),
        (Directory(people=PEOPLE, holdings=HELD), WED_NIGHT, True, [("a", "holder")]),
        (Directory(people=PEOPLE, shifts=(NIGHT,)), WED_NIGHT, True, [("night", "stand_in")]),
        (Directory(people=PEOPLE, shifts=(NIGHT,)), WED_NOON, True, []),
        (Directory(), WED_NOON, True, []),
    ],
)
def test_who_is_told(directory: Directory, at: str, urgent: bool, told: list[tuple[str, str]]) -> None:
    found = directory.recipients(MANAGER, parse_instant(at), urgent=urgent)
    assert [(one.person, one.cover) for one in found] == told


def test_the_nearest_holder_is_told_and_no_other() -> None:
    held = (*HELD, Holding(role=MANAGER, person="b", scope="child"), Holding(role=MANAGER, person="c"))
    found = Directory(people=PEOPLE, holdings=held).recipients(MANAGER, parse_instant(WED_NOON), urgent=True)
    assert [one.person for one in found] == ["b"]


def test_two_holders_with_one_deputy_tell_that_deputy_once() -> None:
    people = (person("a", "c"), person("b", "c"), person("c"))
    held = tuple(Holding(role=MANAGER, person=p) for p in ("a", "b"))
    directory = Directory(people=people, holdings=held, leave=(AWAY, B_AWAY))
    assert [o.person for o in directory.recipients(MANAGER, parse_instant(WED_NOON), urgent=True)] == ["c"]


def test_a_deputy_at_work_is_asked_before_one_who_is_not() -> None:
    people = (person("a", "b", "night"), person("b"), person("night", hours="always"))
    directory = Directory(people=people, holdings=HELD)
    assert [o.person for o in directory.deputising(MANAGER, parse_instant(WED_NIGHT))] == ["night"]
    assert [o.person for o in directory.deputising(MANAGER, parse_instant(WED_NOON))] == ["b"]


@pytest.mark.parametrize(
    ("at", "who"),
    [
        ("2026-10-25T01:29:59+01:00", ["early"]),
        ("2026-10-25T01:30:00+01:00", ["late"]),
        ("2026-10-25T01:15:00+00:00", ["late"]),
        ("2026-10-25T01:30:00+00:00", []),
    ],
)
def test_a_rota_changes_over_once_in_the_hour_that_happens_twice(at: str, who: list[str]) -> None:
    edges = [parse_instant(f"2026-10-25T{t}") for t in ("00:30:00+01:00", "01:30:00+01:00", "01:30:00+00:00")]
    shifts = tuple(
        Shift(role=DUTY, person=name, since=edges[n], until=edges[n + 1]) for n, name in enumerate(("early", "late"))
    )
    directory = Directory(people=(person("early", hours="always"), person("late", hours="always")), shifts=shifts)
    assert [one.id for one in directory.on_call(DUTY, parse_instant(at))] == who


@pytest.mark.parametrize(
    "wrong", ["9-5", "Fri-Mon 09:00-17:00", "Mon-Fri 17:00-09:00", "Mon-Fri 25:00-26:00", "Mon-Foo 09:00-17:00"]
)
def test_hours_that_cannot_be_are_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match="must be 'always'"):
        read_hours(wrong)


def test_a_role_on_call_counts_as_held() -> None:
    directory = Directory(people=PEOPLE, holdings=HELD, shifts=(NIGHT,))
    assert directory.unheld((MANAGER, DUTY, Role.IRO), parse_instant(WED_NIGHT)) == (Role.IRO,)
    assert directory.unheld((MANAGER, DUTY, Role.IRO), parse_instant(WED_NOON)) == (DUTY, Role.IRO)
