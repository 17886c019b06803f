"""Mappings: what is wrong with one is said by file and key; files of other systems are read as their mapping says."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from starter.intake.mapping import WHAT_IT_IS, Field, Mapping
from starter.intake.mapping_files import (
    DEFAULT,
    SHIPPED,
    as_mapping,
    digest_of_mapping,
    find_mapping,
    mapping_text,
    read_mapping,
    shipped,
)
from starter.intake.table import decoded, not_in_the_file, read_export
from tests.starter.exports import NOW
from workflows.plain_errors import BadInputError
from workflows.vocabulary import Setting

SMALL: dict[str, Any] = {
    "mapping": "my-town",
    "title": "Invented",
    "days": ["31/12/2026"],
    "times": ["21:45"],
    "columns": {"child": "No", "category": "Kind", "start_day": "From", "start_time": "At", "out_of_area": "OOA"},
    "yes_no": {"J": "yes", "-": "no"},
    "codes": {"category": {"weg": "missing"}},
}


def small(**changes: Any) -> Mapping:
    return as_mapping({**SMALL, **changes}, "my-town.yaml")


def columns(**changes: str) -> dict[str, str]:
    return {**SMALL["columns"], **changes}


def changed(**changes: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda data: {**data, **changes}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (changed(encodng="utf-8"), "encodng: there is no such field; did you mean 'encoding'?"),
        (changed(encoding="ascii"), "encoding: 'ascii' is unknown; use one of utf-8, utf-16, windows-1252, iso-8859-1"),
        (changed(delimiter="tabs"), "delimiter: 'tabs' is unknown; use one of"),
        (changed(mapping="My Town"), "mapping: string should match pattern"),
        (changed(days=[]), "days: must name at least one style"),
        (changed(days=["12/31/2026"]), "days[0]: '12/31/2026' is unknown; use one of 31/12/2026"),
        (changed(times=[]), "times: must name at least one style, such as 21:45"),
        (changed(times=["9.45"]), "times[0]: '9.45' is unknown"),
        (changed(columns=columns(chld="Child")), "columns.chld: 'chld' is unknown; use one of child, born"),
        (changed(columns={"child": "No", "category": "Kind"}), "columns.start_day: must be given: the day on which"),
        (changed(columns=columns(born="No")), "columns: 'No' is there twice"),
        (changed(passed_over=["OOA"]), "columns: 'OOA' is there twice"),
        (changed(columns=columns(end_time="Till")), "columns.end_time: a time needs its day; name columns.end_day"),
        (changed(times_in_day_columns="yes"), "columns.start_time: times_in_day_columns says"),
        (changed(columns=columns(setting="Home")), "codes.setting: must be given: each spelling"),
        (changed(yes_no={}), "codes.out_of_area: must be given or yes_no: each spelling"),
        (changed(yes_no={"J": "ja"}), "yes_no.J: 'ja' is unknown; use one of yes, no"),
        (changed(codes={"category": {"weg": "gone"}}), "codes.category.weg: must mean one of absent, away, missing"),
        (changed(codes={"category": {"weg": "missing", "WEG": "away"}}), "codes.category.weg: is there twice"),
        (changed(codes={**SMALL["codes"], "born": {"x": "y"}}), "codes.born: its cells are no codes"),
        (changed(codes={**SMALL["codes"], "setting": {"x": "foster"}}), "codes.setting: the file has no column for it"),
        (changed(empty={"setting": "foster"}), "empty.setting: the file has no column for it"),
        (changed(empty={"out_of_area": "maybe"}), "empty.out_of_area: must mean one of yes, no"),
        (changed(always={"out_of_area": "no"}), "always.out_of_area: the file has a column for it"),
        (changed(always={"born": "1"}), "always.born: only what is told by a code can be said so"),
        (changed(always={"allocated_worker": "nobody"}), "always.allocated_worker: only what is told by a code"),
    ],
)
def test_a_mapping_that_cannot_be_used_names_the_file_the_key_and_what_would_be_right(
    change: Callable[[dict[str, Any]], dict[str, Any]], says: str
) -> None:
    with pytest.raises(BadInputError) as refusal:
        as_mapping(change(SMALL), "my-town.yaml")
    assert str(refusal.value).startswith(f"my-town.yaml: {says}")
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("mapping: [", "line 2: "),
        ("mapping: a\nmapping: b", "line 2: a key is there twice"),
        ("- a", "must be a mapping: mapping, title, days and columns"),
        ("\x00", "is not a text file in YAML or JSON"),
    ],
)
def test_a_file_that_is_no_mapping_is_refused_in_one_line(text: str, says: str, tmp_path: Path) -> None:
    file = tmp_path / "my-town.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(BadInputError) as refusal:
        read_mapping(file)
    assert str(refusal.value).startswith("my-town.yaml: ")
    assert says in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_mapping_is_found_by_its_name_or_as_a_file_in_yaml_or_json(tmp_path: Path) -> None:
    for name, text in (("a.yaml", yaml.safe_dump(SMALL)), ("b.json", json.dumps(SMALL))):
        (tmp_path / name).write_text(text, encoding="utf-8")
        assert find_mapping(str(tmp_path / name)) == small()
    with pytest.raises(BadInputError, match="mapping: there is no 'my-town'; use one of case-system-export, ssda903"):
        find_mapping("my-town")
    with pytest.raises(BadInputError, match=r"gone\.yaml: cannot be read"):
        find_mapping(str(tmp_path / "gone.yaml"))


def test_shipped_mappings_are_read_and_printed_to_start_from() -> None:
    assert shipped() == ("case-system-export", "ssda903-missing")
    for name in shipped():
        assert find_mapping(name).mapping == name
        assert mapping_text(name) == (SHIPPED / f"{name}.yaml").read_text(encoding="utf-8")
    with pytest.raises(BadInputError, match="there is no 'x'"):
        mapping_text("x")


def test_a_spelling_that_looks_like_a_number_or_a_boolean_stays_as_it_is_written() -> None:
    assert set(find_mapping(DEFAULT).yes_no) == {"Y", "Yes", "1", "N", "No", "0"}


def test_a_mappings_fingerprint_is_of_what_it_says() -> None:
    assert digest_of_mapping(small()) == digest_of_mapping(small(encoding="utf-8"))
    assert digest_of_mapping(small()) != digest_of_mapping(small(delimiter=";"))


def test_every_field_is_told_in_words() -> None:
    assert set(WHAT_IT_IS) == set(Field)


@pytest.mark.parametrize(("encoding", "delimiter", "mark"), [("windows-1252", ";", ";"), ("utf-16", "tab", "\t")])
def test_a_file_is_read_in_its_own_encoding_and_between_its_own_delimiters(
    encoding: str, delimiter: str, mark: str
) -> None:
    mapping = small(encoding=encoding, delimiter=delimiter, columns={**SMALL["columns"], "out_of_area": "Außerhalb"})
    written = "No,Kind,From,At,Außerhalb\n1,weg,09/06/2026,21:15,J\n".replace(",", mark)
    (verdict,) = read_export(decoded(written.encode(encoding), mapping), mapping, NOW)
    assert verdict.report is not None
    assert verdict.report.child.out_of_area is True
    with pytest.raises(BadInputError, match="the file is not"):
        decoded(b"\x81", mapping)


def test_a_header_between_other_delimiters_is_said_to_be() -> None:
    with pytest.raises(BadInputError, match="line 1: its cells stand between ';'; the mapping's delimiter is ','"):
        read_export("No;Kind;From;At;OOA", small(), NOW)


def test_other_columns_are_refused_unless_the_mapping_passes_them_over() -> None:
    text = "No,Kind,From,At,OOA,Sex\n1,weg,09/06/2026,21:15,J,x"
    with pytest.raises(BadInputError, match="column 6 is none"):
        read_export(text, small(), NOW)
    loose = small(other_columns="passed_over")
    (verdict,) = read_export(text, loose, NOW)
    (other,) = read_export(text.replace(",x", ",y"), loose, NOW)
    assert verdict.report is not None
    assert verdict.report == other.report


@pytest.mark.parametrize(
    ("style", "cell"),
    [
        ("31/12/2026", "09/06/2026"),
        ("31-12-2026", "09-06-2026"),
        ("31.12.2026", "09.06.2026"),
        ("2026-12-31", "2026-06-09"),
        ("31-Dec-26", "09-jun-26"),
        ("31-Dec-2026", "09-Jun-2026"),
        ("31 Dec 2026", "9 Jun 2026"),
        ("31 December 2026", "9 June 2026"),
    ],
)
@pytest.mark.parametrize(
    ("time_style", "time"),
    [("21:45", "21:15"), ("2145", "2115"), ("21:45:30", "21:15:00"), ("9:45", "21:15"), ("9:45 pm", "9:15 PM")],
)
def test_each_style_of_day_and_time(style: str, cell: str, time_style: str, time: str) -> None:
    mapping = small(days=[style], times=[time_style])
    (verdict,) = read_export(f"No,Kind,From,At,OOA\n1,weg,{cell},{time},J", mapping, NOW)
    assert verdict.report is not None, verdict.why
    assert verdict.report.last_seen == datetime(2026, 6, 9, 20, 15, tzinfo=UTC)
    (wrong,) = read_export(f"No,Kind,From,At,OOA\n1,weg,{cell}x,{time},J", mapping, NOW)
    assert wrong.why == f"From: must be a day written {style}"


@pytest.mark.parametrize("cell", ["09/06/2026 21:15", "2026-06-09T21:15", "2026-06-09 21:15"])
def test_a_time_may_stand_in_its_days_own_column(cell: str) -> None:
    one = {name: column for name, column in SMALL["columns"].items() if name != "start_time"}
    mapping = small(columns=one, times_in_day_columns="yes", days=["31/12/2026", "2026-12-31"])
    taken, day_only = read_export(f"No,Kind,From,OOA\n1,weg,{cell},J\n2,weg,09/06/2026,J", mapping, NOW)
    assert taken.report is not None
    assert day_only.report is not None
    assert taken.report.last_seen == datetime(2026, 6, 9, 20, 15, tzinfo=UTC)
    assert day_only.report.known_to_day == ("last_seen", "noticed")
    assert day_only.notes[0].startswith("From: the start is known to the day only")


@pytest.mark.parametrize(("midnight", "known"), [("unknown", ("last_seen", "noticed")), ("a_time", ())])
def test_midnight_is_a_time_where_the_mapping_says_so(midnight: str, known: tuple[str, ...]) -> None:
    (verdict,) = read_export("No,Kind,From,At,OOA\n1,weg,09/06/2026,00:00,J", small(midnight=midnight), NOW)
    assert verdict.report is not None
    assert verdict.report.known_to_day == known


def test_what_a_file_has_no_column_for_is_said_once_and_stays_open() -> None:
    mapping = find_mapping("ssda903-missing")
    text = "CHILD,DOB,MISSING,MIS_START,MIS_END\n1,03/04/2012,M,09/06/2026,\n1,03/04/2012,A,01/05/2026,02/05/2026"
    still, back = read_export(text, mapping, NOW)
    assert still.report is not None
    assert back.report is not None
    child = still.report.child
    assert (child.looked_after, child.setting, child.out_of_area, child.allocated) == (True, None, None, None)
    assert (still.report.reported, still.report.returned) == (None, None)
    assert still.facts[0].details == {"category": "missing"}
    assert back.facts[0].details == {"category": "away"}
    assert set(back.report.known_to_day) == {"last_seen", "noticed", "located", "returned"}
    assert not [note for note in still.notes if "MIS_START" not in note]
    assert not_in_the_file(mapping) == [
        "no column says where the child lives; it is not known for any row",
        "no column says whether the child is placed out of area; it is not known for any row",
        "no column says the child's allocated worker; it is not known for any row",
    ]


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("1,03/04/2012,X,09/06/2026,", "MISSING: an unknown code; use one of M, A"),
        ("1,03/04/2012,,09/06/2026,", "MISSING: must be given; use one of M, A"),
        ("1,03/04/2012,M,2026-06-09,", "MIS_START: must be a day written 31/12/2026"),
        ("1,03/04/2012,M,31/06/2026,", "MIS_START: there is no such day"),
        ("1,03/04/2012,M,,10/06/2026", "MIS_START: must be given"),
        ("1,03/04/2012,M,21/06/2026,", "MIS_START: the start lies in the future; correct MIS_START"),
        ("1,03/04/2012,M,09/06/2026,08/06/2026", "MIS_END: the end lies before the start"),
        (",03/04/2012,M,09/06/2026,", "CHILD: must be given"),
        ("1,03/04/2027,M,09/06/2026,", "DOB: lies after the start; correct it or MIS_START"),
    ],
)
def test_each_mess_of_the_statutory_table_has_its_own_refusal(row: str, why: str) -> None:
    (verdict,) = read_export(f"CHILD,DOB,MISSING,MIS_START,MIS_END\n{row}", find_mapping("ssda903-missing"), NOW)
    assert (verdict.why or "").startswith(why)


def test_an_empty_code_is_not_known_unless_the_mapping_says_what_it_means() -> None:
    text = "No,Kind,From,At,OOA\n1,weg,09/06/2026,21:15,"
    (unknown,) = read_export(text, small(), NOW)
    (said,) = read_export(text, small(empty={"out_of_area": "no"}), NOW)
    assert unknown.report is not None
    assert said.report is not None
    assert (unknown.report.child.out_of_area, said.report.child.out_of_area) == (None, False)
    assert unknown.notes == ("OOA: empty; whether the child is placed out of area is not known",)
    assert said.notes == ()


def test_a_setting_may_be_any_that_the_rules_know() -> None:
    every = {f"code {number}": setting.value for number, setting in enumerate(Setting)}
    mapping = small(columns=columns(setting="Home"), codes={**SMALL["codes"], "setting": every})
    text = "\n".join(f"{n},weg,09/06/2026,21:15,J,{code}" for n, code in enumerate(every))
    verdicts = read_export(f"No,Kind,From,At,OOA,Home\n{text}", mapping, NOW)
    assert [v.report.child.setting for v in verdicts if v.report] == list(Setting)
