"""Who is told: nearest holder, deputies, who is on call out of hours, and never nobody where there is somebody."""

import pytest

from workflows.directory import Directory, Holding, Leave, Person, Shift, channels_of, read_hours
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
ALONE = (person("a"), person("b"), person("night", hours="always"))
MANAGES = Holding(role=Role.DUTY_MANAGER, person="b")
NIGHT_AWAY = AWAY.model_copy(update={"person": "night"})


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
        # A deputy who is at home is not woken while somebody is on call.
        (
            Directory(people=PEOPLE, holdings=HELD, shifts=(NIGHT,), leave=(AWAY,)),
            WED_NIGHT,
            True,
            [("night", "on_call")],
        ),
        (Directory(people=PEOPLE, holdings=HELD, shifts=(NIGHT,), leave=(AWAY,)), WED_NIGHT, False, [("b", "deputy")]),
        # Who is on leave, without a deputy, is told only when there is nobody else.
        (
            Directory(people=ALONE, holdings=HELD, shifts=(NIGHT,), leave=(AWAY,)),
            WED_NIGHT,
            False,
            [("night", "stand_in")],
        ),
        (Directory(people=ALONE, holdings=(*HELD, MANAGES), leave=(AWAY,)), WED_NOON, True, [("b", "stand_in")]),
        (Directory(people=ALONE, holdings=HELD, leave=(AWAY, B_AWAY)), WED_NOON, True, [("a", "holder")]),
        (
            Directory(people=ALONE, holdings=(*HELD, Holding(role=MANAGER, person="b", scope="team")), leave=(AWAY,)),
            WED_NOON,
            True,
            [("b", "holder")],
        ),
        # What is urgent goes past a duty manager at home, to the team that is up.
        (Directory(people=ALONE, holdings=(MANAGES,), shifts=(NIGHT,)), WED_NIGHT, True, [("night", "stand_in")]),
        (Directory(people=ALONE, holdings=(MANAGES,), shifts=(NIGHT,)), WED_NIGHT, False, [("b", "stand_in")]),
        (Directory(people=ALONE, holdings=(MANAGES,)), WED_NIGHT, True, [("b", "stand_in")]),
        # Somebody is told, even where everybody is away.
        (Directory(people=ALONE, shifts=(NIGHT,), leave=(NIGHT_AWAY,)), WED_NIGHT, True, [("night", "stand_in")]),
        (Directory(people=ALONE, holdings=(MANAGES,), leave=(B_AWAY,)), WED_NOON, True, [("b", "stand_in")]),
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


def changing_over(*edges: str) -> Directory:
    """An early and a late shift, one after the other."""
    at = [parse_instant(edge) for edge in edges]
    shifts = tuple(
        Shift(role=DUTY, person=name, since=at[n], until=at[n + 1]) for n, name in enumerate(("early", "late"))
    )
    return Directory(people=(person("early", hours="always"), person("late", hours="always")), shifts=shifts)


SPRING = changing_over("2026-03-28T18:00:00Z", "2026-03-29T01:00:00Z", "2026-03-29T08:00:00Z")
AUTUMN = changing_over("2026-10-24T18:00:00Z", "2026-10-25T01:00:00Z", "2026-10-25T08:00:00Z")
HALF_PAST = changing_over("2026-10-25T00:30:00+01:00", "2026-10-25T01:30:00+01:00", "2026-10-25T01:30:00Z")


@pytest.mark.parametrize(
    ("rota", "at", "who"),
    [
        (SPRING, "2026-03-29T00:59:59Z", ["early"]),
        (SPRING, "2026-03-29T01:00:00Z", ["late"]),
        (SPRING, "2026-03-29T02:00:00+01:00", ["late"]),
        (SPRING, "2026-03-29T07:59:59Z", ["late"]),
        (SPRING, "2026-03-29T08:00:00Z", []),
        (AUTUMN, "2026-10-25T00:59:59Z", ["early"]),
        (AUTUMN, "2026-10-25T01:00:00Z", ["late"]),
        (AUTUMN, "2026-10-25T01:59:59+01:00", ["early"]),
        (AUTUMN, "2026-10-25T01:00:00+00:00", ["late"]),
        (AUTUMN, "2026-10-25T01:59:59+00:00", ["late"]),
        (HALF_PAST, "2026-10-25T01:29:59+01:00", ["early"]),
        (HALF_PAST, "2026-10-25T01:30:00+01:00", ["late"]),
        (HALF_PAST, "2026-10-25T01:15:00+00:00", ["late"]),
        (HALF_PAST, "2026-10-25T01:30:00+00:00", []),
    ],
)
def test_a_rota_changes_over_once_when_the_clocks_change(rota: Directory, at: str, who: list[str]) -> None:
    assert [one.id for one in rota.on_call(DUTY, parse_instant(at))] == who


