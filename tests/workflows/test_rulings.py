"""What people rule on a clock themselves, who may interview, and what the policy refuses."""

from datetime import timedelta

import pytest

from tests.workflows.builders import CHILD, calendar, fact, pack
from workflows.clocks import Clock, plan
from workflows.facts import Fact
from workflows.instants import parse_instant, to_rfc3339
from workflows.rulings import against_policy

BACK = [fact("reported 2026-06-09T20:00:00Z"), fact("returned 2026-06-10T20:00:00Z")]
DUE = parse_instant("2026-06-13T20:00:00Z")
TWO = {"recorded_by": "A. Invented", "authorised_by": "B. Madeup"}


def at(hours_after_due: float, *facts: Fact) -> dict[str, Clock]:
    when = DUE + timedelta(hours=hours_after_due)
    return {c.id: c for c in plan([*BACK, *facts], CHILD, pack(), calendar(), when)}


def ruled(kind: str, clock: str = "rhi", when: str = "2026-06-12T12:00:00Z", **more: str) -> Fact:
    return fact(f"{kind} {when}", clock=clock, reason="invented", **more)


@pytest.mark.parametrize(
    ("ruling", "state"),
    [
        (ruled("clock_met", **TWO), "met"),
        (ruled("clock_met", when="2026-06-14T12:00:00Z", **TWO), "late"),
        (ruled("clock_suppressed", **TWO), "suppressed"),
        (ruled("clock_voided", **TWO), "voided"),
        (ruled("clock_extended", until="2026-06-16T20:00:00Z", **TWO), "running"),
    ],
)
def test_a_ruling_by_two_people_counts(ruling: Fact, state: str) -> None:
    clock = at(24, ruling)["rhi"]
    assert clock.state == state, clock.because
    assert "B. Madeup" in clock.because or state in ("met", "late")


@pytest.mark.parametrize("second", [{}, {"authorised_by": "a. invented "}])
def test_a_statutory_clock_is_not_ruled_on_by_one_person(second: dict[str, str]) -> None:
    ruling = ruled("clock_voided", recorded_by="A. Invented", **second)
    clock = at(24, ruling)["rhi"]
    assert clock.state == "overdue"
    assert "needs a second person" in clock.because
    assert "authorised_by" in str(against_policy(ruling, pack()))


def test_local_practice_is_ruled_on_by_one() -> None:
    assert at(24, ruled("clock_voided", clock="triggers"))["triggers"].state == "voided"


def test_an_extension_keeps_the_first_due_time_in_sight() -> None:
    later = "2026-06-16T20:00:00Z"
    clock = at(1, ruled("clock_extended", until=later, **TWO))["rhi"]
    assert (clock.due, clock.first_due) == (parse_instant(later), DUE)
    done = fact("rhi_completed 2026-06-15T20:00:00Z")
    assert at(60, ruled("clock_extended", until=later, **TWO), done)["rhi"].state == "met"
    assert at(90, ruled("clock_extended", until=later, **TWO))["rhi"].state == "overdue"


def test_an_extension_never_brings_a_due_time_forward() -> None:
    clock = at(1, ruled("clock_extended", until="2026-06-12T20:00:00Z", **TWO))["rhi"]
    assert (clock.due, clock.first_due, clock.state) == (DUE, None, "overdue")


def test_of_a_ruling_and_a_fact_that_both_meet_a_clock_the_earlier_counts() -> None:
    done = fact("rhi_completed 2026-06-14T12:00:00Z")
    assert at(24, ruled("clock_met", **TWO), done)["rhi"].state == "met"
    assert at(24, ruled("clock_met", when="2026-06-14T18:00:00Z", **TWO), done)["rhi"].settled_by == done.id


def test_an_extension_to_the_due_time_itself_is_none() -> None:
    clock = at(-1, ruled("clock_extended", until=to_rfc3339(DUE), **TWO))["rhi"]
    assert (clock.due, clock.first_due) == (DUE, None)


def test_a_firing_clock_is_suppressed_before_its_time_only() -> None:
    early = ruled("clock_suppressed", clock="leadership_alert", when="2026-06-10T10:00:00Z", **TWO)
    gone = BACK[:1]
    when = parse_instant("2026-06-11T20:00:00Z")
    clocks = {c.id: c for c in plan([*gone, early], CHILD, pack(), calendar(), when)}
    assert clocks["leadership_alert"].state == "suppressed"
    late = ruled("clock_suppressed", clock="leadership_alert", when="2026-06-11T10:00:00Z", **TWO)
    clocks = {c.id: c for c in plan([*gone, late], CHILD, pack(), calendar(), when)}
    assert clocks["leadership_alert"].state == "fired"


@pytest.mark.parametrize(
    ("refused", "field"),
    [
        (ruled("clock_voided", clock="tea", **TWO), "clock"),
        (ruled("clock_extended", clock="leadership_alert", until="2026-06-16T20:00:00Z", **TWO), "clock"),
        (ruled("clock_met", clock="long_term", **TWO), "clock"),
        (fact("acknowledged 2026-06-12T12:00:00Z", clock="tea", role="iro"), "clock"),
        (fact("rhi_allocated 2026-06-12T12:00:00Z", interviewer="parent"), "interviewer"),
        (fact("rhi_allocated 2026-06-12T12:00:00Z", interviewer="key_worker"), "interviewer"),
        (fact("repeat_reached 2026-06-12T12:00:00Z", rule="tea"), "rule"),
    ],
)
def test_what_the_policy_refuses_names_the_field(refused: Fact, field: str) -> None:
    reason = against_policy(refused, pack())
    assert reason is not None
    assert reason.startswith(f"{field}: ")


@pytest.mark.parametrize(
    ("who", "state", "says"),
    [
        ("independent", "met", ""),
        ("trusted_professional", "met", ""),
        ("social_worker", "met", "To notice: the child's own social worker"),
        ("other_home_staff", "met", "To notice: other staff of the home"),
        ("parent", "overdue", "does not count: a parent"),
        ("foster_carer", "overdue", "does not count: a foster carer"),
        ("key_worker", "overdue", "does not count: the allocated key worker"),
    ],
)
def test_who_may_interview(who: str, state: str, says: str) -> None:
    clock = at(24, fact("rhi_completed 2026-06-12T12:00:00Z", interviewer=who))["rhi"]
    assert clock.state == state
    assert says in clock.because
    assert ("To notice" in clock.because) is says.startswith("To notice")


def test_an_interview_by_the_right_person_counts_after_one_by_the_wrong() -> None:
    wrong = fact("rhi_completed 2026-06-12T12:00:00Z w", interviewer="parent")
    right = fact("rhi_completed 2026-06-13T12:00:00Z r", interviewer="independent")
    clock = at(24, wrong, right)["rhi"]
    assert (clock.state, clock.settled_at and to_rfc3339(clock.settled_at)) == ("met", "2026-06-13T12:00:00Z")
