"""Rungs: climbed once, armed again when a correction moves them, spoken for when they were known too late."""

from datetime import timedelta

import pytest

from tests.workflows.builders import CHILD, calendar, fact, pack
from workflows.clocks import plan
from workflows.facts import Fact, Known
from workflows.instants import parse_instant
from workflows.ladders import Aware, Climb, DueRung, next_wake, rungs_due

REPORTED = fact("reported 2026-06-09T20:00:00Z")
START = REPORTED.at


def due_at(
    hours: float,
    *facts: Fact,
    climbs: list[Climb] | None = None,
    known_after: float = 0,
    overdue_reviews_ask: bool = True,
) -> list[tuple[str, str, bool]]:
    now = START + timedelta(hours=hours)
    clocks = plan(facts, CHILD, pack(), calendar(), now)
    since = START + timedelta(hours=known_after)
    aware = {c.id: Aware(due=c.due, since=since) for c in clocks if c.due}
    done = {(c.clock, c.rung): c for c in climbs or []}
    found = rungs_due(clocks, pack(), Known(facts, now), done, aware, overdue_reviews_ask=overdue_reviews_ask)
    return [(one.clock.id, one.rung.rung, one.passed_over) for one in found]


def of(clock: str, found: list[tuple[str, str, bool]]) -> list[tuple[str, bool]]:
    return [(rung, passed) for name, rung, passed in found if name == clock]


def climbed(clock: str, rung: str, hours: float) -> Climb:
    return Climb(clock=clock, rung=rung, at=START + timedelta(hours=hours), times=1)


def test_a_rung_is_due_at_its_time_and_not_before() -> None:
    assert of("iro_notice", due_at(0, REPORTED)) == [("ask", False)]
    asked = [climbed("iro_notice", "ask", 0)]
    assert of("iro_notice", due_at(19.999, REPORTED, climbs=asked)) == []
    assert of("iro_notice", due_at(20, REPORTED, climbs=asked)) == [("warn", False)]


def test_a_climbed_rung_is_not_climbed_again() -> None:
    done = [climbed("iro_notice", "ask", 0), climbed("iro_notice", "warn", 20)]
    assert of("iro_notice", due_at(23, REPORTED, climbs=done)) == []


def test_what_passed_during_an_outage_is_all_climbed() -> None:
    assert of("iro_notice", due_at(30, REPORTED)) == [("ask", False), ("warn", False), ("escalate", False)]


def test_what_passed_before_it_was_known_is_spoken_for_by_the_last() -> None:
    found = of("iro_notice", due_at(30, REPORTED, known_after=30))
    assert found == [("ask", True), ("warn", True), ("escalate", False)]


def test_a_rung_moved_later_by_a_correction_is_armed_again_but_not_the_first_asking() -> None:
    told = fact("authority_told 2026-06-10T10:00:00Z")
    done = [climbed("iro_notice", "ask", 0), climbed("iro_notice", "warn", 20)]
    assert of("iro_notice", due_at(34, REPORTED, told, climbs=done)) == [("warn", False)]


def test_a_settled_clock_bothers_nobody() -> None:
    told = fact("told 2026-06-09T21:00:00Z", role="iro")
    assert of("iro_notice", due_at(30, REPORTED, told)) == []


def test_an_alert_that_fired_is_still_told_when_the_child_is_found_after() -> None:
    found = fact("located 2026-06-10T20:30:00Z")
    assert of("leadership_alert", due_at(25, REPORTED, found)) == [("alert", False)]


def test_the_next_wake_is_the_earliest_of_all_and_a_moment_after_a_due_time() -> None:
    now = START + timedelta(hours=20)
    clocks = plan([REPORTED], CHILD, pack(), calendar(), now)
    known = Known([REPORTED], now)
    wake = next_wake(clocks, pack(), known, {})
    assert wake is not None
    assert (wake.at, wake.label) == (START + timedelta(hours=24), "leadership_alert: alert")
    alone = tuple(clock for clock in clocks if clock.id == "iro_notice")
    wake = next_wake(alone, pack(), known, {})
    assert wake is not None
    assert wake.at == START + timedelta(hours=24, milliseconds=1)
    assert next_wake((), pack(), known, {}) is None


def test_a_label_names_clock_and_rung_only() -> None:
    clocks = plan([REPORTED], CHILD, pack(), calendar(), parse_instant("2026-06-09T21:00:00Z"))
    clock = next(one for one in clocks if one.id == "leadership_alert")
    rung = pack().clocks[clock.id].ladder[0]
    one = DueRung(clock=clock, rung=rung, at=START, times=1, passed_over=False)
    assert one.label == "leadership_alert: warn"


def test_an_answer_stops_a_rung_only_if_it_was_given_since_the_clocks_time_came() -> None:
    done = [climbed("leadership_alert", rung, hours) for rung, hours in (("warn", 20), ("alert", 24))]
    answers = {hours: (START + timedelta(hours=hours)).isoformat() for hours in (20.5, 24.5)}
    for hours, expected in ((20.5, [("escalate", False)]), (24.5, [])):
        answer = fact(f"acknowledged {answers[hours]}", clock="leadership_alert", role="senior_leader")
        assert of("leadership_alert", due_at(26.5, REPORTED, answer, climbs=done)) == expected


NOTICED = fact("noticed 2026-06-09T20:00:00Z")
A_MOMENT = 0.01


@pytest.mark.parametrize(
    ("hours", "done", "asks"),
    [
        (2, [], ["warn"]),
        (2 + A_MOMENT, [], ["warn"]),
        (3 + A_MOMENT, ["warn"], ["escalate"]),
        (5, [], ["warn", "escalate"]),
    ],
)
def test_a_review_asks_however_late_the_worker_wakes_for_it(hours: float, done: list[str], asks: list[str]) -> None:
    """No worker wakes at the very instant; and nobody has reviewed anything because it is overdue."""
    climbs = [climbed("absence_review", rung, 2 + A_MOMENT) for rung in done]
    assert of("absence_review", due_at(hours, NOTICED, climbs=climbs)) == [(rung, False) for rung in asks]
    before = due_at(hours, NOTICED, climbs=climbs, overdue_reviews_ask=False)
    assert of("absence_review", before) == ([("warn", False)] if hours == 2 else []), "as it was before 0.5.0"


def test_a_review_that_is_done_or_needed_no_more_asks_nobody() -> None:
    reviewed = fact("absence_reviewed 2026-06-09T21:30:00Z", decision="wait")
    assert of("absence_review", due_at(3.2, NOTICED, reviewed)) == []
    assert of("absence_review", due_at(3.5, NOTICED, fact("returned 2026-06-09T22:30:00Z"))) == []


def test_an_episode_wakes_for_what_an_overdue_review_asks_next() -> None:
    now = START + timedelta(hours=2 + A_MOMENT)
    clocks = tuple(one for one in plan([NOTICED], CHILD, pack(), calendar(), now) if one.id == "absence_review")
    told = {("absence_review", "warn"): climbed("absence_review", "warn", 2 + A_MOMENT)}
    wake = next_wake(clocks, pack(), Known([NOTICED], now), told)
    assert wake is not None
    assert (wake.at, wake.label) == (START + timedelta(hours=3), "absence_review: escalate")
