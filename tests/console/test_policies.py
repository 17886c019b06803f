"""Policies in the console: every pack readable, two compared, a story planned as the planner plans it."""

import re
from html import unescape
from uuid import uuid4

import pytest

from starter.access import AccessRole
from starter.console.policies import _NOT_PLANNED
from starter.console.story_details import answers_of, details_said
from starter.policy_diff import differences
from tests.api.callers import Service
from workflows.fact_kinds import FACTS, FactKind
from workflows.plain_errors import BadInputError

OPERATOR = AccessRole.OPERATOR
STORY = {
    "key": str(uuid4()),
    "policy": "homeward",
    "born": "2010-02-03",
    "looked_after": "yes",
    "allocated": "yes",
    "setting": "children_home",
    "as_of_day": "2026-04-13",
    "as_of_time": "12:00",
    "row-0-kind": "reported",
    "row-0-day": "2026-04-02",
    "row-0-time": "23:10",
    "row-0-details": "",
    "row-1-kind": "returned",
    "row-1-day": "6/4/2026",
    "row-1-time": "4.20pm",
    "row-1-details": "",
    "row-2-kind": "told",
    "row-2-day": "2026-04-03",
    "row-2-time": "0900",
    "row-2-details": "role: iro",
    "row-3-kind": "",
    "row-3-day": "",
    "row-3-time": "",
    "row-3-details": "",
}


async def test_every_pack_can_be_read_with_each_clock_and_its_source(one_service: Service) -> None:
    async with one_service.caller(OPERATOR) as client:
        listed = (await client.get("/policies")).text
        for name in one_service.policies.names():
            pack = one_service.policies.pack(name)
            assert f'href="/policies/{name}"' in listed
            shown = (await client.get(f"/policies/{name}")).text
            assert shown.count('id="clock-') == len(pack.clocks)
        assert (await client.get("/policies/none")).status_code == 404


async def test_two_packs_are_compared_as_the_comparison_finds(one_service: Service) -> None:
    england, homeward = (one_service.policies.pack(name) for name in ("england", "homeward"))
    async with one_service.caller(OPERATOR) as client:
        shown = (await client.get("/policies/compare?first=england&second=homeward")).text
        same = (await client.get("/policies/compare?first=england&second=england")).text
    assert shown.count('<th scope="row"') == len(differences(england, homeward)), "each field, for whoever writes one"
    words = re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", unescape(shown.partition('id="as-written"')[0])))
    added = len(homeward.clocks) - len(england.clocks)
    assert f"Clocks: 3 changed, {added} added, 0 taken away" in words
    assert "From 72 hours after returned to 24 hours after returned" in words
    assert "Independent reviewing officer told : for looked after; due 24 hours after" in words
    assert not re.search(r"[a-z]_[a-z]|elapsed_hours", words), "no name of a rule's part"
    assert "They ask for the same" in same


async def test_a_story_is_planned_with_reasons_and_a_picture(one_service: Service) -> None:
    async with one_service.caller(OPERATOR) as client:
        begun = await client.get("/policies/plan")
        planned = await client.post("/policies/plan", data=STORY)
    assert (begun.status_code, planned.status_code) == (200, 200)
    # Easter Monday is passed over, and 72 hours run from the return whatever day it is.
    assert "Thu 9 Apr 2026 16:20 BST" in planned.text
    assert "<svg" in planned.text
    assert "<?xml" not in planned.text


@pytest.mark.parametrize(
    ("changed", "line"),
    [
        ({"row-1-day": "31/2/2026"}, "Row 2: enter a day, such as 28/11/2026"),
        ({"row-1-time": "25:00"}, "Row 2: enter a time, such as 21:30"),
        ({"row-2-details": "king"}, "Row 3: “king” answers none of what can be said of this: Who was told?"),
        ({"row-2-details": "role: king"}, "Row 3: “king” is no answer to “Who was told?”, such as Social worker"),
        ({"row-2-details": ""}, "Row 3: say too: Who was told?, such as Social worker"),
        ({"row-0-kind": ""}, "Row 1: choose what happened"),
        ({"row-1-kind": "flown"}, "Row 2: "),
        ({"born": "soon"}, "Enter a day, such as 28/11/2026"),
        ({"as_of_day": ""}, "Enter a day, such as 28/11/2026"),
        ({"policy": "none"}, "policy"),
    ],
)
async def test_what_cannot_be_planned_is_said_and_kept_as_written(
    one_service: Service, changed: dict[str, str], line: str
) -> None:
    async with one_service.caller(OPERATOR) as client:
        answer = await client.post("/policies/plan", data=STORY | changed)
    assert answer.status_code == 422
    assert line in answer.text
    if "policy" not in changed:
        assert 'value="role: iro"' in answer.text or "row-2-details" in changed
        assert "Error: Plan a story" in answer.text


DETAILS = (
    (FactKind.TOLD, "iro", {"role": "iro"}),
    (FactKind.TOLD, "Independent  reviewing officer", {"role": "iro"}),
    (FactKind.TOLD, "role: iro; by: Invented One", {"role": "iro", "by": "Invented One"}),
    (FactKind.TOLD, "Who was told? parent; How were they told?: by letter", {"role": "parent", "channel": "by letter"}),
    (FactKind.RISK_ASSESSED, "the police's; very low", {"view": "police", "grade": "very_low"}),
    (FactKind.MEETING_HELD, "strategy meeting; what was decided: go on", {"meeting": "strategy", "decision": "go on"}),
    (
        FactKind.ABSENCE_REVIEWED,
        "wait; review_by: 28/11/2026 21:30",
        {"decision": "wait", "review_by": "2026-11-28T21:30:00Z"},
    ),
    (
        FactKind.ABSENCE_REVIEWED,
        "wait; review by: 2026-11-28T21:30:00Z",
        {"decision": "wait", "review_by": "2026-11-28T21:30:00Z"},
    ),
)


@pytest.mark.parametrize(("kind", "written", "details"), DETAILS)
def test_details_of_a_story_are_read_in_words_and_by_the_names_of_the_rules(
    kind: FactKind, written: str, details: dict[str, str]
) -> None:
    assert details_said(kind, written) == details


@pytest.mark.parametrize("kind", [kind for kind in FactKind if kind not in _NOT_PLANNED])
def test_every_answer_that_is_offered_is_taken(kind: FactKind) -> None:
    required = {name for name, detail in FACTS[kind].details.items() if detail.required}
    for answer in answers_of(kind):
        try:
            said = details_said(kind, answer)
        except BadInputError as error:
            assert "say too" in str(error), (answer, error)  # noqa: PT017
            assert required
        else:
            assert len(said) == 1, answer


async def test_there_is_room_for_more(one_service: Service) -> None:
    async with one_service.caller(OPERATOR) as client:
        answer = await client.post("/policies/plan", data=STORY | {"more": "yes"})
    assert answer.text.count('-kind" name=') == 8
