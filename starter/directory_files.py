"""The directory as files: who there is, who holds what for whom, who is on call, who is away.

Every line is read before anything is written; what is wrong is told by its
line and column, and never by what the cell holds.
"""

import csv
import io
from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from activities.store.directory import Change, add, clear, take_turns_at_directory
from starter.directory_changes import SPANS, people_ids, put_named, rows_there, span_values
from starter.directory_rows import COLUMNS, KEY, Row, as_kept, cells, check_kind, check_known
from workflows.plain_errors import BadInputError


@dataclass(frozen=True)
class DirectoryFile:
    """A file that was read: its kind, and its rows as they are kept, by the numbers of their lines."""

    kind: str
    rows: dict[int, Row]


@dataclass(frozen=True)
class TakenIn:
    """How many rows a file adds to the directory, changes, takes away, and says as they are."""

    added: int
    changed: int
    removed: int
    unchanged: int


def read_directory_file(kind: str, path: Path) -> DirectoryFile:
    """Read and check one file. Raises BadInputError naming the line and the column."""
    check_kind(kind)
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            return read_directory_lines(kind, lines)
    except OSError as error:
        raise BadInputError(f"file: {path} cannot be read: {error.strerror}") from None
    except (csv.Error, UnicodeDecodeError):
        raise BadInputError(f"file: {path} is not a CSV file in UTF-8") from None


def read_directory_lines(kind: str, lines: Iterable[str]) -> DirectoryFile:
    """Read and check the lines of one file, of a kind that there is.

    Raises BadInputError naming the line and the column, csv.Error, and
    UnicodeDecodeError from lines that are read from a file.
    """
    reader = csv.DictReader(lines, strict=True)
    if tuple(reader.fieldnames or ()) != COLUMNS[kind]:
        raise BadInputError(f"line 1: the columns must be {','.join(COLUMNS[kind])}")
    rows = dict(_numbered(reader))
    kept: dict[int, Row] = {}
    for number, row in rows.items():
        with _on_line(number):
            kept[number] = as_kept(kind, row)
    _check_once(kind, kept)
    return DirectoryFile(kind, kept)


def as_csv(kind: str, rows: Iterable[Row]) -> str:
    """Rows as a file that reads back as the same rows."""
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(COLUMNS[kind])
    writer.writerows(cells(kind, row) for row in rows)
    return written.getvalue()


def _numbered(reader: "csv.DictReader[str]") -> Iterator[tuple[int, Row]]:
    for row in reader:
        yield reader.line_num, _whole(reader.line_num, row)


def _whole(number: int, row: Mapping[str | Any, Any]) -> Row:
    if None in row or None in row.values():
        raise BadInputError(f"line {number}: has more or fewer cells than there are columns")
    return {str(column): str(cell) for column, cell in row.items()}


@contextmanager
def _on_line(number: int) -> Generator[None]:
    try:
        yield
    except BadInputError as error:
        raise BadInputError(f"line {number}: {error}") from None


def _check_once(kind: str, rows: Mapping[int, Row]) -> None:
    lines: dict[str, int] = {}
    for number, row in rows.items() if kind in KEY else ():
        first = lines.setdefault(row[KEY[kind]], number)
        if first != number:
            raise BadInputError(f"line {number}: {KEY[kind]}: must be in the file once; line {first} has it already")


@dataclass(frozen=True)
class Compared:
    """What each line of a file changes, by its number; and the rows there that it takes away."""

    lines: dict[int, Change]
    removed: list[Row]

    def rows_of(self, file: DirectoryFile) -> list[Row]:
        """The rows that the file would add, change or take away."""
        return [*(file.rows[number] for number, how in self.lines.items() if how != "unchanged"), *self.removed]

    @property
    def taken(self) -> TakenIn:
        """How many rows of each sort; a row that the file says twice counts once."""
        sorts = Counter(self.lines.values())
        return TakenIn(sorts["added"], sorts["changed"], len(self.removed), sorts["unchanged"])


async def compare(session: AsyncSession, authority: str, file: DirectoryFile) -> TakenIn:
    """What taking in a file would change; nothing is written. Raises BadInputError naming the line and the column."""
    return (await compare_lines(session, authority, file)).taken


async def compare_lines(session: AsyncSession, authority: str, file: DirectoryFile) -> Compared:
    """What each line of a file would change; nothing is written.

    A line that says what an earlier one has said is left out. Raises BadInputError naming the line and the column.
    """
    known = set(await people_ids(session, authority))
    if file.kind == "people":
        known |= {row["person"] for row in file.rows.values()}
    for number, row in file.rows.items():
        with _on_line(number):
            check_known(file.kind, row, known)
    there = {_key(file.kind, row): row for row in await rows_there(session, authority, file.kind)}
    lines: dict[int, Change] = {}
    said: set[tuple[str, ...]] = set()
    for number, row in file.rows.items():
        key = _key(file.kind, row)
        if key not in said:
            lines[number] = "added" if key not in there else "unchanged" if there[key] == row else "changed"
        said.add(key)
    gone = [row for key, row in there.items() if key not in said] if file.kind in SPANS else []
    return Compared(lines, gone)


def _key(kind: str, row: Row) -> tuple[str, ...]:
    return (row[KEY[kind]],) if kind in KEY else cells(kind, row)


async def take_in_directory(session: AsyncSession, authority: str, file: DirectoryFile, now: datetime) -> TakenIn:
    """Write a file into the directory; what that changed. `now` is UTC.

    People and teams are added or brought to what the file says. Holders, rota
    and leave take the place of all there was: what the file does not say is no
    longer so. Raises BadInputError, with nothing written, for a person nobody
    has named.
    """
    await take_turns_at_directory(session, authority)
    taken, ids = await compare(session, authority, file), await people_ids(session, authority)
    if not (taken.added or taken.changed or taken.removed):
        return taken
    if file.kind not in SPANS:
        await put_named(session, authority, file.kind, file.rows.values(), now)
        return taken
    table = SPANS[file.kind]
    await clear(session, table, authority)
    rows = {cells(file.kind, row): row for row in file.rows.values()}
    await add(session, table, *await span_values(session, authority, rows.values(), ids, now))
    return taken
