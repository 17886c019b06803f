"""Reading a case system's export. Every child, number and date here is invented."""

import csv
import io
from collections.abc import Mapping
from dataclasses import FrozenInstanceError
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from starter.intake import rows
from starter.intake.case_export import RowVerdict, read_export, read_export_file
from starter.intake.codes import COLUMNS, LEGAL_STATUS
from starter.intake.interviews import DAY_ONLY
from starter.reports import Report, read_report
from workflows.facts import CLOCK_SKEW, Fact, FactKind, impossibility
from workflows.instants import to_rfc3339
from workflows.names import derived_id
from workflows.plain_errors import BadInputError
from workflows.vocabulary import Setting

NOW = datetime(2026, 6, 20, 12, 0, tzinfo=UTC)
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


# The file as a whole


def test_a_clean_row_is_taken_without_a_note() -> None:
    verdict = verdict_on({})
    assert (verdict.line, verdict.verdict, verdict.notes, verdict.why) == (2, "taken", (), None)
    with pytest.raises(FrozenInstanceError):
        verdict.line = 3  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "the file is empty"),
        ("\ufeff \r\n\n", "the file is empty"),
        (f"{HEADER}\nA\0B", "line 2: the file has a NUL byte"),
        (f"{HEADER}\n\ud800", "not UTF-8"),
        (f'{HEADER}\n\nA,"B', "line 3: a quote mark is left open"),
        (f'{HEADER}\n"A"B,C', "line 2: a quote mark"),
        (f"{HEADER}\n{'A' * 200_000}", "line 2: a quote mark"),
        (HEADER.replace("DOB,", ""), "line 1: the header has no column DOB"),
        (HEADER.replace("DOB", "Birth"), "has no column DOB; column 2 of the file is none"),
        (f"\n{HEADER},Sex", "line 2: the header's column 21 is none"),
        (f"{HEADER},DOB", "the header has column DOB more than once"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_in_one_line(text: str, says: str) -> None:
    with pytest.raises(BadInputError) as refusal:
        read_export(text, NOW)
    assert says in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_file_without_header_is_refused_without_repeating_the_child() -> None:
    with pytest.raises(BadInputError) as refusal:
        read_export(export({}).split("\r\n", 1)[1], NOW)
    assert "X-INVENTED-1" not in str(refusal.value)
    assert CLEAN["DOB"] not in str(refusal.value)


def test_a_file_is_read_from_disk_with_the_mark_that_spreadsheets_put_first(tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    path.write_bytes(export({}).encode("utf-8-sig"))
    assert read_export_file(path, NOW) == read_export(export({}), NOW)


def test_a_file_that_is_not_there_or_not_utf8_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="the file cannot be read"):
        read_export_file(tmp_path / "none.csv", NOW)
    path = tmp_path / "export.csv"
    path.write_bytes(export({"Team": "é"}).encode("latin-1"))
    with pytest.raises(BadInputError, match="not UTF-8"):
        read_export_file(path, NOW)


def test_a_header_alone_has_no_rows() -> None:
    assert read_export(HEADER, NOW) == []


def test_columns_may_stand_in_any_order_and_the_id_stays() -> None:
    turned = read_export(export({}, columns=COLUMNS[::-1]), NOW)
    assert turned == read_export(export({}), NOW)


def test_verdicts_come_in_file_order_with_the_line_each_row_begins_on() -> None:
    text = export({}, {"Team": "two\nlines"}, {"Start Time": "21:16", "End Date": "nonsense"})
    text = text.replace("\r\n", "\r\n\r\n", 1)
    assert [(v.line, v.verdict) for v in read_export(text, NOW)] == [(3, "taken"), (4, "refused"), (6, "refused")]


@pytest.mark.parametrize(
    ("cells", "says"),
    [
        (",".join(["A"] * 21), "the row: has 21 cells for 20 columns"),
        ("A,B", "Legal Status: is missing: the row has 2 cells"),
        (" ", "DOB: is missing"),
        ("," * 19, "Start Date: must be given"),
    ],
)
def test_a_row_with_moved_cells_is_refused_and_the_next_is_read(cells: str, says: str) -> None:
    head, clean = export({}).split("\r\n", 1)
    first, second = read_export(f"{head}\r\n{cells}\r\n{clean}", NOW)
    assert says in (first.why or "")
    assert second.verdict == "taken"


@pytest.mark.parametrize("cell", ["two\nlines", "a\x1bcolour", "A" * 81])
def test_a_cell_that_no_case_system_writes_is_refused(cell: str) -> None:
    assert why_not({"Team": cell}).startswith("Team: ")


# The same row, and rows of the same child


def test_the_same_row_has_the_same_ids_each_time_and_another_row_has_others() -> None:
    one, again = verdict_on(HELD), verdict_on(HELD, NOW + timedelta(days=1))
    other = verdict_on({**HELD, "Team": "Team 9"})
    assert one.report is not None
    assert again.report is not None
    assert other.report is not None
    assert one.report.digest() == again.report.digest()
    assert one.report.report_id == again.report.report_id != other.report.report_id
    assert [f.id for f in one.facts] == [f.id for f in again.facts]
    assert [f.id for f in one.facts] == [derived_id(str(one.report.report_id), f.kind.value) for f in one.facts]


def test_a_row_sent_twice_is_refused_the_second_time() -> None:
    first, second, third = read_export(export({}, {"Team": "Team 0 "}, {}), NOW)
    assert first.verdict == "taken"
    assert (second.verdict, second.why) == ("refused", "the same row as line 2")
    assert (third.verdict, third.why) == ("refused", "the same row as line 2")


@pytest.mark.parametrize(
    ("one", "other", "overlap"),
    [
        ({}, {"Start Date": "12/06/2026"}, True),
        (ENDED, {"Start Date": "10/06/2026", "Start Time": "06:29"}, True),
        (ENDED, {"Start Date": "10/06/2026", "Start Time": "06:30"}, False),
        ({"End Date": "09/06/2026", "End Time": "21:15"}, {"Police Ref": "INV1"}, True),
        ({}, {"Start Date": "12/06/2026", "PersonID": "X-INVENTED-2"}, False),
    ],
)
def test_a_child_away_twice_at_once_is_noted_on_both_rows(
    one: Mapping[str, str], other: Mapping[str, str], overlap: bool
) -> None:
    first, second = read_export(export(one, other), NOW)
    assert any("at the same time in line 3;" in note for note in first.notes) is overlap
    assert any("at the same time in line 2;" in note for note in second.notes) is overlap
    if overlap:
        assert first.verdict == second.verdict == "taken_with_note"


def test_a_row_never_ended_names_the_first_few_rows_that_it_overlaps() -> None:
    later = [{**ENDED, "Start Time": f"21:2{minute}", "End Time": f"06:3{minute}"} for minute in range(5)]
    first = read_export(export({}, *later), NOW)[0]
    assert [n for n in first.notes if "line 3, 4, 5 and 2 more;" in n] == list(first.notes)


# Days and times


@pytest.mark.parametrize("day", ["09/06/2026", "2026-06-09", "09-Jun-26", "09-JUN-26"])
@pytest.mark.parametrize("clock", ["21:15", "2115", " 21:15 "])
def test_days_in_three_styles_and_times_in_two_are_london_times(day: str, clock: str) -> None:
    report = report_on({"Start Date": day, "Start Time": clock})
    assert report.last_seen == datetime(2026, 6, 9, 20, 15, tzinfo=UTC)


def test_winter_times_are_greenwich_times() -> None:
    assert report_on({"Start Date": "09/01/2026"}).last_seen == datetime(2026, 1, 9, 21, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"Start Date": "31/02/2026"}, "Start Date: there is no such day"),
        ({"Start Date": "9/6/2026"}, "Start Date: must be a day written 31/12/2026, 2026-12-31 or 31-Dec-26"),
        ({"Start Date": "09-Jum-26"}, "Start Date: must be a day written 31/12/2026, 2026-12-31 or 31-Dec-26"),
        ({"Start Date": "09/06/0026"}, "Start Date: the year must lie between 1900 and 2200"),
        ({"Start Date": ""}, "Start Date: must be given"),
        ({"Start Time": "24:00"}, "Start Time: must be a time written 21:45 or 2145"),
        ({"Start Time": "915"}, "Start Time: must be a time written 21:45 or 2145"),
        ({"Start Time": "21:60"}, "Start Time: must be a time written 21:45 or 2145"),
        ({**ENDED, "End Date": "31/06/2026"}, "End Date: there is no such day"),
        ({**ENDED, "End Time": "x"}, "End Time: must be a time written 21:45 or 2145"),
        ({**HELD, "RHI Offered Date": "31/06/2026"}, "RHI Offered Date: there is no such day"),
        ({**HELD, "RHI Date": "2026-02-30"}, "RHI Date: there is no such day"),
    ],
)
def test_a_day_or_time_that_cannot_be_is_refused(changes: Mapping[str, str], why: str) -> None:
    assert why_not(changes) == why


