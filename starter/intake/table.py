"""A case system's export of missing episodes, read line by line into verdicts.

The file is CSV with one header line and the columns of its mapping in any
order; times in it are London wall-clock times. Every row gets one verdict:
taken, taken with notes, or refused and why. Nothing is guessed in silence, and
no verdict's words repeat a cell, for they are about a child.
"""

import csv
import io
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final, Literal
from uuid import UUID

from starter.intake.cells import RefusedError, Row
from starter.intake.mapping import WHAT_IT_IS, Field, Mapping
from starter.intake.rows import read_row, report_id_of
from starter.reports import Report
from workflows.facts import Fact
from workflows.plain_errors import BadInputError

Verdict = Literal["taken", "taken_with_note", "refused"]

_NOT_UTF8: Final = "the file is not UTF-8; save it as 'CSV UTF-8', or name its encoding in the mapping"
_SEPARATORS: Final = {",": ",", ";": ";", "|": "|", "\t": "tab"}
_OF_THE_CHILD: Final = (Field.BORN, Field.LOOKED_AFTER, Field.SETTING, Field.OUT_OF_AREA, Field.ALLOCATED_WORKER)
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


def read_bytes(path: Path) -> bytes:
    """What is in a file. Raises BadInputError, one line, when it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadInputError(f"the file cannot be read: {error.strerror or 'unknown reason'}") from None


def decoded(content: bytes, mapping: Mapping) -> str:
    """A file's text. Raises BadInputError when it is not in the encoding that the mapping names."""
    try:
        return content.decode(mapping.encoding)
    except (UnicodeDecodeError, UnicodeError):
        named = f"the file is not in {mapping.encoding}, which the mapping names as its encoding"
        raise BadInputError(_NOT_UTF8 if mapping.encoding == "utf-8" else named) from None


def read_export(text: str, mapping: Mapping, now: datetime) -> list[RowVerdict]:
    """One verdict for each row, in the file's order. `now` is aware; nothing in the export may lie after it.

    Raises BadInputError, one line, when the file as a whole cannot be used: it
    is empty, not UTF-8, has a NUL byte or a quote mark left open, or its header
    lacks a column, repeats one or has one that is not known.
    """
    _check_text(text)
    records = _records(text.removeprefix("\ufeff"), mapping.separator)
    no_header: tuple[int, list[str]] = (1, [])
    names = _check_header(*next(records, no_header), mapping)
    seen: dict[UUID, int] = {}
    verdicts = [_verdict(line, partial(_row, mapping, names, cells), seen, now) for line, cells in records]
    return _with_overlaps(verdicts, mapping.called(Field.END_DAY))


def not_in_the_file(mapping: Mapping) -> list[str]:
    """What no row of such a file says of the child, each in words: the case that owes more counts for all of them."""
    return [
        f"no column says {WHAT_IT_IS[field].partition(' (')[0].partition(';')[0]}; it is not known for any row"
        for field in _OF_THE_CHILD
        if field not in mapping.columns and field not in mapping.always
    ]


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


def _records(text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Each record with the line it begins on; a line with nothing on it is no record.

    Quote marks are read strictly: one left open would otherwise swallow the
    rest of the file into a cell.
    """
    reader = csv.reader(io.StringIO(text, newline=""), strict=True, delimiter=separator)
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


def _check_header(line: int, header: list[str], mapping: Mapping) -> list[str]:
    """The header's names, each known and there once.

    A column that is not known is refused, not skipped, unless the mapping says
    otherwise: it may be one of ours misspelt. It is called by its place while others are missing, for the line
    may then be no header at all but a child's row.
    """
    wanted = mapping.header
    if other := _other_separator(header, mapping):
        raise BadInputError(
            f"line {line}: its cells stand between '{other}'; the mapping's delimiter is '{mapping.delimiter}'"
        )
    missing = [column for column in wanted if column not in header]
    unknown = [place for place, name in enumerate(header, start=1) if name not in wanted]
    if mapping.other_columns == "passed_over":
        unknown = []
    places = f"; column {', '.join(map(str, unknown))} of the file is none that an export has" if unknown else ""
    if missing:
        raise BadInputError(f"line {line}: the header has no column {', '.join(missing)}{places}")
    if unknown:
        raise BadInputError(f"line {line}: the header's column {unknown[0]} is none that an export has; leave it out")
    repeated = [column for column in wanted if header.count(column) > 1]
    if repeated:
        raise BadInputError(f"line {line}: the header has column {', '.join(repeated)} more than once")
    return header


def _other_separator(header: list[str], mapping: Mapping) -> str | None:
    """What separates the columns of a header that has only one cell, where that is something else."""
    if len(header) != 1 or len(mapping.header) == 1:
        return None
    return next(
        (name for mark, name in _SEPARATORS.items() if set(mapping.columns.values()) <= set(header[0].split(mark))),
        None,
    )


def _verdict(line: int, made: Callable[[], Row], seen: dict[UUID, int], now: datetime) -> RowVerdict:
    """Read one record. `seen` holds each row's id and first line, and gains this one's.

    A row sent twice is refused the second time, so that its count is not silently wrong.
    """
    try:
        row = made()
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


def _row(mapping: Mapping, names: list[str], cells: list[str]) -> Row:
    """The cells by column. Raises RefusedError when a comma too many or too few has moved them."""
    if len(cells) > len(names):
        raise RefusedError("the row", f"has {len(cells)} cells for {len(names)} columns; look for a comma too many")
    if len(cells) < len(names):
        raise RefusedError(names[len(cells)], f"is missing: the row has {len(cells)} cells for {len(names)} columns")
    return Row(mapping, {name: cell for name, cell in zip(names, cells, strict=True) if name in mapping.header})


def _with_overlaps(verdicts: list[RowVerdict], column: str) -> list[RowVerdict]:
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
        replace(verdict, verdict="taken_with_note", notes=(*verdict.notes, _overlap_note(column, others[verdict.line])))
        if verdict.line in others
        else verdict
        for verdict in verdicts
    ]


def _overlap_note(column: str, lines: list[int]) -> str:
    named = ", ".join(map(str, sorted(lines)[:_LINES_NAMED]))
    more = f" and {len(lines) - _LINES_NAMED} more" if len(lines) > _LINES_NAMED else ""
    return f"{column}: the same child is away at the same time in line {named}{more}; correct whichever is wrong"


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
