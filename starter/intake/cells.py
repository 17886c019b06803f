"""Single cells of an export: days, times, codes and London moments, read strictly.

A refusal names the column and what would be right. It never repeats the cell,
because what is read here is about a child and a refusal is printed and logged.
"""

import re
from collections.abc import Mapping as Given
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Final

from starter.intake.mapping import DECIDES, Field, Mapping
from workflows.instants import LONDON, london_instant, london_midnight, parse_day

LONGEST_CELL: Final = 80
"""In characters: what a report allows for a reference. Longer cells come of a quote mark gone wrong."""

_MONTHS: Final = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_DAYS: Final = {
    "31/12/2026": r"(?P<d>\d\d)/(?P<m>\d\d)/(?P<y>\d{4})",
    "31-12-2026": r"(?P<d>\d\d)-(?P<m>\d\d)-(?P<y>\d{4})",
    "31.12.2026": r"(?P<d>\d\d)\.(?P<m>\d\d)\.(?P<y>\d{4})",
    "2026-12-31": r"(?P<y>\d{4})-(?P<m>\d\d)-(?P<d>\d\d)",
    "31-Dec-26": r"(?P<d>\d\d)-(?P<name>[a-z]{3})-(?P<yy>\d\d)",
    "31-Dec-2026": r"(?P<d>\d\d)-(?P<name>[a-z]{3})-(?P<y>\d{4})",
    "31 Dec 2026": r"(?P<d>\d\d?) (?P<name>[a-z]{3}) (?P<y>\d{4})",
    "31 December 2026": r"(?P<d>\d\d?) (?P<name>[a-z]{3,9}) (?P<y>\d{4})",
}
_TIMES: Final = {
    "21:45": r"(?P<h>\d\d):(?P<min>\d\d)",
    "2145": r"(?P<h>\d\d)(?P<min>\d\d)",
    "21:45:30": r"(?P<h>\d\d):(?P<min>\d\d):(?P<s>\d\d)",
    "9:45": r"(?P<h>\d\d?):(?P<min>\d\d)",
    "9:45 pm": r"(?P<h>\d\d?):(?P<min>\d\d) ?(?P<half>[ap]m)",
}
_MIDNIGHT: Final = time(0, 0)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class RefusedError(ValueError):
    """A row cannot be taken. Its text is one line, '<column>: <what would be right>', without the cell's content."""

    def __init__(self, column: str, why: str) -> None:
        super().__init__(f"{column}: {why}")


@dataclass(frozen=True)
class Row:
    """One row: each column's name to its cell, without spaces around it, and the mapping that says what it means."""

    mapping: Mapping
    cells: Given[str, str]

    def cell(self, field: Field) -> str:
        """What stands there for a field; empty too where the file has no column for it."""
        column = self.mapping.columns.get(field)
        return self.cells[column] if column else ""

    def has(self, field: Field) -> bool:
        """Whether the file has a column for a field."""
        return field in self.mapping.columns

    def called(self, field: Field) -> str:
        """The column that a person must look at for a field."""
        return self.mapping.called(field)

    def refused(self, field: Field, why: str) -> RefusedError:
        """The refusal that names a field's column."""
        return RefusedError(self.called(field), why)


@dataclass(frozen=True)
class Moment:
    """A moment of a row, in UTC. `day_only`: only its day was there, and this is its first moment in London."""

    at: datetime
    day_only: bool = False


def check_form(row: Row) -> None:
    """Refuse a row with a line break or other control character in a cell, or a very long cell.

    A stray pair of quote marks can swallow whole rows into one cell; taken as
    text, those rows would be lost without a word.
    """
    for column, cell in row.cells.items():
        if _CONTROL.search(cell):
            raise RefusedError(column, "holds a line break or control character; look for a stray quote mark")
        if len(cell) > LONGEST_CELL:
            raise RefusedError(column, f"is longer than {LONGEST_CELL} characters; look for a stray quote mark")


def _or(styles: Given[str, object] | tuple[str, ...]) -> str:
    *first, last = styles
    return f"{', '.join(first)} or {last}" if first else last


def read_day(row: Row, field: Field) -> date | None:
    """The calendar day in a cell, in one of the mapping's styles; None when empty.

    Days stand first, as in England. 31-Dec-26 is read in the 2000s: a child who
    is under 18 in any year this can be asked about was born in them, and an
    older person's row is refused by age or order, never taken. Raises
    RefusedError for other styles and impossible days.
    """
    return _day(row, field, row.cell(field))


def _day(row: Row, field: Field, cell: str) -> date | None:
    if not cell:
        return None
    for style in row.mapping.days:
        found = re.fullmatch(_DAYS[style], cell, re.ASCII | re.IGNORECASE)
        if found and (month := _month(found.groupdict(), style)):
            parts = found.groupdict()
            year = f"20{parts['yy']}" if parts.get("yy") else parts["y"]
            try:
                return parse_day(f"{year}-{month}-{int(parts['d']):02d}")
            except ValueError as error:
                raise row.refused(field, str(error)) from None
    raise row.refused(field, f"must be a day written {_or(row.mapping.days)}")