@pytest.mark.parametrize("clock", ["", "00:00", "0000"])
def test_a_time_not_known_is_refused_at_either_end(clock: str) -> None:
    start = "Start Time: not known; this first intake takes rows whose start is known to the minute"
    end = "End Time: not known; this first intake takes rows whose end is known to the minute"
    assert why_not({"Start Time": clock}) == start
    assert why_not({**ENDED, "End Time": clock}) == end


@pytest.mark.parametrize(
    ("day", "clock", "reason"),
    [
        ("25/10/2026", "01:00", "came twice"),
        ("25/10/2026", "01:59", "came twice"),
        ("25/10/2026", "00:59", None),
        ("25/10/2026", "02:00", None),
        ("29/03/2026", "01:00", "no such time"),
        ("29/03/2026", "01:59", "no such time"),
        ("29/03/2026", "00:59", None),
        ("29/03/2026", "02:00", None),
    ],
)
def test_the_hour_that_comes_twice_or_never_is_refused(day: str, clock: str, reason: str | None) -> None:
    now = datetime(2026, 11, 1, tzinfo=UTC)
    at_start = {"Start Date": day, "Start Time": clock}
    at_end = {"Start Date": "01/03/2026", "End Date": day, "End Time": clock}
    if reason is None:
        assert report_on(at_start, now).last_seen is not None
        assert report_on(at_end, now).returned is not None
    else:
        assert why_not(at_start, now).startswith("Start Time: ")
        assert reason in why_not(at_start, now)
        assert why_not(at_end, now).startswith("End Time: ")
        assert reason in why_not(at_end, now)


