"""Reading an export: category and police, the interview, and laws over all of it."""

import csv
import io
from collections.abc import Mapping
from datetime import UTC, datetime

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from starter.intake import rows
from starter.intake.interviews import DAY_ONLY
from starter.reports import read_report
from tests.starter.exports import (
    COLUMNS,
    END_NOTE,
    ENDED,
    HEADER,
    HELD,
    HELD_NOTE,
    NOW,
    OFFER_NOTE,
    REFUSED,
    export,
    later_facts,
    read_export,
    report_on,
    verdict_on,
    why_not,
)
from workflows.fact_kinds import FactKind
from workflows.facts import Fact, impossibility
from workflows.instants import to_rfc3339
from workflows.plain_errors import BadInputError

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
