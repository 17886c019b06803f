"""What changes from one policy to another, in words: whatever differs is said, and nothing else."""

from itertools import permutations
from typing import Any

import pytest

from starter.policy_changes import Changes, Line, changes
from starter.policy_diff import differences
from tests.workflows.builders import policies
from workflows.policy import Pack, as_data
from workflows.policy_rules import ClockRule

CLOCK = "parent_notice"
REVIEW = "absence_review"


def pack_with(**more: Any) -> Pack:
    """The default pack with other parts."""
    return Pack.model_validate(as_data(policies().pack("homeward")) | more)


def with_clock(clock: str, **more: Any) -> Pack:
    """The default pack, one of its clocks otherwise; None takes a field away."""
    data = as_data(policies().pack("homeward"))
    rule = {name: value for name, value in (data["clocks"][clock] | more).items() if value is not None}
    return pack_with(clocks=data["clocks"] | {clock: rule})


def rung(**more: Any) -> dict[str, Any]:
    """A ladder of one step."""
    return {"rung": "ask", "at": {"of": "start"}, "role": "social_worker", "says": "Invented"} | more


OF_A_CLOCK: tuple[tuple[str, str, Any, str], ...] = (
    ("title", CLOCK, "Invented", "Called"),
    ("obligations", CLOCK, ["O09"], "Obligations"),
    ("source", CLOCK, [{"document": "s4", "section": "Invented"}], "Source"),
    ("strength", CLOCK, "local", "How binding"),
    ("applies", CLOCK, {"allocated": True}, "For"),
    ("start", CLOCK, {"first_known_of": ["reported"]}, "Due"),
    ("due", CLOCK, {"elapsed_hours": 36}, "Due"),
    ("start_when", CLOCK, [{"when": {"out_of_area": True}, "start": {"earliest_of": ["noticed"]}}], "Starts otherwise"),
    ("met_by", CLOCK, [{"fact": "told", "role": "iro"}], "Met by"),
    ("waived_by", CLOCK, None, "Lifted by"),
    ("cancelled_by", "leadership_alert", ["returned"], "Cancelled by"),
    ("ended_by", REVIEW, ["returned"], "Ended by"),
    ("goes_on_after_childhood", CLOCK, True, "After childhood"),
    ("task", CLOCK, {"role": "carer", "do": "Invented"}, "Task"),
    ("ladder", CLOCK, [rung()], "Who is told"),
    ("reading", CLOCK, "Invented", "Reading"),
)


def lines_of(found: Changes) -> dict[str, list[Line]]:
    return {thing.title: list(thing.lines) for thing in (*found.clocks, *found.rest)}


@pytest.mark.parametrize(("field", "clock", "value", "label"), OF_A_CLOCK)
def test_a_clocks_field_that_differs_is_said_under_its_title(field: str, clock: str, value: Any, label: str) -> None:
    first, second = policies().pack("homeward"), with_clock(clock, **{field: value})
    assert {one.field for one in differences(first, second)} == {field}
    [(title, lines)] = lines_of(changes(first, second)).items()
    assert title == second.clocks[clock].title
    assert {line.label for line in lines} == {label}
    [(_, back)] = lines_of(changes(second, first)).items()
    assert [(line.was, line.becomes) for line in back] == [(line.becomes, line.was) for line in lines] or len(back) > 1


def test_each_field_of_a_clock_is_tried() -> None:
    # A clock's kind is never the only thing that differs.
    assert {field for field, *_ in OF_A_CLOCK} == set(ClockRule.model_fields) - {"kind"}


@pytest.mark.parametrize(
    "more", [{"channel": "sms"}, {"needs_ack": True}, {"escalates": True}, {"until": "acknowledged"}, {"says": "Else"}]
)
def test_a_step_that_tells_somebody_otherwise_is_said(more: dict[str, Any]) -> None:
    first, second = (with_clock(CLOCK, ladder=[one]) for one in (rung(), rung(**more)))
    [(_, [line])] = lines_of(changes(first, second)).items()
    assert (line.label, line.was != line.becomes) == ("Who is told", True)


@pytest.mark.parametrize(
    "part",
    [
        *({"close_after": {"elapsed_days": 3}}, {"childhood_ends_at": 21}, {"photographs_fresh_for": None}),
        *({"two_people_for": ["local"]}, {"chase": None}, {"return_notice": None}, {"calendar": "elsewhere"}),
        *({"look_again": {"elapsed_hours": 5}}, {"correction_notice": None}, {"suppression_notice": None}),
    ],
)
def test_a_rule_of_the_whole_policy_that_differs_is_said(part: dict[str, Any]) -> None:
    found = changes(policies().pack("homeward"), pack_with(**part))
    assert [*found.rest, *found.rest_added, *found.rest_removed]
    assert all("_" not in said for thing in found.rest for line in thing.lines for said in (line.was, line.becomes))


def test_a_step_in_another_place_is_said_though_it_reads_alike() -> None:
    two = [rung(), rung(rung="again")]
    found = changes(with_clock(CLOCK, ladder=two), with_clock(CLOCK, ladder=two[::-1]))
    [thing] = found.clocks
    assert [line.label for line in thing.lines] == ["Written otherwise"]


def test_whatever_differs_between_two_shipped_policies_is_said_in_words() -> None:
    packs = [policies().pack(name) for name in policies().names()]
    for first, second in permutations(packs, 2):
        found, raw = changes(first, second), differences(first, second)
        titles = [thing.title for thing in (*found.clocks, *found.rest)]
        alone = (*found.clocks_added, *found.clocks_removed, *found.rest_added, *found.rest_removed)
        assert len(titles) + len(alone) == len({(one.part, one.name) for one in raw})
        lines = [line for those in lines_of(found).values() for line in those]
        said = [text for line in lines for text in (line.was, line.becomes)]
        assert not any("_" in text or "{" in text for text in [*said, *(one.asks for one in alone)])


def test_a_policy_differs_in_nothing_from_itself() -> None:
    pack = policies().pack("homeward")
    assert changes(pack, pack) == Changes([], [], [], [], [], [])