def test_neither_start_nor_end_may_lie_in_the_future_beyond_the_skew_of_clocks() -> None:
    start = datetime(2026, 6, 9, 20, 15, tzinfo=UTC)
    assert verdict_on({}, start - CLOCK_SKEW).verdict == "taken"
    assert why_not({}, start - CLOCK_SKEW - timedelta(seconds=1)).startswith("Start Date: the start lies in the future")
    end = datetime(2026, 6, 10, 5, 30, tzinfo=UTC)
    assert report_on(ENDED, end - CLOCK_SKEW).returned == end
    assert why_not(ENDED, end - CLOCK_SKEW - timedelta(seconds=1)).startswith("End Date: the end lies in the future")


def test_an_end_is_both_located_and_returned_and_noted() -> None:
    verdict = verdict_on(ENDED)
    assert verdict.report is not None
    assert verdict.report.located == verdict.report.returned == datetime(2026, 6, 10, 5, 30, tzinfo=UTC)
    assert (verdict.verdict, verdict.notes) == ("taken_with_note", (END_NOTE,))


def test_no_end_at_all_is_a_child_still_away() -> None:
    report = report_on({})
    assert (report.located, report.returned) == (None, None)


@pytest.mark.parametrize("clock", ["06:30", "00:00"])
def test_an_end_time_without_its_date_is_refused(clock: str) -> None:
    assert why_not({"End Time": clock}).startswith("End Date: must be given, as End Time is")


def test_an_end_before_the_start_is_refused_and_at_the_same_minute_is_not() -> None:
    assert why_not({"End Date": "09/06/2026", "End Time": "21:14"}).startswith("End Date: the end lies before")
    assert report_on({"End Date": "09/06/2026", "End Time": "21:15"}).returned is not None


# The child


def test_the_child_keeps_the_case_systems_number() -> None:
    assert report_on({}).child.reference == "X-INVENTED-1"
    assert why_not({"PersonID": " "}).startswith("PersonID: must be given")


@pytest.mark.parametrize(
    ("born", "why"),
    [
        ("09/06/2026", None),
        ("10/06/2026", "DOB: lies after the start"),
        ("10/06/2008", None),
        ("09/06/2008", "DOB: the person was 18 or older at the start"),
        ("31/04/2012", "DOB: there is no such day"),
        ("09-Mar-98", "DOB: lies after the start"),
    ],
)
def test_only_children_born_by_the_start_are_taken(born: str, why: str | None) -> None:
    if why is None:
        assert report_on({"DOB": born}).child.born is not None
    else:
        assert why_not({"DOB": born}).startswith(why)


