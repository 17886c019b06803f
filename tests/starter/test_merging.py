"""What a record takes over from the one that is merged into it."""

from datetime import date
from typing import Any

import pytest

from starter.later_answers import LONGEST, note_of
from starter.merging import RecordOfAbsence, answers_taken_over, circumstances_taken_over, facts_taken_over
from starter.reports import read_report
from tests.workflows.builders import fact
from workflows.facts import Child, Fact
from workflows.instants import parse_instant
from workflows.vocabulary import Setting

NOW = parse_instant("2026-06-10T12:00:00Z")
BORN = date(2012, 3, 4)


def record(child: Child, *facts: Fact, need_to_know: bool = False, **answers: str) -> RecordOfAbsence:
    said = {"child": child.model_dump(mode="json"), "answers": answers, "reported": "2026-06-10T10:00:00Z"}
    return RecordOfAbsence(read_report(said, NOW), facts, need_to_know)


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
        {"trafficking_concern": "yes", "restricted": "yes"},
    ),
    (
        "need-to-know already",
        record(Child(trafficking_concern=True), need_to_know=True),
        record(Child(trafficking_concern=True), need_to_know=True),
        {},
    ),
    (
        "need-to-know whatever the other says",
        record(Child(restricted=True), need_to_know=True),
        record(Child(restricted=False)),
        {"restricted": "yes"},
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
    assert answers_taken_over(RecordOfAbsence(None, (), False), into, NOW) == {}
    assert circumstances_taken_over(RecordOfAbsence(None, (), False), into, NOW) == {}


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
    said = fact(f"{kind} 2026-06-10T11:00:00Z", **details)
    assert (said in facts_taken_over(record(Child(), said), NOW)) is goes_over
