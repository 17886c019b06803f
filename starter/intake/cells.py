"""Single cells of an export: days, times, codes and London moments, read strictly.

A refusal names the column and what would be right. It never repeats the cell,
because what is read here is about a child and a refusal is printed and logged.
"""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import Final, TypeVar

from starter.intake.codes import COLUMNS
from workflows.instants import LONDON, london_instant, parse_day

Row = Mapping[str, str]
"""One row: each column's name to its cell, without spaces around it."""

Meaning = TypeVar("Meaning")

LONGEST_CELL: Final = 80
"""In characters: what a report allows for a reference. Longer cells come of a quote mark gone wrong."""

_MONTHS: Final = {
    name: number
    for number, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), start=1
    )
}
_SLASHED = re.compile(r"(\d\d)/(\d\d)/(\d{4})", re.ASCII)
_NAMED = re.compile(r"(\d\d)-([A-Za-z]{3})-(\d\d)", re.ASCII)
_CLOCK = re.compile(r"(\d\d):?(\d\d)", re.ASCII)
_MIDNIGHT: Final = time(0, 0)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class RefusedError(ValueError):
    """A row cannot be taken. Its text is one line, '<column>: <what would be right>', without the cell's content."""

    def __init__(self, column: str, why: str) -> None:
        super().__init__(f"{column}: {why}")


def check_form(row: Row) -> None:
    """Refuse a row with a line break or other control character in a cell, or a very long cell.

    A stray pair of quote marks can swallow whole rows into one cell; taken as
    text, those rows would be lost without a word.
    """
    for column in COLUMNS:
        if _CONTROL.search(row[column]):
            raise RefusedError(column, "holds a line break or control character; look for a stray quote mark")
        if len(row[column]) > LONGEST_CELL:
            raise RefusedError(column, f"is longer than {LONGEST_CELL} characters; look for a stray quote mark")


def read_day(row: Row, column: str) -> date | None:
    """The calendar day in a cell, in any of the three styles; None when empty.

    31/12/2026 has the day first, as in England. 31-Dec-26 is read in the 2000s:
    a child who is under 18 in any year this can be asked about was born in
    them, and an older person's row is refused by age or order, never taken.
    Raises RefusedError for other styles and impossible days.
    """
    cell = row[column]
    if not cell:
        return None
    written = cell
    if found := _SLASHED.fullmatch(cell):
        written = f"{found[3]}-{found[2]}-{found[1]}"
    elif (found := _NAMED.fullmatch(cell)) and found[2].lower() in _MONTHS:
        written = f"20{found[3]}-{_MONTHS[found[2].lower()]:02d}-{found[1]}"
    try:
        return parse_day(written)
    except ValueError as error:
        style = "must be a day written 31/12/2026, 2026-12-31 or 31-Dec-26"
        raise RefusedError(column, style if "written" in str(error) else str(error)) from None


def read_clock(row: Row, column: str) -> time | None:
    """The wall-clock time in a cell, HH:MM or HHMM; None when not known.

    Empty is not known, and so is midnight: case systems that hold dates only
    write 00:00 for every one of them, and the rare true midnight cannot be told
    from it. Raises RefusedError for anything else that is no time.
    """
    cell = row[column]
    if not cell:
        return None
    found = _CLOCK.fullmatch(cell)
    if found is None or int(found[1]) > 23 or int(found[2]) > 59:
        raise RefusedError(column, "must be a time written 21:45 or 2145")
    at = time(int(found[1]), int(found[2]))
    return None if at == _MIDNIGHT else at


def london_moment(day: date, at: time, column: str) -> datetime:
    """The UTC instant of a London wall-clock time.

    Raises RefusedError for the hour that comes twice in autumn and the one that
    never comes in spring: an hour's doubt would be an hour in every clock.
    """
    first = datetime.combine(day, at, tzinfo=LONDON)
    second = first.replace(fold=1)
    if first.utcoffset() == second.utcoffset():
        return london_instant(day, at)
    if first.astimezone(UTC) < second.astimezone(UTC):
        raise RefusedError(
            column, "this time came twice that night, as the clocks went back; record the row by hand, with its offset"
        )
    raise RefusedError(column, "there was no such time that night, as the clocks went forward; correct it")


def end_of_day(day: date) -> datetime:
    """The UTC instant of 23:59:59 in London that day: the latest that something known to the day can have been."""
    return london_instant(day, time(23, 59, 59))


def read_code(row: Row, column: str, meanings: Mapping[str, Meaning]) -> Meaning | None:
    """What the cell's code means, whatever its capitals; None when empty.

    Raises RefusedError for a code that is not in the table: a code that this
    does not know could change who must be told.
    """
    given = row[column].casefold()
    if not given:
        return None
    for code, meaning in meanings.items():
        if code.casefold() == given:
            return meaning
    raise RefusedError(column, f"an unknown code; use one of {', '.join(meanings)}")


def read_required_code(row: Row, column: str, meanings: Mapping[str, Meaning]) -> Meaning:
    """Like read_code, for a column that decides which clocks run: empty is refused too."""
    meaning = read_code(row, column, meanings)
    if meaning is None:
        raise RefusedError(column, f"must be given; use one of {', '.join(meanings)}")
    return meaning