def test_who_was_born_on_29_february_is_eighteen_on_1_march() -> None:
    leap = {"DOB": "29/02/2008"}
    assert verdict_on({**leap, "Start Date": "28/02/2026"}).verdict == "taken"
    assert why_not({**leap, "Start Date": "01/03/2026"}).startswith("DOB: ")


def test_the_age_is_that_on_the_day_in_london() -> None:
    after_midnight = {"DOB": "10/06/2008", "Start Date": "10/06/2026", "Start Time": "00:30"}
    assert why_not(after_midnight).startswith("DOB: the person was 18")


@pytest.mark.parametrize(
    ("changes", "note"),
    [
        ({"DOB": ""}, "DOB: empty; the date of birth is not known"),
        ({"OOA": ""}, "OOA: empty; whether the child is placed out of area is not known"),
        (
            {"Allocated Worker": ""},
            "Allocated Worker: names nobody; whether the child has an allocated worker is not known",
        ),
        (
            {"Allocated Worker": "DUTY"},
            "Allocated Worker: names nobody; whether the child has an allocated worker is not known",
        ),
    ],
)
def test_what_is_not_known_of_the_child_stays_open_and_is_noted(changes: Mapping[str, str], note: str) -> None:
    verdict = verdict_on(changes)
    assert (verdict.verdict, verdict.notes) == ("taken_with_note", (note,))
    field = {"DOB": "born", "OOA": "out_of_area", "Allocated Worker": "allocated"}[next(iter(changes))]
    assert verdict.report is not None
    assert getattr(verdict.report.child, field) is None


def test_a_named_worker_is_an_allocated_worker_and_is_not_named_in_the_report() -> None:
    report = report_on({})
    assert report.child.allocated is True
    assert "Nobody" not in report.model_dump_json()


@pytest.mark.parametrize("code", [*LEGAL_STATUS, "c2"])
def test_a_legal_status_of_care_is_looked_after(code: str) -> None:
    assert report_on({"Legal Status": code}).child.looked_after is True


def test_no_legal_status_is_not_looked_after() -> None:
    verdict = verdict_on({"Legal Status": "", "Placement": "", "Missing From": "Home"})
    assert verdict.verdict == "taken"
    assert verdict.report is not None
    assert verdict.report.child.looked_after is False


@pytest.mark.parametrize(
    ("code", "setting"),
    [
        ("U1", Setting.FOSTER),
        ("u4", Setting.FOSTER),
        ("U6", Setting.FOSTER),
        ("K2", Setting.CHILDREN_HOME),
        ("P1", Setting.PLACED_WITH_PARENTS),
        ("P2", Setting.SEMI_INDEPENDENT),
        ("H5", Setting.SEMI_INDEPENDENT),
        ("", Setting.FAMILY_HOME),
    ],
)
def test_a_placement_code_is_where_the_child_lives(code: str, setting: Setting) -> None:
    assert report_on({"Placement": code}).child.setting is setting


@pytest.mark.parametrize(
    ("code", "meaning"), [("Y", True), ("Yes", True), ("1", True), ("N", False), ("no", False), ("0", False)]
)
def test_out_of_area_is_spelt_several_ways(code: str, meaning: bool) -> None:
    assert report_on({"OOA": code}).child.out_of_area is meaning


@pytest.mark.parametrize(
    ("changes", "note"),
    [
        ({"Placement": "", "Missing From": "Home"}, "Placement: empty although Legal Status says looked after"),
        ({"Legal Status": ""}, "Legal Status: empty although Placement is given"),
        ({"Legal Status": "", "Placement": "", "Missing From": "Placement"}, "Missing From: says placement although"),
        (
            {"Legal Status": "", "Placement": "", "Missing From": "Home", "Episode Type": "A"},
            "Episode Type: says away from placement although Legal Status is empty",
        ),
        ({"Police Ref": "INV0001"}, "Police Ref: given although Reported To Police says no"),
    ],
)
def test_columns_that_do_not_agree_are_noted(changes: Mapping[str, str], note: str) -> None:
    (said,) = verdict_on(changes).notes
    assert said.startswith(note)


