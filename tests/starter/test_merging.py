"""What a record takes over from the one that is merged into it."""

from datetime import date
from typing import Any
from uuid import uuid4

import pytest

from starter.later_answers import LONGEST, note_of
from starter.merging import RecordOfAbsence, answers_taken_over, circumstances_taken_over, contradiction, taken_over
from starter.reports import read_report
from tests.workflows.builders import fact
from workflows.facts import Child, Fact, Known
from workflows.instants import parse_instant
from workflows.vocabulary import Setting

NOW = parse_instant("2026-06-10T12:00:00Z")
INTO, BORN = "6f1d2e52-8a0e-4d0c-9a54-1d6f3a3f7b11", date(2012, 3, 4)


def record(child: Child, *facts: Fact, need_to_know: bool = False, **answers: str) -> RecordOfAbsence:
    said = {"child": child.model_dump(mode="json"), "answers": answers, "reported": "2026-06-10T10:00:00Z"}
    return RecordOfAbsence(str(uuid4()), read_report(said, NOW), facts, need_to_know)


def described(note: str | None = None, **details: str) -> Fact:
    said = fact("described 2026-06-10T11:00:00Z", **details)
    return said.model_copy(update={"note": note})


CASES: list[tuple[str, RecordOfAbsence, RecordOfAbsence, dict[str, str]]] = [
    (
        "what only the duplicate's report says",
        record(Child(born=BORN, looked_after=True, out_of_area=False, setting=Setting.FOSTER, host_force="Invented")),
        record(Child()),
        {
            "born": "2012-03-04",
            "looked_after": "yes",
            "out_of_area": "no",
            "setting": "foster",
            "host_force": "Invented",
        },
    ),
    (
        "each keeps its own word",
        record(Child(looked_after=False, open_case=True)),
        record(Child(looked_after=True, open_case=False)),
        {},
    ),
    (
        "what the other has learnt since",
        record(Child(looked_after=False, allocated=True)),
        record(Child(), described(looked_after="yes")),
        {"allocated": "yes"},
    ),
    (
        "what the duplicate has learnt since goes over with its facts",
        record(Child(looked_after=False), described(looked_after="yes")),
        record(Child()),
        {},
    ),
    (
        "need-to-know by what it takes over",
        record(Child(trafficking_concern=True), need_to_know=True),
        record(Child()),
        {"trafficking_concern": "yes"},
    ),
    (
        "need-to-know already",
        record(Child(trafficking_concern=True), need_to_know=True),
        record(Child(trafficking_concern=True), need_to_know=True),
        {},
    ),
]


