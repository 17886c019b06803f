"""Policies in the console: every pack readable, two compared, a story planned as the planner plans it."""

from uuid import uuid4

import pytest

from starter.access import AccessRole
from starter.policy_diff import differences
from tests.api.callers import Service

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
    assert shown.count('<th scope="row"') == len(differences(england, homeward))
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
        ({"row-2-details": "iro"}, "Row 3: write them as name: value, with a semicolon between two of them"),
        ({"row-2-details": "role: king"}, "Row 3: "),
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


async def test_there_is_room_for_more(one_service: Service) -> None:
    async with one_service.caller(OPERATOR) as client:
        answer = await client.post("/policies/plan", data=STORY | {"more": "yes"})
    assert answer.text.count('-kind" name=') == 8
