"""What an export's row says about the return home interview: offered, declined, completed.

The export knows these to the day only. Each is put at the end of its day in
London, the latest it can have been: a clock may then be called late that was
in time, which a person will question, but never in time when it was late,
which nobody would. What is not said plainly becomes a note and no fact.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from starter.intake.cells import Row, end_of_day, read_code, read_day, read_yes_no
from starter.intake.mapping import Field
from workflows.fact_kinds import FactKind
from workflows.instants import london_day

DAY_ONLY: Final = "known to the day only; the end of that day is used, the latest it can have been"


@dataclass(frozen=True)
class Happening:
    """Something the row tells of, before it has the ids of a fact. `at` is UTC; `note` goes on the fact."""

    kind: FactKind
    at: datetime
    day_only: bool = True
    note: str | None = None
    details: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True)
class Interview:
    """The six interview columns, read. None is an empty cell; `refused_by_somebody` is what the reason means.

    `called` gives each column's name, for the notes.
    """

    called: Callable[[Field], str]
    offered: bool | None
    offered_at: datetime | None
    accepted: bool | None
    completed_at: datetime | None
    reason: str
    refused_by_somebody: bool | None


Told = tuple[list[Happening], list[str]]
"""What happened, and the row's notes about it."""


def read_interview(row: Row, returned: datetime | None, now: datetime) -> Told:
    """Everything the row says about the interview. `returned` and `now` are UTC.

    Raises RefusedError, naming the column, for an unknown code, an impossible
    day, and a day before the return or after today.
    """
    why = read_code(row, Field.RHI_REASON)
    read = Interview(
        called=row.called,
        offered=read_yes_no(row, Field.RHI_OFFERED),
        offered_at=_read_at(row, Field.RHI_OFFERED_DAY, returned, now),
        accepted=read_yes_no(row, Field.RHI_ACCEPTED),
        completed_at=_read_at(row, Field.RHI_DAY, returned, now),
        reason=row.cell(Field.RHI_REASON).capitalize(),
        refused_by_somebody=None if why is None else why == "refused",
    )
    parts = (_offered(read), _completed(read), _declined(read))
    return [happening for part in parts for happening in part[0]], [note for part in parts for note in part[1]]


def _read_at(row: Row, column: Field, returned: datetime | None, now: datetime) -> datetime | None:
    """The end of the day in a cell, or now if that day has not ended; never before the return."""
    day = read_day(row, column)
    if day is None:
        return None
    if returned is None:
        end = row.called(Field.END_DAY)
        raise row.refused(column, f"given although {end} is empty; an interview follows the child's return")
    if day < london_day(returned):
        raise row.refused(column, f"lies before the day of the return; correct it or {row.called(Field.END_DAY)}")
    if day > london_day(now):
        raise row.refused(column, "lies in the future; give it when it has happened")
    return min(end_of_day(day), max(now, returned))


def _offered(read: Interview) -> Told:
    """An offer needs both a yes and a date: either alone may be a plan, or a box ticked by habit."""
    said, day = read.called(Field.RHI_OFFERED), read.called(Field.RHI_OFFERED_DAY)
    if read.offered and read.offered_at:
        return [Happening(FactKind.RHI_OFFERED, read.offered_at, note=DAY_ONLY)], [f"{day}: {DAY_ONLY}"]
    if read.offered:
        return [], [f"{day}: empty although {said} says yes; no offer is recorded"]
    if read.offered_at or read.accepted:
        return [], [f"{said}: does not say yes although other columns tell of an offer; no offer is recorded"]
    return [], []


def _completed(read: Interview) -> Told:
    """An interview held needs both an acceptance and its date."""
    said, day = read.called(Field.RHI_ACCEPTED), read.called(Field.RHI_DAY)
    if read.accepted and read.completed_at:
        notes = [f"{day}: {DAY_ONLY}"]
        if read.offered and read.offered_at and read.completed_at < read.offered_at:
            notes.append(f"{day}: lies before {read.called(Field.RHI_OFFERED_DAY)}; both are taken as written")
        return [Happening(FactKind.RHI_COMPLETED, read.completed_at, note=DAY_ONLY)], notes
    if read.accepted:
        return [], [f"{day}: empty although {said} says yes; no interview is recorded"]
    if read.completed_at:
        return [], [f"{day}: given although {said} does not say yes; no interview and no refusal is recorded"]
    return [], []


def _declined(read: Interview) -> Told:
    """A refusal ends the duty to interview, so it is recorded only where somebody refused what was offered.

    It is put at the day of the offer, the only day the export gives.
    """
    said, why = read.called(Field.RHI_ACCEPTED), read.called(Field.RHI_REASON)
    if read.accepted is not False:
        reason = f"{why}: given although {said} does not say no; no refusal is recorded"
        return [], [reason] if read.reason else []
    if read.completed_at:
        return [], []
    if read.refused_by_somebody is False:
        return [], [f"{why}: tells why there was no interview, not that it was refused; no refusal is recorded"]
    if not (read.offered and read.offered_at):
        return [], [f"{said}: says no, but the row has no dated offer; no refusal is recorded"]
    details = {"reason": read.reason} if read.reason else {}
    declined = Happening(FactKind.RHI_DECLINED, read.offered_at, note=DAY_ONLY, details=details)
    recorded = DAY_ONLY if read.reason else f"says no without {why}; a refusal is recorded, {DAY_ONLY}"
    return [declined], [f"{said}: {recorded}"]
