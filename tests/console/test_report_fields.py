"""What is read of the report's form: moments, days, what is not known, and what cannot be read."""

from datetime import UTC, datetime

import pytest

from starter.console.forms import Mistakes, Posted
from starter.console.report_fields import (
    STEPS,
    TIMES,
    as_shown,
    moment_to_the_minute,
    read,
    read_moment,
    step_of_mistake,
    written_on,
)
from starter.reports import PoliceQuestions, WhatIsReported
from workflows.facts import Child

WHEN = STEPS[0]
NOW = datetime(2026, 11, 28, 21, 15, 40, tzinfo=UTC)


def posted(**fields: str) -> Posted:
    return Posted({name: (said,) for name, said in fields.items()})


def seen(how: str = "", day: str = "", at: str = "") -> dict[str, str]:
    return written_on(WHEN, posted(last_seen=how, last_seen_day=day, last_seen_time=at), {}, NOW)


def test_the_form_asks_for_all_that_a_report_holds() -> None:
    asked = {name for step in STEPS for name in step.names}
    of_a_report = set(WhatIsReported.model_fields) - {"policy", "reported_by", "child", "answers", "known_to_day"}
    assert asked >= of_a_report | set(PoliceQuestions.model_fields) | set(Child.model_fields)
    assert len(asked) == sum(len(step.names) for step in STEPS)


@pytest.mark.parametrize(
    ("written", "at", "day_only"),
    [
        (seen(), None, False),
        (seen("unknown", "2026-11-28", "21:00"), None, False),
        (seen("now"), "2026-11-28T21:15:00+00:00", False),
        (seen("at", "2026-11-28", "20:05"), "2026-11-28T20:05:00+00:00", False),
        (seen("", "28/11/2026", "8.05pm"), "2026-11-28T20:05:00+00:00", False),
        (seen("at", "2026-06-10"), "2026-06-09T23:00:00+00:00", True),
        (seen("at", "2026-06-10", "00:30"), "2026-06-09T23:30:00+00:00", False),
    ],
)
def test_a_moment_is_read(written: dict[str, str], at: str | None, day_only: bool) -> None:
    mistakes = Mistakes()
    expected = datetime.fromisoformat(at) if at else None
    assert read_moment(written, "last_seen", mistakes) == (expected, day_only)
    assert not mistakes


@pytest.mark.parametrize(
    ("written", "field", "says"),
    [
        (seen("at", "", "20:05"), "last_seen-day", "Last seen: enter the day too"),
        (seen("", "", "20:05"), "last_seen-day", "Last seen: enter the day too"),
        (seen("at"), "last_seen-day", "Last seen: enter the day, or choose another answer"),
        (seen("at", "28/13/2026", "20:05"), "last_seen-day", "Last seen: enter a day"),
        (seen("at", "28/11/2026", "25:05"), "last_seen-time", "Last seen: enter a time"),
        (seen("at", "29/03/2026", "01:30"), "last_seen-time", "the clocks went forward"),
        ({"born": "2011"}, "born", "Enter a day"),
        ({"health": "x" * 4001}, "health", "Shorten this to 4,000 characters: it has 4,001"),
        ({"reference": "x" * 81}, "reference", "Shorten this to 80 characters"),
        ({"host_force": "x" * 4001}, "host_force", "Shorten this"),
    ],
)
def test_a_mistake_leads_to_its_field_and_is_of_a_step(written: dict[str, str], field: str, says: str) -> None:
    found = read(written).mistakes.by_field
    assert list(found) == [field]
    assert says in found[field]
    assert step_of_mistake(field) is not None


def test_just_now_is_when_it_was_first_said_however_often_it_is_saved() -> None:
    first = written_on(WHEN, posted(last_seen="now"), {}, NOW)
    again = written_on(WHEN, posted(last_seen="now"), first, NOW.replace(hour=22))
    assert read(again).report["last_seen"] == "2026-11-28T21:15:00Z"
    shown = as_shown(again)
    assert (shown["last_seen"], shown["last_seen_day"], shown["last_seen_time"]) == ("at", "2026-11-28", "21:15")
    changed = written_on(WHEN, posted(last_seen="unknown"), again, NOW)
    assert "last_seen" not in read(changed).report


def test_a_day_alone_is_not_enough_for_what_must_have_a_time() -> None:
    mistakes = Mistakes()
    assert moment_to_the_minute(seen("at", "2026-11-28"), "last_seen", mistakes) is None
    assert list(mistakes.by_field) == ["last_seen-time"]


def test_a_day_without_a_time_is_said_to_be_one() -> None:
    assert read(seen("at", "2026-11-28")).report["known_to_day"] == ["last_seen"]
    assert "known_to_day" not in read(seen("now")).report


def test_circumstances_are_read_as_far_as_they_are_known() -> None:
    written = {"looked_after": "yes", "allocated": "no", "out_of_area": "unknown", "hosted": "yes", "setting": "foster"}
    assert read({**written, "category": "stolen", "born": "14/5/2011"}).report["child"] == {
        "looked_after": True,
        "allocated": False,
        "hosted": True,
        "setting": "foster",
        "born": "2011-05-14",
    }
    assert read({"setting": "a tent", "category": "stolen"}).report["child"] == {}
    assert read({"category": "stolen"}).category is None


def test_what_the_police_gave_is_kept_with_their_time_or_without() -> None:
    police = {"police_force": "Invented Police", "police_reference": "LOG 7", "actions_taken": "Rang friends"}
    timed = read({**police, "reported": "at", "reported_day": "2026-11-28", "reported_time": "20:00"}).report
    assert (timed["police_force"], timed["police_reference"]) == ("Invented Police", "LOG 7")
    untimed = read(police).report
    assert "police_reference" not in untimed
    assert untimed["answers"]["actions_taken"].splitlines() == [
        "Rang friends",
        "The police were told, it is not said when: Invented Police, LOG 7",
    ]


def test_every_moment_has_its_step() -> None:
    assert {step_of_mistake(f"{name}-day") for name in TIMES} == {STEPS[0], STEPS[3]}
    assert step_of_mistake("reported_by") is None