@pytest.mark.parametrize(
    ("hours", "at", "works"),
    [
        ("always", "2026-06-14T03:00:00+01:00", True),
        ("Mon-Fri 09:00-17:00", "2026-06-12T08:59:59+01:00", False),
        ("Mon-Fri 09:00-17:00", "2026-06-12T09:00:00+01:00", True),
        ("Mon-Fri 09:00-17:00", "2026-06-12T17:00:00+01:00", False),
        ("Mon-Fri 09:00-17:00", "2026-06-13T12:00:00+01:00", False),
        ("Sat-Sun 22:00-06:00", "2026-06-13T05:59:59+01:00", False),
        ("Sat-Sun 22:00-06:00", "2026-06-13T22:00:00+01:00", True),
        ("Sat-Sun 22:00-06:00", "2026-06-14T05:59:59+01:00", True),
        ("Sat-Sun 22:00-06:00", "2026-06-14T06:00:00+01:00", False),
        ("Sat-Sun 22:00-06:00", "2026-06-15T05:59:59+01:00", True),
        ("Sat-Sun 22:00-06:00", "2026-06-15T22:00:00+01:00", False),
        ("Fri-Mon 09:00-17:00", "2026-06-11T12:00:00+01:00", False),
        ("Fri-Mon 09:00-17:00", "2026-06-12T12:00:00+01:00", True),
        ("Fri-Mon 09:00-17:00", "2026-06-15T12:00:00+01:00", True),
        ("Fri-Mon 09:00-17:00", "2026-06-16T12:00:00+01:00", False),
        ("Fri-Mon 22:00-06:00", "2026-06-16T05:59:59+01:00", True),
        ("Mon-Fri 00:00-24:00", "2026-06-12T23:59:59+01:00", True),
        ("Mon-Fri 00:00-24:00", "2026-06-13T00:00:00+01:00", False),
        ("Mon-Fri 00:00-24:00", "2026-06-15T00:00:00+01:00", True),
        ("Sun-Sun 00:00-01:30", "2026-03-29T00:59:59Z", True),
        ("Sun-Sun 00:00-01:30", "2026-03-29T01:00:00Z", False),
        ("Sun-Sun 00:00-01:30", "2026-10-25T01:29:59+01:00", True),
        ("Sun-Sun 00:00-01:30", "2026-10-25T01:30:00+01:00", False),
        ("Sun-Sun 00:00-01:30", "2026-10-25T01:29:59+00:00", True),
        ("Sat-Sat 22:00-02:00", "2026-10-25T01:59:59+00:00", True),
        ("Sat-Sat 22:00-02:00", "2026-10-25T02:00:00+00:00", False),
    ],
)
def test_hours_are_londons_wall_clock(hours: str, at: str, works: bool) -> None:
    assert read_hours(hours).cover(parse_instant(at)) is works


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "9-5",
        "Mon 09:00-17:00",
        "Mon-Fri 9:00-17:00",
        "Mon-Fri 25:00-26:00",
        "Mon-Fri 24:00-06:00",
        "Mon-Fri 09:00-24:01",
        "Mon-Fri 09:00-09:00",
        "Mon-Fri 00:00-00:00",
        "Mon-Foo 09:00-17:00",
        "Mon-Fri \u0660\u0669:00-17:00",
        "Mon-Fri 09:00-17:00\n",
    ],
)
def test_hours_that_cannot_be_are_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match="must be 'always'"):
        read_hours(wrong)


@pytest.mark.parametrize(
    ("channels", "email", "mobile", "ways"),
    [
        ("", "", "", []),
        ("", "a@example.org", "", ["email"]),
        ("", "a@example.org", "+447700900001", ["email", "sms"]),
        ("sms;email", "a@example.org", "+447700900001", ["sms", "email"]),
        ("sms", "a@example.org", "+447700900001", ["sms"]),
        ("sms;email", "a@example.org", "", ["email"]),
        ("webhook", "", "", ["webhook"]),
        ("webhook; email", "a@example.org", "", ["webhook", "email"]),
    ],
)
def test_a_person_is_reached_in_the_order_the_person_says(
    channels: str, email: str, mobile: str, ways: list[str]
) -> None:
    assert [way.value for way in channels_of(channels, email, mobile)] == ways


def test_a_role_on_call_counts_as_held() -> None:
    directory = Directory(people=PEOPLE, holdings=HELD, shifts=(NIGHT,))
    assert directory.unheld((MANAGER, DUTY, Role.IRO), parse_instant(WED_NIGHT)) == (Role.IRO,)
    assert directory.unheld((MANAGER, DUTY, Role.IRO), parse_instant(WED_NOON)) == (DUTY, Role.IRO)
