"""Working days by golden dates, and the calendar's own span."""

from datetime import UTC, date, datetime, timedelta

import holidays
import pytest

from tests.workflows.builders import calendar
from workflows.working_days import DayOff, working_days_after

THREE_AFTER = {
    "2026-06-08": "2026-06-11",
    "2026-06-09": "2026-06-12",
    "2026-06-10": "2026-06-15",
    "2026-06-11": "2026-06-16",
    "2026-06-12": "2026-06-17",
    "2026-06-13": "2026-06-17",
    "2026-06-14": "2026-06-17",
    "2026-04-01": "2026-04-08",
    "2026-04-02": "2026-04-09",
    "2026-04-04": "2026-04-09",
    "2026-12-23": "2026-12-30",
    "2026-12-24": "2026-12-31",
    "2026-05-01": "2026-05-07",
    # Christmas with substitute days: 28 Dec 2020; 27 and 28 Dec 2021; 27 Dec 2022; 27 and 28 Dec 2027.
    "2020-12-24": "2020-12-31",
    "2021-12-24": "2021-12-31",
    "2022-12-23": "2022-12-30",
    "2027-12-24": "2027-12-31",
    # New Year on a Saturday.
    "2021-12-30": "2022-01-05",
    # Proclaimed: the royal wedding, the jubilee, the state funeral, the coronation.
    "2011-04-28": "2011-05-05",
    "2012-06-01": "2012-06-08",
    "2022-09-16": "2022-09-22",
    "2023-05-05": "2023-05-11",
}


@pytest.mark.parametrize("start", THREE_AFTER)
def test_three_working_days_after(start: str) -> None:
    answer = working_days_after(date.fromisoformat(start), 3, calendar())
    assert answer.day == date.fromisoformat(THREE_AFTER[start])
    assert not answer.provisional


def test_the_days_passed_over_are_named() -> None:
    answer = working_days_after(date(2026, 4, 2), 3, calendar())
    assert [(d.date.day, d.name) for d in answer.skipped] == [
        (3, "Good Friday"),
        (4, "weekend"),
        (5, "weekend"),
        (6, "Easter Monday"),
    ]


def test_a_local_closure_does_not_count() -> None:
    closed = calendar().model_copy(update={"closures": (DayOff(date=date(2026, 6, 9), name="invented closure"),)})
    assert working_days_after(date(2026, 6, 8), 3, closed).day == date(2026, 6, 12)


@pytest.mark.parametrize(
    ("start", "provisional"),
    [("2027-12-28", False), ("2027-12-29", True), ("2009-12-30", True), ("2009-12-31", False), ("2035-05-01", True)],
)
def test_outside_the_known_span_an_answer_is_provisional(start: str, provisional: bool) -> None:
    assert working_days_after(date.fromisoformat(start), 3, calendar()).provisional is provisional


@pytest.mark.parametrize("count", [0, -1])
def test_a_count_below_one_is_a_mistake(count: int) -> None:
    with pytest.raises(ValueError, match="1 or more"):
        working_days_after(date(2026, 6, 8), count, calendar())


def test_the_shipped_calendar_is_what_the_holidays_package_says() -> None:
    years = range(calendar().known_from.year, calendar().known_to.year + 1)
    expected = holidays.country_holidays("GB", subdiv="ENG", years=years)
    shipped = {d.date for d in calendar().holidays if d.date <= calendar().known_to}
    assert set(expected) <= shipped, "a published holiday is missing: see 'How to let the calendar grow'"
    assert date(2026, 12, 28) in shipped


def test_the_calendar_does_not_run_out_unnoticed() -> None:
    left = calendar().known_to - datetime.now(UTC).date()
    assert left > timedelta(days=180), (
        f"the calendar is known for {left.days} days more. Look up the bank holidays published for England and Wales, "
        "then: make calendar KNOWN_TO=yyyy-mm-dd VERSION=yyyy-mm"
    )
