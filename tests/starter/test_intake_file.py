"""Reading an export: the file as a whole, days and times, the child."""

from collections.abc import Mapping
from dataclasses import FrozenInstanceError
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from starter.intake.mapping import Field
from starter.intake.rows import FIRST_MOMENT
from starter.intake.table import decoded, read_bytes
from tests.starter.exports import (
    CLEAN,
    COLUMNS,
    END_NOTE,
    ENDED,
    HEADER,
    HELD,
    MAPPING,
    NOW,
    export,
    later_facts,
    read_export,
    report_on,
    verdict_on,
    why_not,
)
from workflows.fact_kinds import FactKind
from workflows.facts import CLOCK_SKEW
from workflows.names import derived_id
from workflows.plain_errors import BadInputError
from workflows.vocabulary import Setting

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
    assert read_export(decoded(read_bytes(path), MAPPING), NOW) == read_export(export({}), NOW)


def test_a_file_that_is_not_there_or_not_utf8_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="the file cannot be read"):
        read_bytes(tmp_path / "none.csv")
    with pytest.raises(BadInputError, match="not UTF-8"):
        decoded(export({"Team": "é"}).encode("latin-1"), MAPPING)


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


# Known to the day only

START_NOTE = f"Start Time: the start is {FIRST_MOMENT}"
END_DAY_NOTE = f"End Time: the end is {FIRST_MOMENT}, or the start where that is later"
MIDNIGHT = datetime(2026, 6, 8, 23, 0, tzinfo=UTC)
"""The first moment in London of the clean row's day."""


@pytest.mark.parametrize("clock", ["", "00:00", "0000"])
def test_a_start_without_its_time_is_the_first_moment_of_its_day_and_says_so(clock: str) -> None:
    verdict = verdict_on({"Start Time": clock})
    assert (verdict.verdict, verdict.notes) == ("taken_with_note", (START_NOTE,))
    assert verdict.report is not None
    assert verdict.report.last_seen == verdict.report.noticed == MIDNIGHT
    assert verdict.report.known_to_day == ("last_seen", "noticed")
    assert [(f.kind, f.at, f.known_to) for f in verdict.facts] == [(FactKind.CATEGORISED, MIDNIGHT, "day")]
    facts = verdict.report.facts("r", NOW)
    assert {(f.kind, f.known_to) for f in facts} == {(FactKind.LAST_SEEN, "day"), (FactKind.NOTICED, "day")}


def test_a_report_to_the_police_at_a_start_known_to_the_day_is_known_to_the_day() -> None:
    report = report_on({"Start Time": "", "Reported To Police": "Y"})
    assert report.known_to_day == ("last_seen", "reported")
    assert report.reported == MIDNIGHT


@pytest.mark.parametrize("clock", ["", "00:00", "0000"])
@pytest.mark.parametrize(
    ("end", "at"),
    [
        ("10/06/2026", datetime(2026, 6, 9, 23, 0, tzinfo=UTC)),
        # On the day of the start, not before the start.
        ("09/06/2026", datetime(2026, 6, 9, 20, 15, tzinfo=UTC)),
    ],
)
def test_an_end_without_its_time_is_the_earliest_that_it_can_have_been(clock: str, end: str, at: datetime) -> None:
    verdict = verdict_on({"End Date": end, "End Time": clock})
    assert verdict.notes == (END_NOTE, END_DAY_NOTE)
    assert verdict.report is not None
    assert verdict.report.located == verdict.report.returned == at
    assert verdict.report.known_to_day == ("located", "returned")


def test_both_ends_of_one_day_known_to_the_day_only_are_one_moment() -> None:
    report = report_on({"Start Time": "", "End Date": "09/06/2026"})
    assert report.last_seen == report.returned == MIDNIGHT
    assert set(report.known_to_day) == {"last_seen", "noticed", "located", "returned"}


def test_a_start_known_to_the_day_and_an_end_on_it_to_the_minute_are_in_order() -> None:
    report = report_on({"Start Time": "", "End Date": "09/06/2026", "End Time": "00:01"})
    assert report.returned == MIDNIGHT + timedelta(minutes=1)
    assert report.known_to_day == ("last_seen", "noticed")


def test_an_end_on_an_earlier_day_is_refused_though_neither_time_is_known() -> None:
    assert why_not({"Start Time": "", "End Date": "08/06/2026"}).startswith("End Date: the end lies before")


def test_the_day_only_interview_follows_a_return_known_to_the_day_only() -> None:
    same_day = {"End Date": "10/06/2026", "RHI Offered": "Y", "RHI Offered Date": "10/06/2026"}
    facts = later_facts(verdict_on(same_day))
    assert facts[FactKind.RHI_OFFERED].at == datetime(2026, 6, 10, 22, 59, 59, tzinfo=UTC)
    assert facts[FactKind.RHI_OFFERED].known_to == "day"


def test_a_report_without_such_times_keeps_the_fingerprint_that_it_had_before_there_were_any() -> None:
    assert "known_to_day" not in report_on({}).model_dump(mode="json")
    assert "known_to" not in report_on({}).facts("r", NOW)[0].model_dump(mode="json")
    other = report_on({"Start Time": ""})
    assert other.digest() != other.model_copy(update={"known_to_day": ()}).digest()


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


@pytest.mark.parametrize("code", [*MAPPING.codes[Field.LOOKED_AFTER], "c2"])
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
