"""Answers that come after the report: told by facts, and no longer asked for."""

import pytest

from starter.later_answers import LONGEST, answered_in, later_answers, note_of, still_asked_for
from starter.reports import TITLES, PoliceQuestions, Report
from tests.workflows.builders import fact
from workflows.facts import Fact, Known
from workflows.instants import parse_instant

NOW = parse_instant("2026-06-10T12:00:00Z")


def described(note: str | None = None, **details: str) -> Fact:
    said = fact("described 2026-06-10T11:00:00Z", **details)
    return said.model_copy(update={"note": note})


def test_every_question_has_a_title_of_its_own() -> None:
    assert list(TITLES) == list(PoliceQuestions.model_fields)
    assert len(set(TITLES.values())) == len(TITLES)
    assert max(map(len, TITLES.values())) + len(": ") + LONGEST <= 4000


@pytest.mark.parametrize("question", PoliceQuestions.model_fields)
def test_an_answer_comes_out_of_its_note_as_it_went_in(question: str) -> None:
    answer = "07700 900123: ring after six\nMobile number: another"
    assert answered_in(described(note_of(question, answer))) == (question, answer)


@pytest.mark.parametrize(
    "other",
    [described(), described("Mobile number"), described("Shoe size: 5"), fact("noticed 2026-06-10T11:00:00Z")],
    ids=["no note", "no answer", "no such question", "another kind"],
)
def test_what_answers_no_question_is_none(other: Fact) -> None:
    assert answered_in(other) is None


def test_what_came_to_be_known_is_not_asked_for_any_more() -> None:
    report = Report.model_validate({"answers": {"identity": "Robin"}, "child": {"looked_after": True}})
    before = still_asked_for(report, Known((), NOW))
    assert before[:4] == ["born", "allocated", "out_of_area", "setting"]
    assert "identity" not in before
    assert {"health", "mobile_number"} <= set(before)
    facts = (described(note_of("health", "asthma")), described(allocated="no", setting="foster"))
    after = still_asked_for(report, Known(facts, NOW))
    assert set(before) - set(after) == {"health", "allocated", "setting"}
    assert [(question, said) for _, question, said in later_answers(Known(facts, NOW))] == [("health", "asthma")]
