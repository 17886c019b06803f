"""The one line that says what is wrong with a fact, word for word: people read it, and it names what would be right."""

import re
from datetime import timedelta

import pytest

from tests.workflows.builders import CHILD, fact
from workflows.fact_kinds import FactKind
from workflows.facts import Known, fact_from_outside, impossibility
from workflows.instants import parse_instant

AT = "2026-06-09T20:00:00Z"
KINDS = ", ".join(FactKind)

LINES: dict[str, tuple[object, str]] = {
    "no object": (5, "a fact must be an object with at least 'kind' and 'at'"),
    "no kind": ({"at": AT}, "kind: must say what happened, such as 'located'"),
    "unknown kind": ({"kind": "lost", "at": AT}, f"kind: 'lost' is unknown; use one of {KINDS}"),
    "no time": ({"kind": "located"}, "at: must say when it happened, as a time with an offset"),
    "unknown field": (
        {"kind": "located", "at": AT, "plaice": "x"},
        "plaice: a 'located' fact has no such field; it may have by, place, note, source, recorded_by",
    ),
    "must say, of several": (
        {"kind": "meeting_held", "at": AT},
        "meeting: a 'meeting_held' fact must say this (strategy, planning, return)",
    ),
    "must say, in words": (
        {"kind": "allowed_to_stay", "at": AT},
        "reason: a 'allowed_to_stay' fact must say this",
    ),
    "one of several": (
        {"kind": "meeting_held", "at": AT, "meeting": "tea"},
        "meeting: 'tea' is unknown; use one of strategy, planning, return",
    ),
    "some of several": (
        {"kind": "meeting_held", "at": AT, "meeting": "planning", "covered": "a, z"},
        "covered: 'z' is unknown; use some of a, b, c, d, e, f, g, h, i, j",
    ),
    "a choice with a comma is no choice": (
        {"kind": "meeting_held", "at": AT, "meeting": "strategy,planning"},
        "meeting: 'strategy,planning' is unknown; use one of strategy, planning, return",
    ),
    "not text": ({"kind": "located", "at": AT, "by": 5}, "by: must be text, and not empty"),
    "empty": ({"kind": "located", "at": AT, "by": " "}, "by: must be text, and not empty"),
}


@pytest.mark.parametrize("case", LINES)
def test_a_fact_that_cannot_be_read_says_so_in_these_words(case: str) -> None:
    written, line = LINES[case]
    with pytest.raises(ValueError, match=f"^{re.escape(line)}$"):
        fact_from_outside(written, id="x")


@pytest.mark.parametrize(
    "said",
    [
        {"kind": "described", "born": "2011-05-14"},
        {"kind": "meeting_held", "meeting": "planning", "covered": "a, b,j"},
        {"kind": "absence_reviewed", "decision": "wait", "review_by": "2026-06-10T00:00:00+01:00"},
    ],
)
def test_each_form_of_detail_is_taken_when_it_is_right(said: dict[str, str]) -> None:
    assert fact_from_outside({"at": AT, **said}, id="x").details.items() <= said.items()


def test_a_fact_is_recorded_when_it_says_or_as_it_is_read_or_else_when_it_happened() -> None:
    said, read = "2026-06-10T00:00:00Z", parse_instant("2026-06-11T00:00:00Z")
    written = {"kind": "located", "at": AT}
    assert fact_from_outside({**written, "recorded_at": said}, id="x").recorded_at == parse_instant(said)
    assert fact_from_outside(written, id="x", recorded_at=read).recorded_at == read
    both = fact_from_outside({**written, "recorded_at": said}, id="x", recorded_at=read)
    assert both.recorded_at == parse_instant(said)
    assert fact_from_outside(written, id="x").recorded_at == parse_instant(AT)


def test_the_first_fact_is_the_first_that_says_so() -> None:
    for_one = fact("acknowledged 2026-06-09T20:00:00Z a", clock="rhi", role="iro")
    other = fact("acknowledged 2026-06-09T21:00:00Z b", clock="visit", role="iro")
    known = Known([for_one, other], parse_instant(AT) + timedelta(days=1))
    assert known.first(FactKind.ACKNOWLEDGED, clock="visit") == other
    assert known.first(FactKind.ACKNOWLEDGED, clock="long_term") is None


def test_an_action_is_done_only_if_it_was_agreed() -> None:
    agreed = fact("action_agreed 2026-06-09T20:00:00Z agreed", do="x", owner="iro")
    told = fact("told 2026-06-09T20:00:00Z told", role="iro")
    now = parse_instant(AT) + timedelta(days=1)
    done = fact("action_done 2026-06-09T21:00:00Z d", action="agreed")
    wrong = fact("action_done 2026-06-09T21:00:00Z w", action="told")
    assert impossibility(done, [agreed, told], CHILD, now) is None
    line = "action: no agreed action 'told' is recorded in this episode"
    assert impossibility(wrong, [agreed, told], CHILD, now) == line
