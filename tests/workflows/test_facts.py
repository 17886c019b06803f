"""The fold of facts, corrections, and what cannot be true."""

from itertools import permutations

import pytest

from tests.workflows.builders import CHILD, fact
from workflows.fact_kinds import FactKind
from workflows.facts import Child, Fact, Known, fact_from_outside, impossibility
from workflows.instants import parse_instant
from workflows.vocabulary import EpisodeStatus

LATER = parse_instant("2026-06-20T00:00:00Z")
SEEN = fact("last_seen 2026-06-09T18:00:00Z")
REPORTED = fact("reported 2026-06-09T20:00:00Z")
LOCATED = fact("located 2026-06-10T06:00:00Z")
RETURNED = fact("returned 2026-06-10T08:00:00Z")


def test_the_order_of_arrival_does_not_matter() -> None:
    for order in permutations([SEEN, REPORTED, LOCATED, RETURNED]):
        assert Known(order, LATER).facts == (SEEN, REPORTED, LOCATED, RETURNED)


@pytest.mark.parametrize(
    ("facts", "status"),
    [
        ([SEEN], EpisodeStatus.ABSENT),
        ([SEEN, REPORTED], EpisodeStatus.MISSING),
        ([REPORTED, LOCATED], EpisodeStatus.LOCATED),
        ([REPORTED, LOCATED, RETURNED], EpisodeStatus.RETURNED),
        ([REPORTED, RETURNED], EpisodeStatus.RETURNED),
    ],
)
def test_the_status_follows_from_the_facts(facts: list[Fact], status: EpisodeStatus) -> None:
    assert Known(facts, LATER).status() is status


def test_a_fact_later_than_the_moment_does_not_count() -> None:
    assert Known([RETURNED], parse_instant("2026-06-10T07:59:59Z")).facts == ()
    assert Known([RETURNED], RETURNED.at).facts == (RETURNED,)


def test_a_replaced_fact_is_out_of_force_for_good() -> None:
    second = fact("returned 2026-06-10T09:00:00Z second").model_copy(update={"replaces": RETURNED.id})
    third = fact("withdrawn 2026-06-10T10:00:00Z third", fact="second")
    assert Known([RETURNED, second], LATER).first(FactKind.RETURNED) == second
    assert Known([RETURNED, second, third], LATER).facts == ()


def test_described_amends_what_was_known_of_the_child() -> None:
    told = fact("described 2026-06-10T09:00:00Z", looked_after="no", setting="hospital")
    child = Known([told], LATER).child(Child(looked_after=None, allocated=True))
    assert (child.looked_after, child.setting, child.allocated) == (False, "hospital", True)


IMPOSSIBLE = {
    "in the future": (fact("noticed 2026-06-20T00:05:01Z"), "at: .*future"),
    "before birth": (fact("noticed 2011-05-13T22:59:59Z"), "before the child was born"),
    "found before last seen": (fact("located 2026-06-09T17:59:59Z"), "cannot come before last seen"),
    "last seen after found": (fact("last_seen 2026-06-10T06:00:01Z"), "found .* cannot come before last seen"),
    "interviewed before found": (fact("rhi_completed 2026-06-10T05:59:59Z"), "cannot come before found"),
    "withdrawing nothing": (fact("withdrawn 2026-06-11T00:00:00Z", fact="none"), "fact: no fact 'none'"),
    "replacing another kind": (
        fact("located 2026-06-11T00:00:00Z").model_copy(update={"replaces": RETURNED.id}),
        "replaces: a 'returned' fact can only be replaced by another",
    ),
    "correcting twice": (fact("withdrawn 2026-06-11T00:00:00Z w3", fact="twice"), "already been corrected"),
    "withdrawing a withdrawal": (fact("withdrawn 2026-06-11T00:00:00Z w4", fact="w2"), "withdrawal cannot"),
}


@pytest.mark.parametrize("case", IMPOSSIBLE)
def test_what_cannot_be_true_is_refused(case: str) -> None:
    wrong, reason = IMPOSSIBLE[case]
    recorded = [
        SEEN,
        REPORTED,
        LOCATED,
        RETURNED,
        fact("noticed 2026-06-09T19:00:00Z twice"),
        fact("withdrawn 2026-06-10T00:00:00Z w2", fact="twice"),
    ]
    refusal = impossibility(wrong, recorded, CHILD, LATER)
    assert refusal is not None
    assert "\n" not in refusal
    with pytest.raises(AssertionError, match=reason):
        raise AssertionError(refusal)


@pytest.mark.parametrize(
    "possible",
    [
        fact("noticed 2026-06-20T00:05:00Z"),
        fact("noticed 2011-05-13T23:00:00Z"),
        fact("located 2026-06-09T18:00:00Z other"),
        fact("returned 2026-06-10T05:00:00Z other"),
        fact("withdrawn 2026-06-11T00:00:00Z", fact=LOCATED.id),
    ],
    ids=lambda f: f.kind,
)
def test_what_may_be_true_is_not(possible: Fact) -> None:
    assert impossibility(possible, [SEEN, REPORTED, LOCATED, RETURNED], CHILD, LATER) is None


@pytest.mark.parametrize(("name", "kind"), [("found", FactKind.LOCATED), ("rhi_done", FactKind.RHI_COMPLETED)])
def test_other_names_mean_their_fact(name: str, kind: FactKind) -> None:
    assert fact(f"{name} 2026-06-10T06:00:00Z").kind is kind


@pytest.mark.parametrize(
    ("written", "field"),
    [
        ({"at": "2026-06-10T06:00:00Z"}, "kind"),
        ({"kind": "located"}, "at"),
        ({"kind": "located", "at": "2026-06-10T06:00:00Z", "plase": "x"}, "plase"),
        ({"kind": "located", "at": "2026-06-10T06:00:00Z", "place": ""}, "place"),
        ({"kind": "located", "at": "2026-06-10T06:00:00Z", "place": 7}, "place"),
        ({"kind": "told", "at": "2026-06-10T06:00:00Z"}, "role"),
        ({"kind": "told", "at": "2026-06-10T06:00:00Z", "role": "mayor"}, "role"),
        ({"kind": "meeting_held", "at": "2026-06-10T06:00:00Z", "meeting": "tea"}, "meeting"),
        ({"kind": "described", "at": "2026-06-10T06:00:00Z", "born": "yesterday"}, "born"),
        ("located", "fact"),
    ],
    ids=str,
)
def test_a_fact_that_is_written_wrongly_names_the_field(written: object, field: str) -> None:
    with pytest.raises(ValueError, match=field):
        fact_from_outside(written, id="one")


@pytest.mark.parametrize("said", ["yes", "no", "Invented Constabulary", "x" * 4000])
def test_words_about_the_child_are_words_whatever_they_are(said: str) -> None:
    described = fact("described 2026-06-10T06:00:00Z", host_force=said, looked_after="no")
    child = Known([described], LATER).child(CHILD)
    assert (child.host_force, child.looked_after) == (said, False)


def test_words_about_the_child_have_an_end() -> None:
    with pytest.raises(ValueError, match="host_force: must have 4000 characters at most"):
        fact("described 2026-06-10T06:00:00Z", host_force="x" * 4001)