@pytest.mark.parametrize(
    "column",
    [
        "Legal Status",
        "Placement",
        "OOA",
        "Episode Type",
        "Missing From",
        "Reported To Police",
        "RHI Offered",
        "RHI Accepted",
        "Reason No RHI",
    ],
)
def test_a_code_that_is_not_known_is_refused_without_repeating_it(column: str) -> None:
    why = why_not({**HELD, column: "Q9"})
    assert why.startswith(f"{column}: an unknown code; use one of ")
    assert "Q9" not in why


@pytest.mark.parametrize("column", ["Episode Type", "Reported To Police"])
def test_a_code_that_decides_which_clocks_run_must_be_given(column: str) -> None:
    assert why_not({column: ""}).startswith(f"{column}: must be given; use one of ")


# Category and police


@pytest.mark.parametrize(
    ("code", "category"),
    [
        ("M", "missing"),
        ("Missing", "missing"),
        ("MISSING", "missing"),
        ("A", "away"),
        ("Away from placement", "away"),
        ("Absent", "absent"),
    ],
)
def test_the_episode_type_is_a_category_from_the_start(code: str, category: str) -> None:
    verdict = verdict_on({"Episode Type": code})
    (fact,) = verdict.facts
    assert verdict.report is not None
    assert (fact.kind, fact.at, fact.details) == (
        FactKind.CATEGORISED,
        verdict.report.last_seen,
        {"category": category},
    )


def test_a_report_to_the_police_stands_at_the_start_with_a_note() -> None:
    verdict = verdict_on({"Reported To Police": "Y", "Police Ref": "INV0001"})
    report = verdict.report
    assert report is not None
    assert report.reported == report.last_seen
    assert (report.noticed, report.police_reference) == (None, "INV0001")
    assert verdict.notes == ("Reported To Police: the export does not give the time of the report; the start is used",)


def test_no_report_to_the_police_is_a_child_noticed_to_be_gone() -> None:
    report = report_on({})
    assert report.noticed == report.last_seen
    assert (report.reported, report.police_reference) == (None, None)


# The interview


def test_an_offer_and_an_interview_stand_at_the_end_of_their_days() -> None:
    verdict = verdict_on(HELD)
    facts = later_facts(verdict)
    assert {kind: fact.at for kind, fact in facts.items()} == {
        FactKind.RHI_OFFERED: datetime(2026, 6, 11, 22, 59, 59, tzinfo=UTC),
        FactKind.RHI_COMPLETED: datetime(2026, 6, 12, 22, 59, 59, tzinfo=UTC),
    }
    assert {fact.note for fact in facts.values()} == {DAY_ONLY}
    assert verdict.notes == (END_NOTE, OFFER_NOTE, HELD_NOTE)


@pytest.mark.parametrize(
    ("reason", "details"),
    [("Declined", {"reason": "Declined"}), ("parent refused", {"reason": "Parent refused"}), ("", {})],
)
def test_a_refusal_stands_at_the_end_of_the_day_of_the_offer(reason: str, details: Mapping[str, str]) -> None:
    verdict = verdict_on({**REFUSED, "Reason No RHI": reason})
    declined = later_facts(verdict)[FactKind.RHI_DECLINED]
    assert (declined.at, declined.details) == (datetime(2026, 6, 11, 22, 59, 59, tzinfo=UTC), details)
    assert declined.note == DAY_ONLY
    said = DAY_ONLY if reason else f"says no without Reason No RHI; a refusal is recorded, {DAY_ONLY}"
    assert verdict.notes == (END_NOTE, OFFER_NOTE, f"RHI Accepted: {said}")


OFFER, HELD_KIND = FactKind.RHI_OFFERED, FactKind.RHI_COMPLETED


