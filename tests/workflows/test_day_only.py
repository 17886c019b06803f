"""What is known to the day only: it counts as the moment that stands for it, and every clock it moves says so."""

import pytest
from pydantic import ValidationError

from tests.workflows.builders import clocks_at, fact
from workflows.facts import Fact, fact_from_outside, same_fact
from workflows.instants import parse_instant
from workflows.progress import Timeline

LAST_SEEN, RETURN = "last_seen 2026-06-08T23:00:00Z", "returned 2026-06-10T23:00:00Z"
REPORTED = "reported 2026-06-09T09:00:00Z"
START = "Starts Tue 9 Jun 2026 00:00 BST (known to the day only)"
SAID = "Worked out from a start that is known to the day only: its hour was chosen, and may have been another."


def day_only(words: str, **details: str) -> Fact:
    return fact(words, known_to="day", **details)


def test_a_clock_that_starts_from_a_day_says_so_and_is_due_as_if_from_the_moment_that_stands_for_it() -> None:
    by_day = clocks_at("2026-06-09T12:00:00Z", day_only(LAST_SEEN), fact(REPORTED))
    by_minute = clocks_at("2026-06-09T12:00:00Z", fact(LAST_SEEN), fact(REPORTED))
    assert {id: clock.due for id, clock in by_day.items()} == {id: clock.due for id, clock in by_minute.items()}
    alert = by_day["leadership_alert"]
    assert alert.day_only
    assert alert.because.startswith(f"{START}, when the child was last seen")
    assert alert.because.endswith(SAID)
    # What starts from another fact is as sure as that fact.
    assert not by_day["parent_notice"].day_only
    assert "day only" not in by_day["parent_notice"].because
    assert not any(clock.day_only or "day only" in clock.because for clock in by_minute.values())


def test_a_clock_that_starts_when_another_fired_says_so_too() -> None:
    clocks = clocks_at("2026-06-11T12:00:00Z", day_only(LAST_SEEN), fact(REPORTED))
    assert clocks["leadership_alert"].state == "fired"
    assert clocks["strategy_meeting"].day_only
    assert clocks["strategy_meeting"].because.endswith(SAID)


@pytest.mark.parametrize("clock", ["rhi", "rhi_offer"])
def test_what_is_owed_from_a_return_known_to_the_day_says_so(clock: str) -> None:
    clocks = clocks_at("2026-06-11T12:00:00Z", fact(LAST_SEEN), day_only(RETURN))
    assert clocks[clock].because.startswith("Starts Thu 11 Jun 2026 00:00 BST (known to the day only), when the child")
    assert clocks[clock].because.endswith(SAID)


def test_a_clock_cancelled_or_met_on_a_day_says_so_though_its_start_is_sure() -> None:
    clocks = clocks_at(
        "2026-06-16T12:00:00Z",
        fact("last_seen 2026-06-10T09:00:00Z"),
        fact("reported 2026-06-10T09:00:00Z"),
        day_only("located 2026-06-10T23:00:00Z"),
        fact(RETURN),
        day_only("rhi_completed 2026-06-12T22:59:59Z"),
    )
    alert, interview = clocks["leadership_alert"], clocks["rhi"]
    assert "No longer needed: found Thu 11 Jun 2026 00:00 BST (known to the day only), before then." in alert.because
    assert "Done in time: return home interview completed Fri 12 Jun 2026 23:59:59 BST (known to the day only)." in (
        interview.because
    )
    assert not alert.day_only
    assert not interview.day_only


def test_a_review_runs_anew_from_a_review_whose_time_is_known() -> None:
    gone = day_only("last_seen 2026-05-01T23:00:00Z"), day_only("reported 2026-05-01T23:00:00Z")
    first = clocks_at("2026-06-10T12:00:00Z", *gone)
    reviewed = clocks_at("2026-06-10T12:00:00Z", *gone, fact("long_term_reviewed 2026-06-05T12:00:00Z"))
    reviews = [id for id, clock in first.items() if clock.kind == "review" and clock.day_only]
    assert any(not reviewed[id].day_only for id in reviews)


def test_facts_known_to_the_minute_are_written_as_they_always_were() -> None:
    assert "known_to" not in fact(RETURN).model_dump(mode="json")
    written = day_only(RETURN).model_dump(mode="json")
    assert written["known_to"] == "day"
    assert Fact.model_validate(written) == day_only(RETURN)
    assert same_fact(fact(RETURN), day_only(RETURN))


def test_anybody_may_say_that_a_fact_is_known_to_the_day_and_nothing_else() -> None:
    said = {"kind": "returned", "at": "2026-06-10T23:00:00Z", "known_to": "hour"}
    with pytest.raises(ValidationError, match="known_to"):
        fact_from_outside(said, id="f1")


def test_the_timeline_says_it() -> None:
    timeline = Timeline([])
    at = parse_instant("2026-06-11T12:00:00Z")
    timeline.add_fact(day_only(RETURN), at)
    timeline.add_fact(fact(LAST_SEEN), at)
    assert [line.text for line in timeline.entries] == ["Returned, known to the day only", "Last seen"]
