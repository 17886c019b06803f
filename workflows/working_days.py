"""Working days: pure arithmetic over a calendar that is passed in.

A calendar is dated data with a span for which its holidays are published.
Outside that span the arithmetic goes on with the days it expects, and says
that the answer is provisional.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from workflows.instants import Day, london_day, london_instant

_ONE_DAY = timedelta(days=1)
_SATURDAY = 5


class DayOff(BaseModel):
    """A day that does not count, and why. Published holidays, expected ones, and local closures look the same."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    date: Day = Field(description="a day in London")
    name: str = Field(min_length=1, description="why it does not count")


class Calendar(BaseModel):
    """The days that are not working days, for one place, with the span for which they are known.

    `known_from` and `known_to` are London days, both included. `holidays` may
    run past `known_to`: those are the days to be expected, not yet published.
    Source of the rule: SI 2006/1738 regulation 2 (protocol B8).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    calendar: str = Field(min_length=1)
    version: str = Field(min_length=1)
    source: str = Field(min_length=1)
    known_from: Day
    known_to: Day
    holidays: tuple[DayOff, ...] = Field(min_length=1)
    closures: tuple[DayOff, ...] = ()

    @model_validator(mode="after")
    def _span_and_days_make_sense(self) -> Self:
        if self.known_to < self.known_from:
            raise ValueError("known_to: must not come before known_from")
        dates = [day.date for day in self.holidays]
        if twice := next((d for d in dates if dates.count(d) > 1), None):
            raise ValueError(f"holidays: {twice.isoformat()} is listed twice")
        return self

    def day_off(self, day: date) -> str | None:
        """Why the London day is not a working day, or None when it is one."""
        for off in (*self.holidays, *self.closures):
            if off.date == day:
                return off.name
        return "weekend" if day.weekday() >= _SATURDAY else None

    def knows(self, day: date) -> bool:
        """Whether the holidays around that London day are published."""
        return self.known_from <= day <= self.known_to


class WorkingDays(BaseModel):
    """The answer to 'n working days after': the day, what was skipped on the way, whether it may still change."""

    model_config = ConfigDict(frozen=True)
    day: Day
    skipped: tuple[DayOff, ...]
    provisional: bool


def working_days_after(start: date, count: int, calendar: Calendar) -> WorkingDays:
    """The count-th working day after a London day; the day itself is never counted (protocol B9).

    Raises ValueError when count is below 1.
    """
    if count < 1:
        raise ValueError("a count of working days must be 1 or more")
    skipped: list[DayOff] = []
    left = count
    for day in _days_after(start):
        if why := calendar.day_off(day):
            skipped.append(DayOff(date=day, name=why))
            continue
        left -= 1
        if left == 0:
            known = calendar.knows(start + _ONE_DAY) and calendar.knows(day)
            return WorkingDays(day=day, skipped=tuple(skipped), provisional=not known)
    raise AssertionError("days do not run out")


def end_of_working_day(start: datetime, count: int, cutoff: time, calendar: Calendar) -> tuple[datetime, WorkingDays]:
    """When `count` working days after the London day of `start` (UTC) are over, at `cutoff` London time; in UTC."""
    answer = working_days_after(london_day(start), count, calendar)
    return london_instant(answer.day, cutoff).astimezone(UTC), answer


def _days_after(start: date) -> Iterator[date]:
    day = start
    while True:
        day += _ONE_DAY
        yield day
