"""One row of an export, read into the report of an episode and the facts that came later."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final
from uuid import UUID

from starter.intake.cells import Moment, RefusedError, Row, check_form, read_code, read_day, read_moment, read_yes_no
from starter.intake.interviews import Happening, read_interview
from starter.intake.mapping import NOBODY, Field
from starter.reports import ChildReported, Report, TimeName
from workflows.fact_kinds import FactKind
from workflows.facts import CLOCK_SKEW, Fact, impossibility
from workflows.instants import london_day
from workflows.names import derived_id
from workflows.vocabulary import Setting

SOURCE: Final = "case-system export"
ADULT_AT: Final = 18
"""Years: a child is under 18 (protocol A2)."""

FIRST_MOMENT: Final = "known to the day only; the first moment of that day is used, the earliest it can have been"


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
    cells = json.dumps([row.cells[column] for column in row.mapping.header])
    return UUID(derived_id(f"{row.mapping.mapping}-row", cells))


def read_row(row: Row, now: datetime) -> Episode:
    """Read one row. `now` is UTC. Raises RefusedError, one line naming the column.

    Start is when the child was last seen; End is both when the child was
    located and when the child returned, since the export has one end and no
    rule may wait for a second that never comes. Either may be known to the day
    only: then the first moment of that day stands for it, so that what is owed
    from it falls due at the earliest that it can.
    """
    check_form(row)
    notes: list[str] = []
    start = _read_start(row, now, notes)
    child = _read_child(row, london_day(start.at), notes)
    category = read_code(row, Field.CATEGORY) or ""
    to_police = _read_police(row, notes)
    end = _read_end(row, start, now, notes)
    happened, told = read_interview(row, end.at if end else None, now)
    notes += _contradictions(row, child, category) + told
    report = Report(
        report_id=report_id_of(row),
        reported_by=SOURCE,
        child=child,
        last_seen=start.at,
        noticed=None if to_police else start.at,
        reported=start.at if to_police else None,
        located=end.at if end else None,
        returned=end.at if end else None,
        police_reference=row.cell(Field.POLICE_REFERENCE) or None,
        known_to_day=_known_to_day(start, end, to_police=to_police),
    )
    happened.insert(0, Happening(FactKind.CATEGORISED, start.at, start.day_only, details={"category": category}))
    facts = tuple(_fact(report, happening, now) for happening in happened)
    _check_together(report, facts, now)
    return Episode(report, facts, tuple(notes))


def _known_to_day(start: Moment, end: Moment | None, *, to_police: bool) -> tuple[TimeName, ...]:
    first: tuple[TimeName, ...] = ("last_seen", "reported" if to_police else "noticed")
    last: tuple[TimeName, ...] = ("located", "returned")
    return (first if start.day_only else ()) + (last if end and end.day_only else ())


def _where_the_time_was(row: Row, time_field: Field, day_field: Field) -> str:
    return row.called(time_field if row.has(time_field) else day_field)


def _read_start(row: Row, now: datetime, notes: list[str]) -> Moment:
    """The start (UTC), to the minute or to the day."""
    start = read_moment(row, Field.START_DAY, Field.START_TIME)
    if start is None:
        raise row.refused(Field.START_DAY, "must be given")
    if start.at > now + CLOCK_SKEW:
        either = f" or {row.called(Field.START_TIME)}" if row.has(Field.START_TIME) else ""
        raise row.refused(
            Field.START_DAY, f"the start lies in the future; correct {row.called(Field.START_DAY)}{either}"
        )
    if start.day_only:
        notes.append(f"{_where_the_time_was(row, Field.START_TIME, Field.START_DAY)}: the start is {FIRST_MOMENT}")
    return start


def _read_end(row: Row, start: Moment, now: datetime, notes: list[str]) -> Moment | None:
    """The end (UTC), to the minute or to the day; None when both cells are empty: the child is still away.

    Known to the day only, it is the first moment of its day, or the start where
    that came later: the interview that it starts is then owed at the earliest
    that it can be. A time without a date is refused, midnight too: somebody or
    something has written that there was an end.
    """
    end = read_moment(row, Field.END_DAY, Field.END_TIME)
    if end is None:
        if row.cell(Field.END_TIME):
            raise row.refused(
                Field.END_DAY,
                f"must be given, as {row.called(Field.END_TIME)} is; leave both empty for a child still away",
            )
        return None
    if end.day_only and london_day(end.at) == london_day(start.at):
        end = replace(end, at=start.at)
    if end.at < start.at:
        raise row.refused(Field.END_DAY, "the end lies before the start; correct one of them")
    if end.at > now + CLOCK_SKEW:
        raise row.refused(Field.END_DAY, "the end lies in the future; leave it empty until the child is back")
    notes.append(f"{row.called(Field.END_DAY)}: the export has one end; it is taken both as located and as returned")
    if end.day_only:
        or_start = ", or the start where that is later"
        notes.append(f"{_where_the_time_was(row, Field.END_TIME, Field.END_DAY)}: the end is {FIRST_MOMENT}{or_start}")
    return end


def _read_child(row: Row, start_day: date, notes: list[str]) -> ChildReported:
    """The child's circumstances. What an empty cell leaves open stays open, and is noted.

    Where the mapping says what an empty cell means, that is no gap. A spelling
    that means 'nobody' tells neither that the child has a worker nor that there
    is none.
    """
    if not row.cell(Field.CHILD):
        raise row.refused(Field.CHILD, "must be given, so that the child's episodes can be told to be one child's")
    born = read_day(row, Field.BORN)
    if born is None:
        _note_gap(row, Field.BORN, "empty; the date of birth is not known", notes)
    elif born > start_day:
        raise row.refused(Field.BORN, f"lies after the start; correct it or {row.called(Field.START_DAY)}")
    elif _age(born, start_day) >= ADULT_AT:
        raise row.refused(
            Field.BORN, f"the person was {ADULT_AT} or older at the start; only children's rows are taken"
        )
    out_of_area = read_yes_no(row, Field.OUT_OF_AREA)
    if out_of_area is None:
        _note_gap(row, Field.OUT_OF_AREA, "empty; whether the child is placed out of area is not known", notes)
    named = _names_a_worker(row)
    if not named:
        unknown = "names nobody; whether the child has an allocated worker is not known"
        _note_gap(row, Field.ALLOCATED_WORKER, unknown, notes)
    looked_after = read_yes_no(row, Field.LOOKED_AFTER)
    if looked_after is None:
        _note_gap(row, Field.LOOKED_AFTER, "empty; whether the child is looked after is not known", notes)
    setting = read_code(row, Field.SETTING)
    if setting is None:
        _note_gap(row, Field.SETTING, "empty; where the child lives is not known", notes)
    return ChildReported(
        reference=row.cell(Field.CHILD),
        born=born,
        allocated=True if named else None,
        looked_after=looked_after,
        out_of_area=out_of_area,
        setting=Setting(setting) if setting else None,
    )


def _note_gap(row: Row, field: Field, why: str, notes: list[str]) -> None:
    # What a file has no column for is said once for the whole file.
    if row.has(field):
        notes.append(f"{row.called(field)}: {why}")


def _names_a_worker(row: Row) -> bool:
    given = row.cell(Field.ALLOCATED_WORKER).casefold()
    meanings = {code.casefold(): meaning for code, meaning in row.mapping.spellings(Field.ALLOCATED_WORKER).items()}
    return bool(given) and meanings.get(given) != NOBODY


def _age(born: date, day: date) -> int:
    """Whole years old on a day. Who was born on 29 February grows older on 1 March in other years."""
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def _read_police(row: Row, notes: list[str]) -> bool:
    """Whether the police were told.

    The export has no time of the report, so the start stands for it. That is
    the earliest it can have been: no clock that runs from it can then end too late.
    """
    told = read_yes_no(row, Field.REPORTED_TO_POLICE)
    column = row.called(Field.REPORTED_TO_POLICE)
    if told:
        notes.append(f"{column}: the export does not give the time of the report; the start is used")
    elif row.cell(Field.POLICE_REFERENCE):
        said = f"{column} says no" if row.has(Field.REPORTED_TO_POLICE) else "no column says that the police were told"
        reference = row.called(Field.POLICE_REFERENCE)
        notes.append(f"{reference}: given although {said}; no report to the police is recorded")
    return bool(told)


def _contradictions(row: Row, child: ChildReported, category: str) -> list[str]:
    """Notes on columns that do not agree. They are taken as written: which is wrong is for a person to say."""
    notes: list[str] = []
    status, placement = row.called(Field.LOOKED_AFTER), row.called(Field.SETTING)
    both = row.has(Field.LOOKED_AFTER) and row.has(Field.SETTING)
    if both and child.looked_after and not row.cell(Field.SETTING):
        taken = "the family home" if child.setting is Setting.FAMILY_HOME else "not known"
        notes.append(f"{placement}: empty although {status} says looked after; taken as {taken}")
    if both and row.cell(Field.SETTING) and child.looked_after is False:
        how = "says not looked after" if row.cell(Field.LOOKED_AFTER) else "empty"
        notes.append(f"{status}: {how} although {placement} is given; taken as not looked after")
    if category == "away" and child.looked_after is False:
        how = "says not looked after" if row.cell(Field.LOOKED_AFTER) else "is empty"
        notes.append(
            f"{row.called(Field.CATEGORY)}: says away from placement although {status} {how}; taken as written"
        )
    missing_from = read_code(row, Field.MISSING_FROM)
    if missing_from == "placement" and row.has(Field.SETTING) and not row.cell(Field.SETTING):
        notes.append(f"{row.called(Field.MISSING_FROM)}: says placement although {placement} is empty; not used")
    return notes


def _fact(report: Report, happening: Happening, now: datetime) -> Fact:
    """A fact of the row, with an id that is the same each time the row is read."""
    return Fact(
        id=derived_id(str(report.report_id), happening.kind.value),
        kind=happening.kind,
        at=happening.at,
        known_to="day" if happening.day_only else "minute",
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
