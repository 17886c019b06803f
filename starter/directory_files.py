"""The directory as files: who there is, who holds what for whom, who is on call, who is away.

Every line is read before anything is written; what is wrong is told by its
line and column, and never by what the cell holds.
"""

import csv
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from activities.store import inbox
from activities.store.directory import PersonEntry, add, clear, person_id, put_person, put_team
from activities.store.tables import HoldingTable, LeaveTable, ShiftTable
from workflows.directory import NEAREST_FIRST, read_hours
from workflows.instants import LONDON, parse_instant
from workflows.plain_errors import BadInputError
from workflows.vocabulary import Role

COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "people": ("person", "name", "hours", "deputies"),
    "holders": ("role", "person", "scope", "for", "from", "until"),
    "teams": ("child", "team"),
    "rota": ("role", "person", "from", "until"),
    "leave": ("person", "from", "until"),
}
"""The columns of each kind of file."""

Row = Mapping[str, str]


@dataclass(frozen=True)
class DirectoryFile:
    """A file that was read: its kind, and its rows by the numbers of their lines."""

    kind: str
    rows: dict[int, Row]


def read_moment(written: str) -> datetime:
    """Read RFC 3339 with an offset, or 'YYYY-MM-DD HH:MM' in London time, as UTC.

    Raises ValueError for anything else, and for a London time that a clock
    change makes happen twice or never: such a one must be written with its offset.
    """
    try:
        local = datetime.strptime(written, "%Y-%m-%d %H:%M")  # noqa: DTZ007 - placed in London below
    except ValueError:
        return parse_instant(written)
    first, second = (local.replace(tzinfo=LONDON, fold=fold) for fold in (0, 1))
    if first.utcoffset() != second.utcoffset():
        raise ValueError("the clocks change then; write the time with its offset, such as 2026-10-25T01:30:00+01:00")
    return first.astimezone(UTC)


def read_directory_file(kind: str, path: Path) -> DirectoryFile:
    """Read and check one file. Raises BadInputError naming the line and the column."""
    if kind not in COLUMNS:
        raise BadInputError(f"kind: '{kind}' is unknown; use one of {', '.join(COLUMNS)}")
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            reader = csv.DictReader(lines, strict=True)
            if tuple(reader.fieldnames or ()) != COLUMNS[kind]:
                raise BadInputError(f"line 1: the columns must be {','.join(COLUMNS[kind])}")
            rows = dict(_numbered(reader))
    except OSError as error:
        raise BadInputError(f"file: {path} cannot be read: {error.strerror}") from None
    except (csv.Error, UnicodeDecodeError):
        raise BadInputError(f"file: {path} is not a CSV file in UTF-8") from None
    for number, row in rows.items():
        for column, cell in row.items():
            _check(number, column, cell)
        if kind == "holders" and (row["scope"] == "authority") is bool(row["for"]):
            raise BadInputError(f"line {number}: for: names the child or team, and is empty for the authority")
        _check_order(number, row)
    return DirectoryFile(kind, rows)


def _numbered(reader: "csv.DictReader[str]") -> Iterator[tuple[int, Row]]:
    for row in reader:
        yield reader.line_num, _whole(reader.line_num, row)


def _whole(number: int, row: Mapping[str | Any, Any]) -> Row:
    if None in row or None in row.values():
        raise BadInputError(f"line {number}: has more or fewer cells than there are columns")
    return {str(column): str(cell).strip() for column, cell in row.items()}


def _check(number: int, column: str, cell: str) -> None:
    readers: dict[str, Callable[[str], object]] = {"hours": read_hours, "from": read_moment, "until": read_moment}
    if not cell:
        if column in ("person", "name", "child", "team", "role", "scope"):
            raise BadInputError(f"line {number}: {column}: must not be empty")
        return
    if column == "role" and cell not in set(Role):
        raise BadInputError(f"line {number}: role: is unknown; use one of {', '.join(Role)}")
    if column == "scope" and cell not in NEAREST_FIRST:
        raise BadInputError(f"line {number}: scope: must be one of {', '.join(NEAREST_FIRST)}")
    if column in readers:
        try:
            readers[column](cell)
        except ValueError as error:
            raise BadInputError(f"line {number}: {column}: {error}") from None


def _check_order(number: int, row: Row) -> None:
    since, until = _moment(row.get("from")), _moment(row.get("until"))
    if since and until and since >= until:
        raise BadInputError(f"line {number}: until: must come after 'from'")


def _moment(cell: str | None) -> datetime | None:
    return read_moment(cell) if cell else None


async def take_in_directory(session: AsyncSession, authority: str, file: DirectoryFile, now: datetime) -> int:
    """Write a file into the directory; how many rows. `now` is UTC.

    People and teams are added or brought to what the file says. Holders, rota
    and leave take the place of all there was: what the file does not say is no
    longer so. Raises BadInputError, with nothing written, for a person nobody
    has named.
    """
    tables = {"holders": HoldingTable, "rota": ShiftTable, "leave": LeaveTable}
    if table := tables.get(file.kind):
        await clear(session, table, authority)
    for number, row in file.rows.items():
        if file.kind == "people":
            hours = row["hours"] or "always"
            entry = PersonEntry(reference=row["person"], name=row["name"], hours=hours, deputies=row["deputies"])
            await put_person(session, authority, entry)
        elif file.kind == "teams":
            await put_team(session, await inbox.child_id(session, authority, row["child"], now), row["team"])
        else:
            await _add_row(session, authority, file.kind, (number, row), now)
    return len(file.rows)


async def _add_row(session: AsyncSession, authority: str, kind: str, numbered: tuple[int, Row], now: datetime) -> None:
    number, row = numbered
    person = await person_id(session, authority, row["person"])
    if person is None:
        raise BadInputError(f"line {number}: person: is not among the people; take those in first")
    values: dict[str, Any] = {"authority": authority, "person_id": person}
    values |= {"since": _moment(row["from"]), "until": _moment(row["until"])}
    if kind != "holders" and not (values["since"] and values["until"]):
        raise BadInputError(f"line {number}: until: a shift or leave has a beginning and an end")
    if kind == "holders":
        held_for = row["for"]
        if row["scope"] == "child":
            held_for = await inbox.child_id(session, authority, held_for, now)
        await add(session, HoldingTable, {**values, "role": row["role"], "scope": row["scope"], "held_for": held_for})
    elif kind == "rota":
        await add(session, ShiftTable, {**values, "role": row["role"]})
    else:
        await add(session, LeaveTable, values)