@pytest.mark.parametrize(("duplicate", "into", "taken"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_circumstances_taken_over(duplicate: RecordOfAbsence, into: RecordOfAbsence, taken: dict[str, str]) -> None:
    assert circumstances_taken_over(duplicate, into, NOW) == taken


def test_answers_that_the_other_record_still_asks_for_are_taken_over() -> None:
    duplicate = record(
        Child(),
        described(note_of("mobile_number", "the second number")),
        mobile_number="the first number",
        likely_places="the invented pier",
        character="x" * (LONGEST + 1),
        health="well",
        description="tall",
    )
    into = record(Child(), described(note_of("health", "a cough")), description="short")
    assert answers_taken_over(duplicate, into, NOW) == {"likely_places": note_of("likely_places", "the invented pier")}
    assert answers_taken_over(RecordOfAbsence(INTO, None, (), False), into, NOW) == {}
    assert circumstances_taken_over(RecordOfAbsence(INTO, None, (), False), into, NOW) == {}


def taken(duplicate: RecordOfAbsence, into: RecordOfAbsence) -> list[Fact]:
    return taken_over(duplicate, into, "A. Invented", NOW)


@pytest.mark.parametrize(
    ("kind", "details", "goes_over"),
    [
        ("told", {"role": "iro"}, True),
        ("described", {"looked_after": "yes"}, True),
        ("acknowledged", {"clock": "iro_notice", "role": "iro"}, False),
        ("reopened", {"reason": "invented"}, False),
    ],
)
def test_what_says_something_of_the_child_goes_over(kind: str, details: dict[str, Any], goes_over: bool) -> None:
    duplicate, into = record(Child(), fact(f"{kind} 2026-06-10T11:00:00Z", **details)), record(Child())
    over = taken(duplicate, into)
    assert [(one.kind.value, one.details) for one in over] == ([(kind, details)] if goes_over else [])
    assert [one.source for one in over] == ([f"merged from {duplicate.id}"] if goes_over else [])
    assert taken(duplicate, into) == over, "the same ids each time"


def test_what_restricts_comes_before_what_it_restricts_and_by_itself() -> None:
    seen = fact("last_seen 2026-06-10T09:00:00Z")
    over = taken(record(Child(trafficking_concern=True, born=BORN), seen), record(Child()))
    assert [one.details for one in over] == [
        {"restricted": "yes"},
        {"born": "2012-03-04", "trafficking_concern": "yes"},
        {},
    ]
    assert len({one.id for one in over}) == 3


@pytest.mark.parametrize(
    ("duplicate", "into"),
    [
        (record(Child(), described(restricted="no")), record(Child(restricted=True))),
        (
            record(Child(unaccompanied=True), described(trafficking_concern="no")),
            record(Child(trafficking_concern=True, unaccompanied=False)),
        ),
        (record(Child(restricted=True)), record(Child(restricted=False), need_to_know=True)),
    ],
    ids=["the other says no", "each by something else", "a row that is behind"],
)
def test_where_either_was_need_to_know_both_together_are(duplicate: RecordOfAbsence, into: RecordOfAbsence) -> None:
    over = taken(duplicate, into)
    assert over[0].details == {"restricted": "yes"}
    assert Known([*into.facts, *over], NOW).child(into.child).need_to_know


def test_what_was_said_by_a_clock_that_runs_ahead_goes_over_and_who_reported_does_not() -> None:
    duplicate = record(Child(), fact("returned 2026-06-10T12:03:00Z"), reporter="an invented carer")
    assert [one.kind for one in taken(duplicate, record(Child()))] == ["returned"]


def test_a_record_that_is_need_to_know_already_is_not_restricted_again() -> None:
    close = record(Child(restricted=True), need_to_know=True)
    assert taken(close, close) == []


def test_what_a_correction_says_goes_over_without_what_it_corrected() -> None:
    wrong = fact("last_seen 2026-06-10T07:00:00Z")
    right = fact("last_seen 2026-06-10T08:00:00Z right").model_copy(update={"replaces": wrong.id})
    into = record(Child())
    [over] = taken(record(Child(), wrong, right), into)
    assert (over.at, over.replaces) == (right.at, None)
    assert contradiction([over], into, NOW) is None


def test_an_action_that_was_done_is_still_that_which_was_agreed() -> None:
    agreed = fact("action_agreed 2026-06-10T08:00:00Z", do="call", owner="iro")
    corrected = fact("action_agreed 2026-06-10T08:00:00Z corrected", do="visit", owner="iro")
    corrected = corrected.model_copy(update={"replaces": agreed.id})
    done = fact("action_done 2026-06-10T09:00:00Z", action=agreed.id)
    into = record(Child())
    for facts in ((agreed, done), (agreed, corrected, done)):
        over = taken(record(Child(), *facts), into)
        assert [one.kind for one in over] == ["action_agreed", "action_done"]
        assert over[1].details["action"] == over[0].id
        assert contradiction(over, into, NOW) is None
    withdrawn = fact("withdrawn 2026-06-10T08:30:00Z", fact=agreed.id)
    assert taken(record(Child(), agreed, withdrawn, done), into) == [], "an action that is none was not done"


@pytest.mark.parametrize(
    ("duplicate", "into", "why"),
    [
        (
            record(Child(), fact("last_seen 2026-06-10T11:00:00Z")),
            record(Child(), fact("located 2026-06-10T10:30:00Z")),
            "found on Wed 10 Jun 2026 11:30 BST cannot come before last seen on Wed 10 Jun 2026 12:00 BST",
        ),
        (
            record(Child(), fact("located 2026-06-10T11:00:00Z")),
            record(Child(), fact("last_seen 2026-06-10T10:30:00Z")),
            None,
        ),
    ],
)
def test_records_that_contradict_each_other(duplicate: RecordOfAbsence, into: RecordOfAbsence, why: str | None) -> None:
    assert contradiction(taken(duplicate, into), into, NOW) == why
