"""One row of an export, read into the report of an episode and the facts that came later."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

from starter.intake.cells import (
    RefusedError,
    Row,
    check_form,
    london_moment,
    read_clock,
    read_code,
    read_day,
    read_required_code,
)
from starter.intake.codes import COLUMNS, EPISODE_TYPE, LEGAL_STATUS, MISSING_FROM, NO_NAMED_WORKER, PLACEMENT, YES_NO
from starter.intake.interviews import Happening, read_interview
from starter.reports import ChildReported, Report
from workflows.fact_kinds import FactKind
from workflows.facts import CLOCK_SKEW, Fact, impossibility
from workflows.instants import london_day
from workflows.names import derived_id
from workflows.vocabulary import Setting

SOURCE: Final = "case-system export"
ADULT_AT: Final = 18
"""Years: a child is under 18 (protocol A2)."""


@dataclass(frozen=True)
class Episode:
    """A row that can be taken: the report that begins its episode, its later facts, and what a person should know."""

    report: Report
    facts: tuple[Fact, ...]
    notes: tuple[str, ...]


def report_id_of(row: Row) -> UUID:
    """The id of a row's report, worked out from its cells, so that the same row read again is the same episode.

    The columns' order in the file does not matter.
    """
    return UUID(derived_id("case-system-export-row", json.dumps([row[column] for column in COLUMNS])))


def read_row(row: Row, now: datetime) -> Episode:
    """Read one row. `now` is UTC. Raises RefusedError, one line naming the column.

    Start is when the child was last seen; End is both when the child was
    located and when the child returned, since the export has one end and no
    rule may wait for a second that never comes.
    """
    check_form(row)
    notes: list[str] = []
    start = _read_start(row, now)
    child = _read_child(row, london_day(start), notes)
    category = read_required_code(row, "Episode Type", EPISODE_TYPE)
    to_police = _read_police(row, notes)
    end = _read_end(row, start, now, notes)
    happened, told = read_interview(row, end, now)
    notes += _contradictions(row, child, category) + told
    report = Report(
        report_id=report_id_of(row),
        reported_by=SOURCE,
        child=child,
        last_seen=start,
        noticed=None if to_police else start,
        reported=start if to_police else None,
        located=end,
        returned=end,
        police_reference=row["Police Ref"] or None,
    )
    happened.insert(0, Happening(FactKind.CATEGORISED, start, None, {"category": category}))
    facts = tuple(_fact(report, happening, now) for happening in happened)
    _check_together(report, facts, now)
    return Episode(report, facts, tuple(notes))


def _read_start(row: Row, now: datetime) -> datetime:
    """The start, to the minute (UTC).

    A start known to the day only is refused: every clock of the episode would
    run from a guess, and this first intake has no way to say so on each of them.
    """
    day = read_day(row, "Start Date")
    if day is None:
        raise RefusedError("Start Date", "must be given")
    at = read_clock(row, "Start Time")
    if at is None:
        raise RefusedError("Start Time", "not known; this first intake takes rows whose start is known to the minute")
    start = london_moment(day, at, "Start Time")
    if start > now + CLOCK_SKEW:
        raise RefusedError("Start Date", "the start lies in the future; correct Start Date or Start Time")
    return start


def _read_end(row: Row, start: datetime, now: datetime, notes: list[str]) -> datetime | None:
    """The end, to the minute (UTC); None when both cells are empty: the child is still away.

    A time without a date is refused, midnight too: somebody or something has
    written that there was an end.
    """
    day = read_day(row, "End Date")
    at = read_clock(row, "End Time")
    if day is None:
        if row["End Time"]:
            raise RefusedError("End Date", "must be given, as End Time is; leave both empty for a child still away")
        return None
    if at is None:
        raise RefusedError("End Time", "not known; this first intake takes rows whose end is known to the minute")
    end = london_moment(day, at, "End Time")
    if end < start:
        raise RefusedError("End Date", "the end lies before the start; correct one of them")
    if end > now + CLOCK_SKEW:
        raise RefusedError("End Date", "the end lies in the future; leave it empty until the child is back")
    notes.append("End Date: the export has one end; it is taken both as located and as returned")
    return end


def _read_child(row: Row, start_day: date, notes: list[str]) -> ChildReported:
    """The child's circumstances. What an empty cell leaves open stays open, and is noted.

    An empty Legal Status or Placement is no gap but the export's way of saying
    'not looked after' and 'at home'. Duty under Allocated Worker is a team's
    rota: it tells neither that the child has a worker nor that there is none.
    """
    if not row["PersonID"]:
        raise RefusedError("PersonID", "must be given, so that the child's episodes can be told to be one child's")
    born = read_day(row, "DOB")
    if born is None:
        notes.append("DOB: empty; the date of birth is not known")
    elif born > start_day:
        raise RefusedError("DOB", "lies after the start; correct it or Start Date")
    elif _age(born, start_day) >= ADULT_AT:
        raise RefusedError("DOB", f"the person was {ADULT_AT} or older at the start; only children's rows are taken")
    out_of_area = read_code(row, "OOA", YES_NO)
    if out_of_area is None:
        notes.append("OOA: empty; whether the child is placed out of area is not known")
    named = row["Allocated Worker"].casefold() not in NO_NAMED_WORKER
    if not named:
        notes.append("Allocated Worker: names nobody; whether the child has an allocated worker is not known")
    return ChildReported(
        reference=row["PersonID"],
        born=born,
        allocated=True if named else None,
        looked_after=read_code(row, "Legal Status", LEGAL_STATUS) or False,
        out_of_area=out_of_area,
        setting=read_code(row, "Placement", PLACEMENT) or Setting.FAMILY_HOME,
    )


def _age(born: date, day: date) -> int:
    """Whole years old on a day. Who was born on 29 February grows older on 1 March in other years."""
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def _read_police(row: Row, notes: list[str]) -> bool:
    """Whether the police were told.

    The export has no time of the report, so the start stands for it. That is
    the earliest it can have been: no clock that runs from it can then end too late.
    """
    told = read_required_code(row, "Reported To Police", YES_NO)
    if told:
        notes.append("Reported To Police: the export does not give the time of the report; the start is used")
    elif row["Police Ref"]:
        notes.append("Police Ref: given although Reported To Police says no; no report to the police is recorded")
    return told


def _contradictions(row: Row, child: ChildReported, category: str) -> list[str]:
    """Notes on columns that do not agree. They are taken as written: which is wrong is for a person to say."""
    notes: list[str] = []
    if child.looked_after and not row["Placement"]:
        notes.append("Placement: empty although Legal Status says looked after; taken as the family home")
    if row["Placement"] and not child.looked_after:
        notes.append("Legal Status: empty although Placement is given; taken as not looked after")
    if category == "away" and not child.looked_after:
        notes.append("Episode Type: says away from placement although Legal Status is empty; taken as written")
    missing_from = read_code(row, "Missing From", MISSING_FROM)
    if missing_from == "placement" and not row["Placement"]:
        notes.append("Missing From: says placement although Placement is empty; not used")
    return notes


def _fact(report: Report, happening: Happening, now: datetime) -> Fact:
    """A fact of the row, with an id that is the same each time the row is read."""
    return Fact(
        id=derived_id(str(report.report_id), happening.kind.value),
        kind=happening.kind,
        at=happening.at,
        recorded_at=now,
        recorded_by=SOURCE,
        source=SOURCE,
        note=happening.note,
        details=dict(happening.details),
    )


def _check_together(report: Report, later: Sequence[Fact], now: datetime) -> None:
    """Refuse a row whose facts the episode itself would refuse: better said now than found on a timeline."""
    facts = [*report.facts(str(report.report_id), now), *later]
    for fact in facts:
        if reason := impossibility(fact, facts, report.circumstances(), now):
            raise RefusedError(f"the row's '{fact.in_words()}'", reason.removeprefix("at: "))
