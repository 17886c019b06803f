"""Moments as people write them into forms: a day and a time in London. Pure."""

import re
from datetime import UTC, date, datetime, time
from typing import Final

from workflows.instants import LONDON, london_instant, parse_day
from workflows.plain_errors import BadInputError

_DAY: Final = re.compile(r"(\d{1,2})[/. -](\d{1,2})[/. -](\d{4})", re.ASCII)
_TIME: Final = re.compile(r"(\d{1,2})(?:[:.]?(\d\d))?\s*(am|pm)?", re.ASCII | re.IGNORECASE)
_NOON: Final = 12


def day_said(written: str, name: str) -> date:
    """A day as a browser's picker sends it, 2026-11-28, or as people write it, 28/11/2026.

    Raises BadInputError, in a sentence that begins with the field's name.
    """
    if found := _DAY.fullmatch(written):
        written = f"{found[3]}-{int(found[2]):02}-{int(found[1]):02}"
    try:
        return parse_day(written)
    except ValueError:
        raise BadInputError(f"{name}: enter a day, such as 28/11/2026") from None


def time_said(written: str, name: str) -> time:
    """A time of day as a browser's picker sends it, 21:30, or as people write it: 2130, 9.30pm, 9pm.

    Raises BadInputError.
    """
    wrong = BadInputError(f"{name}: enter a time, such as 21:30")
    found = _TIME.fullmatch(written)
    if found is None:
        raise wrong
    hour, minute, half = int(found[1]), int(found[2] or 0), (found[3] or "").lower()
    if half:
        if not 1 <= hour <= _NOON:
            raise wrong
        hour = hour % _NOON + (_NOON if half == "pm" else 0)
    elif found[2] is None:
        raise wrong
    try:
        return time(hour, minute)
    except ValueError:
        raise wrong from None


def moment_said(day: str, at: str, name: str) -> datetime:
    """The instant, in UTC, that a day and a time in London mean. Raises BadInputError.

    Of the hour that comes twice in autumn it is the first: a clock is then
    never due too late. The hour that is left out in spring is refused.
    """
    local = datetime.combine(day_said(day, name), time_said(at, name), tzinfo=LONDON)
    if local.astimezone(UTC).astimezone(LONDON).replace(fold=0) != local:
        raise BadInputError(f"{name}: there was no such time that night: the clocks went forward")
    return london_instant(local.date(), local.time())


def as_fields(instant: datetime) -> tuple[str, str]:
    """A moment as the two fields of a form hold it: its day and its time in London, to the minute."""
    local = instant.astimezone(LONDON)
    return f"{local:%Y-%m-%d}", f"{local:%H:%M}"