@pytest.mark.parametrize(
    ("changes", "kinds", "note"),
    [
        ({"RHI Offered Date": ""}, {HELD_KIND}, "RHI Offered Date: empty although RHI Offered says yes"),
        ({"RHI Offered": "N"}, {HELD_KIND}, "RHI Offered: does not say yes although"),
        ({"RHI Offered": "", "RHI Offered Date": ""}, {HELD_KIND}, "RHI Offered: does not say yes although"),
        ({"RHI Offered": "", "RHI Accepted": "", "RHI Date": ""}, set[FactKind](), "RHI Offered: does not say yes"),
        ({"RHI Date": ""}, {OFFER}, "RHI Date: empty although RHI Accepted says yes"),
        ({"RHI Accepted": ""}, {OFFER}, "RHI Date: given although RHI Accepted does not say yes"),
        ({"RHI Accepted": "N"}, {OFFER}, "RHI Date: given although RHI Accepted does not say yes"),
        ({"RHI Offered Date": "13/06/2026"}, {OFFER, HELD_KIND}, "RHI Date: lies before RHI Offered Date"),
        ({"Reason No RHI": "Declined"}, {OFFER, HELD_KIND}, "Reason No RHI: given although RHI Accepted"),
    ],
)
def test_an_interview_told_by_halves_is_no_fact_but_a_note(
    changes: Mapping[str, str], kinds: set[FactKind], note: str
) -> None:
    verdict = verdict_on({**HELD, **changes})
    assert set(later_facts(verdict)) == kinds
    assert len([said for said in verdict.notes if said.startswith(note)]) == 1


@pytest.mark.parametrize(
    ("changes", "note"),
    [
        ({"Reason No RHI": "Missing again"}, "Reason No RHI: tells why there was no interview"),
        ({"Reason No RHI": "Unable to contact"}, "Reason No RHI: tells why there was no interview"),
        ({"RHI Offered Date": ""}, "RHI Accepted: says no, but the row has no dated offer"),
        ({"RHI Offered": ""}, "RHI Accepted: says no, but the row has no dated offer"),
        ({"RHI Accepted": ""}, "Reason No RHI: given although RHI Accepted does not say no"),
    ],
)
def test_what_is_not_plainly_a_refusal_does_not_end_the_duty(changes: Mapping[str, str], note: str) -> None:
    verdict = verdict_on({**REFUSED, **changes})
    assert FactKind.RHI_DECLINED not in later_facts(verdict)
    assert any(said.startswith(note) for said in verdict.notes)


@pytest.mark.parametrize("column", ["RHI Offered Date", "RHI Date"])
@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ("09/06/2026", "lies before the day of the return"),
        ("21/06/2026", "lies in the future"),
        ("10/06/2026", None),
        ("20/06/2026", None),
    ],
)
def test_an_interview_lies_between_the_return_and_today(column: str, changes: str, says: str | None) -> None:
    if says is None:
        assert verdict_on({**HELD, column: changes}).report is not None
    else:
        assert why_not({**HELD, column: changes}).startswith(f"{column}: {says}")


@pytest.mark.parametrize("column", ["RHI Offered Date", "RHI Date"])
def test_an_interview_of_a_child_still_away_is_refused(column: str) -> None:
    assert why_not({column: "11/06/2026"}).startswith(f"{column}: given although End Date is empty")


def test_what_happened_today_is_put_at_now_and_never_before_the_return() -> None:
    now = datetime(2026, 6, 12, 9, 0, tzinfo=UTC)
    assert later_facts(verdict_on(HELD, now))[FactKind.RHI_COMPLETED].at == now
    returned = datetime(2026, 6, 12, 9, 3, tzinfo=UTC)
    just_back = {**HELD, "End Date": "12/06/2026", "End Time": "10:03", "RHI Offered Date": "12/06/2026"}
    assert {fact.at for fact in later_facts(verdict_on(just_back, now)).values()} == {returned}


# All of it together


def test_a_row_whose_facts_the_episode_would_refuse_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(fact: Fact, *_: object) -> str | None:
        return "at: cannot be so" if fact.kind is FactKind.RHI_COMPLETED else None

    monkeypatch.setattr(rows, "impossibility", never)
    assert why_not(HELD) == "the row's 'return home interview completed': cannot be so"


def test_a_report_survives_the_way_in_that_every_report_takes() -> None:
    report = report_on(HELD)
    assert read_report(report.model_dump(mode="json"), NOW).digest() == report.digest()


def test_facts_say_where_they_come_from() -> None:
    verdict = verdict_on(HELD)
    assert {(f.source, f.recorded_by, f.recorded_at) for f in verdict.facts} == {
        ("case-system export", "case-system export", NOW)
    }
    assert report_on(HELD).reported_by == "case-system export"


