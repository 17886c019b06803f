"""An episode's life: categories in two views, how it ends, and what the kinds of fact must say."""

import pytest

from tests.workflows.builders import CHILD, fact
from workflows.facts import Child, Fact, Known, fact_from_outside, impossibility
from workflows.instants import parse_day, parse_instant, to_rfc3339
from workflows.vocabulary import EpisodeStatus

NOW = parse_instant("2026-06-20T00:00:00Z")


def hour(number: int) -> str:
    return f"2026-06-09T{number:02}:00:00Z"


def segments(view: str, *facts: Fact) -> list[tuple[str, str, str | None]]:
    found = Known(facts, NOW).categories(view)
    return [(s.category, to_rfc3339(s.since), to_rfc3339(s.until) if s.until else None) for s in found]


ABSENT = fact(f"categorised {hour(1)} a", category="absent")
AWAY = fact(f"categorised {hour(2)} b", category="away", view="authority")
POLICE_ABSENT = fact(f"categorised {hour(4)} c", category="absent", view="police")
REPORTED = fact(f"reported {hour(3)}")
AWAY_AGAIN = fact(f"categorised {hour(5)} d", category="away", view="authority")
LOCATED = fact(f"located {hour(8)}")


def test_the_two_views_of_the_category_stand_apart() -> None:
    everything = (ABSENT, AWAY, POLICE_ABSENT, REPORTED, AWAY_AGAIN, LOCATED)
    assert segments("authority", *everything) == [
        ("absent", hour(1), hour(2)),
        ("away", hour(2), hour(3)),
        ("missing", hour(3), hour(5)),
        ("away", hour(5), hour(8)),
    ]
    assert segments("police", *everything) == [("missing", hour(3), hour(4)), ("absent", hour(4), hour(8))]


def test_a_category_said_again_is_one_segment() -> None:
    again = fact(f"categorised {hour(2)} again", category="absent")
    assert segments("authority", ABSENT, again) == [("absent", hour(1), None)]


@pytest.mark.parametrize(
    ("facts", "status"),
    [
        ([ABSENT], EpisodeStatus.ABSENT),
        ([ABSENT, AWAY], EpisodeStatus.AWAY),
        ([ABSENT, AWAY, REPORTED], EpisodeStatus.MISSING),
        ([AWAY, REPORTED, POLICE_ABSENT], EpisodeStatus.MISSING),
        ([AWAY, REPORTED, AWAY_AGAIN], EpisodeStatus.AWAY),
        ([REPORTED, LOCATED], EpisodeStatus.LOCATED),
        ([REPORTED, LOCATED, fact(f"returned {hour(9)}")], EpisodeStatus.RETURNED),
        ([REPORTED, fact(f"recorded_in_error {hour(9)}", reason="x")], EpisodeStatus.RECORDED_IN_ERROR),
        ([REPORTED, LOCATED, fact(f"merged {hour(9)}", into="x")], EpisodeStatus.MERGED),
        ([REPORTED, fact(f"died {hour(9)}")], EpisodeStatus.DECEASED),
    ],
)
def test_how_an_episode_stands(facts: list[Fact], status: EpisodeStatus) -> None:
    assert Known(facts, NOW).status() is status
    assert status.over is (status in (EpisodeStatus.RECORDED_IN_ERROR, EpisodeStatus.MERGED, EpisodeStatus.DECEASED))


@pytest.mark.parametrize(
    ("written", "field"),
    [
        ({"kind": "consent_recorded", "consent": "child"}, "answer"),
        ({"kind": "consent_recorded", "consent": "school", "answer": "given"}, "consent"),
        ({"kind": "consent_overridden", "consent": "parental", "basis": "x"}, "authorised_by"),
        ({"kind": "consent_overridden", "consent": "parental", "authorised_by": "x"}, "basis"),
        ({"kind": "allowed_to_stay", "place": "x"}, "reason"),
        ({"kind": "absence_reviewed", "decision": "later"}, "decision"),
        ({"kind": "absence_reviewed", "decision": "wait", "review_by": "soon"}, "review_by"),
        ({"kind": "rhi_delayed", "reason": "rain"}, "reason"),
        ({"kind": "meeting_held", "meeting": "planning", "covered": "a,k"}, "covered"),
        ({"kind": "media_decided", "decision": "publish"}, "decided_by"),
        ({"kind": "response_review_asked", "about": "weather"}, "about"),
        ({"kind": "risk_assessed", "grade": "purple"}, "grade"),
        ({"kind": "rhi_completed", "interviewer": "neighbour"}, "interviewer"),
        ({"kind": "prevention_check", "outcome": "exception", "exception": "rain"}, "exception"),
        ({"kind": "action_agreed", "do": "x", "owner": "mayor"}, "owner"),
        ({"kind": "clock_extended", "clock": "rhi", "reason": "x"}, "until"),
        ({"kind": "recorded_in_error"}, "reason"),
        ({"kind": "described", "born": "14/5/2011"}, "born"),
    ],
)
def test_a_fact_says_what_it_must(written: dict[str, str], field: str) -> None:
    with pytest.raises(ValueError, match=f"^{field}: "):
        fact_from_outside({"at": hour(1), **written}, id="x")


@pytest.mark.parametrize(
    ("impossible", "field"),
    [
        (fact(f"absence_reviewed {hour(5)}", decision="wait", review_by=hour(4)), "review_by"),
        (fact(f"clock_extended {hour(5)}", clock="rhi", reason="x", until=hour(5)), "until"),
        (fact(f"action_done {hour(5)}", action="none"), "action"),
    ],
)
def test_what_cannot_be_true_names_the_field(impossible: Fact, field: str) -> None:
    assert str(impossibility(impossible, [REPORTED], CHILD, NOW)).startswith(f"{field}: ")


@pytest.mark.parametrize(
    ("born", "age", "birthday"),
    [("2008-06-12", 18, "2026-06-12"), ("2008-02-29", 18, "2026-03-01"), ("2008-02-29", 20, "2028-02-29")],
)
def test_a_birthday(born: str, age: int, birthday: str) -> None:
    assert str(Child(born=parse_day(born)).birthday(age)) == birthday
    assert Child().birthday(age) is None


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (fact(f"told {hour(1)}", role="iro", by="A. Invented"), "told (independent reviewing officer)"),
        (fact(f"rhi_delayed {hour(1)}", reason="missing_again"), "return home interview delayed (missing again)"),
        (
            fact(f"risk_assessed {hour(1)}", view="police", grade="low", reason="private words"),
            "risk assessed (police's view, low)",
        ),
        (
            fact(f"rhi_completed {hour(9)}", alone="no", interviewer="independent", place="a park"),
            "return home interview completed (not alone, independent)",
        ),
        (fact(f"clock_voided {hour(9)}", clock="rhi", reason="private words"), "clock voided (rhi)"),
    ],
)
def test_a_fact_in_words_says_what_was_chosen_and_no_free_words(said: Fact, words: str) -> None:
    assert said.in_words() == words