def _month(parts: Given[str, str], style: str) -> str | None:
    if "name" not in parts:
        return parts["m"]
    name = parts["name"].lower()
    whole = "December" in style
    numbers = [n for n, month in enumerate(_MONTHS, start=1) if name == (month if whole else month[:3])]
    return f"{numbers[0]:02d}" if numbers else None


def read_moment(row: Row, day_field: Field, time_field: Field) -> Moment | None:
    """The moment that a day and its time say, in UTC; None when there is no day.

    Where the time is not known the day's first moment in London stands for it:
    what it starts then falls due at the earliest that it can, and nobody waits
    longer for it. Raises RefusedError.
    """
    day_cell, time_cell, time_of = row.cell(day_field), row.cell(time_field), time_field
    if row.mapping.times_in_day_columns == "yes":
        day_cell, time_cell, time_of = *_apart(day_cell), day_field
    day = _day(row, day_field, day_cell)
    at = _clock(row, time_of, time_cell)
    if day is None:
        return None
    if at is None:
        return Moment(london_midnight(day), day_only=True)
    return Moment(_london_moment(row, day, at, time_of))


def _apart(cell: str) -> tuple[str, str]:
    """The day and the time of a cell that has both; the time begins at the first part with a colon."""
    parts = cell.replace("T", " ", 1).split(" ") if cell[:1].isdigit() and "T" in cell[8:11] else cell.split(" ")
    start = next((place for place, part in enumerate(parts) if ":" in part), len(parts))
    return " ".join(parts[:start]), " ".join(parts[start:])


def _clock(row: Row, field: Field, cell: str) -> time | None:
    """The wall-clock time in a cell; None when not known.

    Empty is not known, and so is midnight unless the mapping says otherwise:
    case systems that hold days only write 00:00 for every one of them, and the
    rare true midnight cannot be told from it. Raises RefusedError for anything
    else that is no time.
    """
    if not cell:
        return None
    for style in row.mapping.times:
        found = re.fullmatch(_TIMES[style], cell, re.ASCII | re.IGNORECASE)
        at = _time_of(found.groupdict()) if found else None
        if at is not None:
            return None if at == _MIDNIGHT and row.mapping.midnight == "unknown" else at
    raise row.refused(field, f"must be a time written {_or(row.mapping.times)}")


def _time_of(parts: Given[str, str | None]) -> time | None:
    hour, minute, second = int(parts["h"] or 0), int(parts["min"] or 0), int(parts.get("s") or 0)
    half = (parts.get("half") or "").lower()
    if half and not 1 <= hour <= 12:
        return None
    hour = hour % 12 + (12 if half == "pm" else 0) if half else hour
    return time(hour, minute, second) if hour <= 23 and minute <= 59 and second <= 59 else None


def _london_moment(row: Row, day: date, at: time, field: Field) -> datetime:
    """The UTC instant of a London wall-clock time.

    Raises RefusedError for the hour that comes twice in autumn and the one that
    never comes in spring: an hour's doubt would be an hour in every clock.
    """
    first = datetime.combine(day, at, tzinfo=LONDON)
    second = first.replace(fold=1)
    if first.utcoffset() == second.utcoffset():
        return london_instant(day, at)
    if first.astimezone(UTC) < second.astimezone(UTC):
        raise row.refused(
            field, "this time came twice that night, as the clocks went back; record the row by hand, with its offset"
        )
    raise row.refused(field, "there was no such time that night, as the clocks went forward; correct it")


def end_of_day(day: date) -> datetime:
    """The UTC instant of 23:59:59 in London that day: the latest that something known to the day can have been."""
    return london_instant(day, time(23, 59, 59))


def read_code(row: Row, field: Field) -> str | None:
    """What the cell's code means, whatever its capitals; None when that is not known.

    An empty cell means what the mapping says it does, and so does a field that
    the file has no column for. Raises RefusedError for a code that is not in
    the mapping, since it could change who must be told, and for an empty cell
    that decides which clocks run.
    """
    if not row.has(field):
        return row.mapping.always.get(field)
    given, spellings = row.cell(field).casefold(), row.mapping.spellings(field)
    if given:
        for spelling, meaning in spellings.items():
            if spelling.casefold() == given:
                return meaning
        raise row.refused(field, f"an unknown code; use one of {', '.join(spellings)}")
    said = row.mapping.empty.get(field)
    if said is None and field in DECIDES:
        raise row.refused(field, f"must be given; use one of {', '.join(spellings)}")
    return said


def read_yes_no(row: Row, field: Field) -> bool | None:
    """A code that says yes or no. Raises RefusedError as read_code does."""
    meaning = read_code(row, field)
    return None if meaning is None else meaning == "yes"