DAYS = st.sampled_from(
    ["", "09/06/2026", "2026-06-10", "11-Jun-26", "25/10/2025", "29/03/2026", "31/02/2026", "20/06/2026", "1/1/1"]
)
CLOCKS = st.sampled_from(["", "00:00", "01:30", "2145", "06:30", "13:01", "25:00"])
YES_OR_NO = st.sampled_from(["Y", "N", "", "Yes", "0"])
POOLS: dict[str, st.SearchStrategy[str]] = {
    "PersonID": st.sampled_from(["SECRET-PERSON-1", "SECRET-PERSON-2"]),
    "DOB": st.sampled_from(["07/11/2011", "2011-11-07", "07-Nov-11"]),
    "Legal Status": st.sampled_from(["C1", "V2", ""]),
    "Placement": st.sampled_from(["U2", "K2", ""]),
    "OOA": YES_OR_NO,
    "Episode Type": st.sampled_from(["M", "A", "Absent"]),
    "Missing From": st.sampled_from(["Home", "Placement", ""]),
    "Start Date": st.sampled_from(["09/06/2026", "10-Jun-26", "2025-10-26", "29/03/2026"]),
    "Start Time": CLOCKS,
    "Reported To Police": st.sampled_from(["Y", "N"]),
    "Police Ref": st.sampled_from(["", "SECRET-REF"]),
    "End Date": DAYS,
    "End Time": CLOCKS,
    "RHI Offered": YES_OR_NO,
    "RHI Offered Date": DAYS,
    "RHI Accepted": YES_OR_NO,
    "RHI Date": DAYS,
    "Reason No RHI": st.sampled_from(["", "Declined", "Missing again"]),
    "Allocated Worker": st.sampled_from(["SECRET-NAME", "Duty", ""]),
    "Team": st.just("SECRET-TEAM"),
}
WILD = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
PLAUSIBLE_ROWS = st.lists(st.fixed_dictionaries(POOLS), max_size=6)
WILD_ROWS = st.lists(
    st.tuples(st.fixed_dictionaries(POOLS), st.dictionaries(st.sampled_from(COLUMNS), WILD, max_size=3)).map(
        lambda both: both[0] | both[1]
    ),
    max_size=4,
)


@settings(max_examples=150, deadline=None)
@given(changes=st.one_of(PLAUSIBLE_ROWS, WILD_ROWS))
@example(changes=[HELD, REFUSED])
def test_every_row_gets_one_verdict_that_holds_together(changes: list[dict[str, str]]) -> None:
    verdicts = read_export(export(*changes), NOW)
    assert len(verdicts) == len(changes)
    assert [v.line for v in verdicts] == sorted({v.line for v in verdicts})
    for verdict in verdicts:
        assert (verdict.verdict == "refused") == (verdict.report is None) == (verdict.why is not None)
        assert (verdict.verdict == "taken_with_note") == bool(verdict.notes)
        said = [*verdict.notes, verdict.why or ""]
        assert not any("\n" in line for line in said)
        if verdict.report is not None:
            facts = [*verdict.report.facts(str(verdict.report.report_id), NOW), *verdict.facts]
            child = verdict.report.circumstances()
            assert [impossibility(fact, facts, child, NOW) for fact in facts] == [None] * len(facts)
            assert len({fact.id for fact in facts}) == len(facts)


@settings(max_examples=100, deadline=None)
@given(changes=PLAUSIBLE_ROWS)
def test_no_verdict_repeats_a_childs_data(changes: list[dict[str, str]]) -> None:
    for verdict in read_export(export(*changes), NOW):
        said = " ".join([*verdict.notes, verdict.why or ""])
        assert not any(secret in said for secret in ("SECRET", "2011", "Nov"))


@settings(max_examples=200, deadline=None)
@given(text=st.text(), with_header=st.booleans())
@example(text='"', with_header=True)
@example(text="\ud800", with_header=True)
@example(text="a\rb\r\nc", with_header=True)
def test_whatever_the_text_only_bad_input_is_raised(text: str, with_header: bool) -> None:
    whole = f"{HEADER}\n{text}" if with_header else text
    try:
        verdicts = read_export(whole, NOW)
    except BadInputError as refusal:
        assert "\n" not in str(refusal)  # noqa: PT017
        return
    records = [record for record in csv.reader(io.StringIO(whole, newline="")) if record]
    assert len(verdicts) == len(records) - 1


def test_times_in_a_report_are_utc() -> None:
    report = report_on(ENDED)
    assert report.last_seen is not None
    assert to_rfc3339(report.last_seen) == "2026-06-09T20:15:00Z"
    assert report.last_seen.tzinfo is UTC
