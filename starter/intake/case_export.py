"""A case system's export of missing episodes, read line by line into verdicts.

The file is CSV in UTF-8 with one header line and the columns of `codes.COLUMNS`
in any order; times in it are London wall-clock times. Every row gets one
verdict: taken, taken with notes, or refused and why. Nothing is guessed in
silence, and no verdict's words repeat a cell, for they are about a child.
"""

import csv
import io
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Final, Literal
from uuid import UUID

from starter.intake.cells import RefusedError, Row
from starter.intake.codes import COLUMNS
from starter.intake.rows import read_row, report_id_of
from starter.reports import Report
from workflows.facts import Fact
from workflows.plain_errors import BadInputError

Verdict = Literal["taken", "taken_with_note", "refused"]

_NOT_UTF8: Final = "the file is not UTF-8; save it as 'CSV UTF-8'"
_LINES_NAMED: Final = 3


@dataclass(frozen=True)
class RowVerdict:
    """What becomes of one row.

    `line` is where the row begins in the file; the header is line 1. A refused
    row has `why`, one line, and neither report nor facts. A taken row has a
    report, whose report_id is the same whenever the row is read, and the
    `facts` that came later, with ids derived from it; all instants are UTC.
    'taken' means that there is no note at all.
    """

    line: int
    verdict: Verdict
    notes: tuple[str, ...] = ()
    why: str | None = None
    report: Report | None = None
    facts: tuple[Fact, ...] = ()


def read_export_file(path: Path, now: datetime) -> list[RowVerdict]:
    """Read the export in a file, as read_export does. A file that cannot be opened is a BadInputError too."""
    try:
        text = path.read_bytes().decode("utf-8")
    except OSError as error:
        raise BadInputError(f"the file cannot be read: {error.strerror or 'unknown reason'}") from None
    except UnicodeDecodeError:
        raise BadInputError(_NOT_UTF8) from None
    return read_export(text, now)


def read_export(text: str, now: datetime) -> list[RowVerdict]:
    """One verdict for each row, in the file's order. `now` is aware; nothing in the export may lie after it.

    Raises BadInputError, one line, when the file as a whole cannot be used: it
    is empty, not UTF-8, has a NUL byte or a quote mark left open, or its header
    lacks a column, repeats one or has one that is not known.
    """
    _check_text(text)
    records = _records(text.removeprefix("\ufeff"))
    no_header: tuple[int, list[str]] = (1, [])
    names = _check_header(*next(records, no_header))
    seen: dict[UUID, int] = {}
    verdicts = [_verdict(line, names, cells, seen, now) for line, cells in records]
    return _with_overlaps(verdicts)


def _check_text(text: str) -> None:
    if not text.removeprefix("\ufeff").strip():
        raise BadInputError("the file is empty; its first line must be the header")
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise BadInputError(f"line {line}: the file has a NUL byte; it is damaged, or not a CSV file in UTF-8")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise BadInputError(_NOT_UTF8) from None


def _records(text: str) -> Iterator[tuple[int, list[str]]]:
    """Each record with the line it begins on; a line with nothing on it is no record.

    Quote marks are read strictly: one left open would otherwise swallow the
    rest of the file into a cell.
    """
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    line = 1
    while True:
        try:
            cells = next(reader, None)
        except csv.Error:
            raise BadInputError(
                f"line {line}: a quote mark is left open or stands in the wrong place, or a cell has no end"
            ) from None
        if cells is None:
            return
        if cells:
            yield line, [cell.strip() for cell in cells]
        line = reader.line_num + 1


