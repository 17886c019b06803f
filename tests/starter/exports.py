"""Invented export rows for the tests of intake, and what is read from one of them."""

import csv
import io
from collections.abc import Mapping
from datetime import UTC, datetime

from starter.intake.interviews import DAY_ONLY
from starter.intake.mapping_files import DEFAULT, find_mapping
from starter.intake.table import RowVerdict
from starter.intake.table import read_export as read_with
from starter.reports import Report
from workflows.fact_kinds import FactKind
from workflows.facts import Fact

NOW = datetime(2026, 6, 20, 12, 0, tzinfo=UTC)
MAPPING = find_mapping(DEFAULT)
COLUMNS = MAPPING.header
HEADER = ",".join(COLUMNS)
CLEAN = {
    "PersonID": "X-INVENTED-1",
    "DOB": "03/04/2012",
    "Legal Status": "C1",
    "Placement": "U1",
    "OOA": "N",
    "Episode Type": "Missing",
    "Missing From": "Placement",
    "Start Date": "09/06/2026",
    "Start Time": "21:15",
    "Reported To Police": "N",
    "Allocated Worker": "Z. Nobody",
    "Team": "Team 0",
}
ENDED = {"End Date": "10/06/2026", "End Time": "06:30"}
OFFERED = {**ENDED, "RHI Offered": "Y", "RHI Offered Date": "11/06/2026"}
HELD = {**OFFERED, "RHI Accepted": "Y", "RHI Date": "12/06/2026"}
REFUSED = {**OFFERED, "RHI Accepted": "N", "Reason No RHI": "Declined"}

END_NOTE = "End Date: the export has one end; it is taken both as located and as returned"
OFFER_NOTE = f"RHI Offered Date: {DAY_ONLY}"
HELD_NOTE = f"RHI Date: {DAY_ONLY}"


def read_export(text: str, now: datetime) -> list[RowVerdict]:
    """Read as the mapping says that is shipped for such files."""
    return read_with(text, MAPPING, now)


def export(*changes: Mapping[str, str], columns: tuple[str, ...] = COLUMNS) -> str:
    """A file with one row for each set of changes to the clean row."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(columns)
    writer.writerows([{**CLEAN, **change}.get(column, "") for column in columns] for change in changes)
    return out.getvalue()


def verdict_on(changes: Mapping[str, str], now: datetime = NOW) -> RowVerdict:
    (verdict,) = read_export(export(changes), now)
    return verdict


def report_on(changes: Mapping[str, str], now: datetime = NOW) -> Report:
    verdict = verdict_on(changes, now)
    assert verdict.report is not None, verdict.why
    return verdict.report


def why_not(changes: Mapping[str, str], now: datetime = NOW) -> str:
    verdict = verdict_on(changes, now)
    assert verdict.verdict == "refused"
    assert (verdict.report, verdict.facts, verdict.notes) == (None, (), ())
    assert verdict.why is not None
    return verdict.why


def later_facts(verdict: RowVerdict) -> dict[FactKind, Fact]:
    """The facts after the category, by kind."""
    return {fact.kind: fact for fact in verdict.facts if fact.kind is not FactKind.CATEGORISED}
