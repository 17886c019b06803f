"""Moments in time: read strictly, held in UTC, shown in London time.

Every instant that enters Homeward is a string matching RFC 3339 with an offset.
Numbers, bare dates and times without an offset are refused: a clock started
from a guessed moment is a clock that lies.
"""

import re
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Annotated, Final
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, PlainSerializer

LONDON = ZoneInfo("Europe/London")

_DAY_ENDS: Final = time(23, 59, 59)

# Facts about a living child lie well inside these years; outside them, adding a duration could overflow.
EARLIEST_YEAR, LATEST_YEAR = 1900, 2200

_RFC3339 = re.compile(
    r"(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d)[Tt]"
    r"(?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d)(?:\.(?P<fraction>\d{1,9}))?"
    r"(?P<offset>[Zz]|[+-]\d\d:\d\d)",
    re.ASCII,
)
_DATE = re.compile(r"(\d{4})-(\d\d)-(\d\d)", re.ASCII)
_EXAMPLE = "2026-06-09T20:15:00Z or 2026-06-09T21:15:00+01:00"


def parse_instant(value: object) -> datetime:
    """Read an RFC 3339 string with an offset, or an aware datetime, as a UTC datetime.

    Fractions beyond a microsecond are cut off. Raises ValueError, in words for
    the person who wrote it, for anything else.
    """
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError("a time without an offset cannot be placed")
        return value.astimezone(UTC)
    if not isinstance(value, str):
        raise ValueError(f"must be a time with an offset, written in quotes as {_EXAMPLE}")
    found = _RFC3339.fullmatch(value)
    if found is None:
        raise ValueError(f"must be a date and time with an offset, such as {_EXAMPLE}")
    if not EARLIEST_YEAR <= int(found["year"]) <= LATEST_YEAR:
        raise ValueError(f"the year must lie between {EARLIEST_YEAR} and {LATEST_YEAR}")
    try:
        return datetime(
            int(found["year"]),
            int(found["month"]),
            int(found["day"]),
            int(found["hour"]),
            int(found["minute"]),
            int(found["second"]),
            int((found["fraction"] or "0").ljust(6, "0")[:6]),
            tzinfo=_offset(found["offset"]),
        ).astimezone(UTC)
    except ValueError:
        raise ValueError(f"there is no such moment; write it as {_EXAMPLE}") from None


def _offset(written: str) -> timezone:
    if written in "Zz":
        return UTC
    hours, minutes = int(written[1:3]), int(written[4:6])
    if minutes > 59:
        raise ValueError("an offset has at most 59 minutes")
    sign = -1 if written[0] == "-" else 1
    return timezone(sign * timedelta(hours=hours, minutes=minutes))


def parse_day(value: object) -> date:
    """Read a calendar day written YYYY-MM-DD. Raises ValueError for anything else."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    found = _DATE.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError("must be a day written YYYY-MM-DD")
    if not EARLIEST_YEAR <= int(found[1]) <= LATEST_YEAR:
        raise ValueError(f"the year must lie between {EARLIEST_YEAR} and {LATEST_YEAR}")
    try:
        return date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        raise ValueError("there is no such day") from None


def to_rfc3339(instant: datetime) -> str:
    """Write an aware instant in UTC with a Z; a fraction only where there is one."""
    utc = instant.astimezone(UTC)
    pattern = "%Y-%m-%dT%H:%M:%S.%fZ" if utc.microsecond else "%Y-%m-%dT%H:%M:%SZ"
    return utc.strftime(pattern)


Instant = Annotated[
    datetime, BeforeValidator(parse_instant), PlainSerializer(to_rfc3339, return_type=str, when_used="json")
]
"""A moment in UTC: RFC 3339 with an offset on the way in, Z on the way out."""

Day = Annotated[date, BeforeValidator(parse_day)]
"""A calendar day, YYYY-MM-DD, in whatever zone the field says."""


def london_day(instant: datetime) -> date:
    """The calendar day in London at that instant."""
    return instant.astimezone(LONDON).date()


def london_instant(day: date, at: time) -> datetime:
    """The UTC instant of a wall-clock time in London; of two (autumn), the first."""
    return datetime.combine(day, at, tzinfo=LONDON).astimezone(UTC)


def london_midnight(day: date) -> datetime:
    """The first moment of a London day, as an instant in UTC."""
    return london_instant(day, time(0))


def in_words(instant: datetime) -> str:
    """A moment as people in England say it: Tue 9 Jun 2026 21:15 BST (seconds only where there are any)."""
    local = instant.astimezone(LONDON)
    clock = "%H:%M:%S" if local.second else "%H:%M"
    return f"{local:%a} {local.day} {local:%b %Y} {local.strftime(clock)} {local:%Z}"


def day_or_moment_in_words(instant: datetime) -> str:
    """A moment in words; the last second of a day in London, when what is owed within days falls due, as its end."""
    local = instant.astimezone(LONDON)
    at_the_end = local.time().replace(microsecond=0) == _DAY_ENDS
    return f"{day_in_words(local.date())}, end of the day" if at_the_end else in_words(instant)


def time_of_day_in_words(at: time) -> str:
    """A time of day in London as a phrase: 17:00 London time; the last second of a day as its end."""
    return "the end of the day" if at == _DAY_ENDS else f"{at:%H:%M} London time"


def day_in_words(day: date) -> str:
    """A day as people in England say it: Tue 9 Jun 2026."""
    return f"{day:%a} {day.day} {day:%b %Y}"