def _check_header(line: int, header: list[str]) -> list[str]:
    """The header's names, each known and there once.

    A column that is not known is refused, not skipped: it may be one of ours
    misspelt. It is called by its place while others are missing, for the line
    may then be no header at all but a child's row.
    """
    missing = [column for column in COLUMNS if column not in header]
    unknown = [place for place, name in enumerate(header, start=1) if name not in COLUMNS]
    places = f"; column {', '.join(map(str, unknown))} of the file is none that an export has" if unknown else ""
    if missing:
        raise BadInputError(f"line {line}: the header has no column {', '.join(missing)}{places}")
    if unknown:
        raise BadInputError(f"line {line}: the header's column {unknown[0]} is none that an export has; leave it out")
    repeated = [column for column in COLUMNS if header.count(column) > 1]
    if repeated:
        raise BadInputError(f"line {line}: the header has column {', '.join(repeated)} more than once")
    return header


def _verdict(line: int, names: list[str], cells: list[str], seen: dict[UUID, int], now: datetime) -> RowVerdict:
    """Read one record. `seen` holds each row's id and first line, and gains this one's.

    A row sent twice is refused the second time, so that its count is not silently wrong.
    """
    try:
        row = _row(names, cells)
        first = seen.setdefault(report_id_of(row), line)
        if first != line:
            return RowVerdict(line, "refused", why=f"the same row as line {first}")
        episode = read_row(row, now)
    except RefusedError as refusal:
        return RowVerdict(line, "refused", why=str(refusal))
    return RowVerdict(
        line,
        "taken_with_note" if episode.notes else "taken",
        notes=episode.notes,
        report=episode.report,
        facts=episode.facts,
    )


def _row(names: list[str], cells: list[str]) -> Row:
    """The cells by column. Raises RefusedError when a comma too many or too few has moved them."""
    if len(cells) > len(names):
        raise RefusedError("the row", f"has {len(cells)} cells for {len(names)} columns; look for a comma too many")
    if len(cells) < len(names):
        raise RefusedError(names[len(cells)], f"is missing: the row has {len(cells)} cells for {len(names)} columns")
    return dict(zip(names, cells, strict=True))


def _with_overlaps(verdicts: list[RowVerdict]) -> list[RowVerdict]:
    """Note on both rows where one child would be away twice at once.

    Most often an old row was never given its end. Which row is wrong is for a
    person to say: both are taken.
    """
    by_child: defaultdict[str, list[RowVerdict]] = defaultdict(list)
    for verdict in verdicts:
        if verdict.report and verdict.report.child.reference:
            by_child[verdict.report.child.reference].append(verdict)
    others: defaultdict[int, list[int]] = defaultdict(list)
    for rows in by_child.values():
        for earlier, later in _overlapping(rows):
            others[earlier.line].append(later.line)
            others[later.line].append(earlier.line)
    return [
        replace(verdict, verdict="taken_with_note", notes=(*verdict.notes, _overlap_note(others[verdict.line])))
        if verdict.line in others
        else verdict
        for verdict in verdicts
    ]


def _overlap_note(lines: list[int]) -> str:
    named = ", ".join(map(str, sorted(lines)[:_LINES_NAMED]))
    more = f" and {len(lines) - _LINES_NAMED} more" if len(lines) > _LINES_NAMED else ""
    return f"End Date: the same child is away at the same time in line {named}{more}; correct whichever is wrong"


def _overlapping(rows: Iterable[RowVerdict]) -> Iterator[tuple[RowVerdict, RowVerdict]]:
    """Each taken row that begins before one that began earlier has ended, with that one."""
    latest: RowVerdict | None = None
    for row in sorted(rows, key=_start):
        if latest is not None and (_start(row) < _end(latest) or _start(row) == _start(latest)):
            yield latest, row
        if latest is None or _end(row) >= _end(latest):
            latest = row


def _start(verdict: RowVerdict) -> float:
    """When a taken row's child was last seen, in seconds."""
    return verdict.report.last_seen.timestamp() if verdict.report and verdict.report.last_seen else 0.0


def _end(verdict: RowVerdict) -> float:
    """When a taken row's child returned, in seconds; without end while the child is away."""
    return verdict.report.returned.timestamp() if verdict.report and verdict.report.returned else float("inf")
