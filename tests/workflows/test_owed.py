"""What is owed in an episode, in which order, and which grades of risk hold."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.workflows.builders import fact
from workflows.facts import Fact, Known
from workflows.owed import OpenTask, OwedClock, what_is_owed
from workflows.risk import risk_of
from workflows.vocabulary import ClockKind, Role

NOW = datetime(2026, 6, 10, 12, tzinfo=UTC)
LATE, SOON = NOW - timedelta(hours=2), NOW + timedelta(hours=1)


def clock(id: str, due: datetime | None, kind: ClockKind = ClockKind.DUE_BY) -> OwedClock:
    return OwedClock(id, kind, due, f"Do {id}")


def task(duty: str, due: datetime | None, of: str | None = None, holder: str | None = None) -> OpenTask:
    return OpenTask(f"e/{duty}", of, "social_worker", f"See to {duty}", due, holder)


def test_the_earliest_comes_first_what_has_no_time_after_it_and_last_what_happens_by_itself() -> None:
    clocks = [
        clock("alert", LATE, ClockKind.FIRE_AT),
        clock("undated", None),
        clock("soon", SOON),
        clock("again", LATE, ClockKind.REVIEW),
    ]
    owed = what_is_owed("e", clocks, [task("asked", SOON - timedelta(minutes=1))])
    assert [one.clock or one.task for one in owed] == ["again", "e/asked", "soon", "undated", "alert"]
    assert [one.by_itself for one in owed] == [False, False, False, False, True]


def test_a_clock_and_its_task_are_one_thing_and_it_keeps_the_clocks_words_and_time() -> None:
    (one,) = what_is_owed("e", [clock("rhi", SOON)], [task("rhi", LATE, of="rhi", holder="sw")])
    assert (one.title, one.due, one.role, one.holder, one.task) == (
        "Do rhi",
        SOON,
        Role.SOCIAL_WORKER,
        "sw",
        "e/rhi",
    )


def test_what_else_is_asked_about_a_clock_is_a_thing_of_its_own() -> None:
    both = what_is_owed("e", [clock("rhi", SOON)], [task("unheld/rhi", LATE, of="rhi")])
    assert [(one.title, one.task) for one in both] == [("See to unheld/rhi", "e/unheld/rhi"), ("Do rhi", None)]


ASSESSED = fact("risk_assessed 2026-06-10T08:00:00Z", view="police", scheme="NPCC", grade="high")


@pytest.mark.parametrize(
    ("facts", "grades"),
    [
        ([], []),
        ([ASSESSED], ["high"]),
        ([ASSESSED, fact("risk_assessed 2026-06-10T09:00:00Z", view="police", scheme="NPCC", grade="low")], ["low"]),
        (
            [ASSESSED, fact("risk_assessed 2026-06-10T09:00:00Z", view="authority", scheme="NPCC", grade="low")],
            ["low", "high"],
        ),
        (
            [ASSESSED, fact("risk_assessed 2026-06-10T09:00:00Z", view="police", scheme="Local", grade="low")],
            ["low", "high"],
        ),
        ([ASSESSED, fact("risk_assessed 2026-06-10T07:00:00Z", view="police", scheme="NPCC", grade="low")], ["high"]),
        (
            [ASSESSED, fact("withdrawn 2026-06-10T10:00:00Z", fact=ASSESSED.id, reason="another child")],
            [],
        ),
    ],
    ids=["none", "one", "again", "of the other view", "in another scheme", "an earlier one told later", "withdrawn"],
)
def test_the_last_grade_of_each_view_in_each_scheme_holds(facts: list[Fact], grades: list[str]) -> None:
    assert [one.grade for one in risk_of(Known(facts, NOW))] == grades
