"""Episodes over HTTP on the real engine: what a case system sees of a child's absence from report to end."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from starter.access import AccessRole
from starter.client import Episodes
from tests.api.callers import Service, key
from tests.engine.conftest import Theatre

pytestmark = pytest.mark.asyncio(loop_scope="session")


@asynccontextmanager
async def manager(theatre: Theatre, authority: str | None = None) -> AsyncGenerator[httpx.AsyncClient]:
    async def connect() -> Episodes:
        return Episodes(theatre.environment.client, 20)

    town = authority or f"town-{uuid4().hex[:8]}"
    async with Service(theatre.store, connect).caller(AccessRole.MANAGER, authority=town) as client:
        yield client


def ago(hours: float) -> str:
    return (datetime.now(UTC) - timedelta(hours=hours)).isoformat()


async def reported(
    client: httpx.AsyncClient, reference: str = "INVENTED-1", answers: dict[str, str] | None = None, **child: Any
) -> dict[str, Any]:
    said = {
        "answers": answers or {},
        "child": {"reference": reference, "looked_after": True, **child},
        "reported": ago(3),
        "police_reference": "P1",
    }
    answer = await client.post("/v1/episodes", json=said, headers=key())
    assert answer.status_code == 201
    assert answer.headers["location"] == f"/v1/episodes/{answer.json()['episode_id']}"
    async with asyncio.timeout(30):
        # The engine has it; its rows come a moment later.
        while (await whole(client, answer.json()["episode_id"]))["status"] is None:  # noqa: ASYNC110 - rows call nobody
            await asyncio.sleep(0.05)
    return dict(answer.json())


async def record(client: httpx.AsyncClient, episode: str, kind: str, hours: float, **details: str) -> httpx.Response:
    said = {"kind": kind, "at": ago(hours), "details": details}
    return await client.post(f"/v1/episodes/{episode}/facts", json=said, headers=key())


async def whole(client: httpx.AsyncClient, episode: str) -> dict[str, Any]:
    answer = await client.get(f"/v1/episodes/{episode}")
    assert answer.status_code == 200
    return dict(answer.json())


async def test_a_child_is_reported_and_comes_back(theatre: Theatre) -> None:
    async with manager(theatre) as client:
        episode = (await reported(client))["episode_id"]
        answer = await record(client, episode, "returned", 1)
        assert answer.status_code == 200
        clocks = {clock["id"]: clock for clock in answer.json()[0]["clocks"]}
        assert clocks["rhi"]["state"] == "running"
        seen = await whole(client, episode)
    assert (seen["status"], seen["child_reference"]) == ("returned", "INVENTED-1")
    rhi = next(clock for clock in seen["clocks"] if clock["id"] == "rhi")
    assert rhi["because"]
    assert rhi["source"]
    assert [fact["kind"] for fact in seen["facts"]] == ["reported", "returned"]
    assert seen["kept_not_applied"] == []
    assert "message" not in str(seen["who_knew"][:1])


async def test_what_cannot_be_true_is_refused_with_its_reason_each_time_it_is_sent(theatre: Theatre) -> None:
    async with manager(theatre) as client:
        episode = (await reported(client))["episode_id"]
        assert (await record(client, episode, "last_seen", 4)).status_code == 200
        said = {"kind": "returned", "at": ago(30)}
        same = key()
        answers = [await client.post(f"/v1/episodes/{episode}/facts", json=said, headers=same) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [409, 409]
    assert answers[0].json()["type"].endswith("refused")
    assert answers[0].json()["detail"] == answers[1].json()["detail"] != ""


async def test_a_second_report_of_the_child_says_that_an_episode_is_open_and_is_merged(theatre: Theatre) -> None:
    async with manager(theatre) as client:
        first, second = [await reported(client) for _ in range(2)]
        assert second["also_open"] == [first["episode_id"]]
        said = {"into": first["episode_id"], "reason": "the night desk and the home both reported"}
        same = key()
        path = f"/v1/episodes/{second['episode_id']}/merging"
        answers = [await client.post(path, json=said, headers=same) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [200, 200]
        assert (await whole(client, second["episode_id"]))["status"] == "merged"
        facts = (await whole(client, first["episode_id"]))["facts"]
    assert len(facts) == 2


async def test_what_only_the_duplicates_report_says_of_the_child_counts_after_a_merge(theatre: Theatre) -> None:
    async with manager(theatre) as client:
        first = (await reported(client, "INVENTED-TWICE", looked_after=None))["episode_id"]
        knows_more = await reported(
            client, "INVENTED-TWICE", answers={"health": "asthma"}, born="2012-03-04", looked_after=False
        )
        second = knows_more["episode_id"]
        said = {"into": first, "reason": "one child"}
        answer = await client.post(f"/v1/episodes/{second}/merging", json=said, headers=key())
        assert answer.status_code == 200
        seen = await whole(client, first)
        pack = (await client.get(f"/v1/episodes/{first}/police-pack")).text
    assert not {"child.born", "child.looked_after"} & set(seen["asked_for"]), "it is not asked for any more"
    assert not [line for line in seen["asked_for"] if line.startswith("answers.health")]
    assert "Missing before: " not in pack, "one absence is not an earlier one beside itself"
    assert [line["text"] for line in seen["timeline"] if line["kind"] == "status"] == ["Episode: missing"]
    described = [one for one in seen["facts"] if one["kind"] == "described"]
    said_of_child = {"born": "2012-03-04", "looked_after": "no"}
    by_note = {one["note"]: one["details"] for one in described}
    assert by_note == {None: said_of_child, "Health, medication, well-being: asthma": {}}
    assert {one["source"] for one in described} == {f"merged from {second}"}
    assert "iro_notice" not in {one["id"] for one in seen["clocks"] if one["state"] != "not_started"}


async def test_episodes_are_listed_a_page_at_a_time_and_found_by_what_is_known_of_them(theatre: Theatre) -> None:
    async with manager(theatre) as client:
        mine = {
            (await reported(client, f"INVENTED-{number}"))["episode_id"]: f"INVENTED-{number}" for number in range(5)
        }
        for order in ("id", "pressing"):
            seen, cursor = list[str](), ""
            while True:
                page = (await client.get(f"/v1/episodes?limit=2&order={order}{cursor}")).json()
                seen += [one["episode_id"] for one in page["items"]]
                if page["next"] is None:
                    break
                cursor = f"&cursor={page['next']}"
            assert sorted(seen) == sorted(mine)
        some = next(iter(mine))
        for query, found in {
            f"child={mine[some]}": {some},
            "child=INVENTED-9": set[str](),
            "police_reference=P1": set(mine),
            "status=missing&status=away": set(mine),
            "status=returned": set[str](),
            "open=true": set(mine),
            "open=false": set[str](),
            "overdue=false": set[str](),
            "overdue=true": set(mine),
            "clock=rhi": set[str](),
            "clock=iro_notice": set(mine),
            f"changed_since={ago(1).replace('+', '%2B')}": set(mine),
        }.items():
            listed = (await client.get(f"/v1/episodes?{query}")).json()["items"]
            assert {one["episode_id"] for one in listed} == found, query
        assert (await client.get("/v1/episodes?cursor=never")).status_code == 422
        assert (await client.get("/v1/episodes?status=lost")).status_code == 422
    async with manager(theatre) as other:
        assert (await other.get("/v1/episodes")).json() == {"items": [], "next": None}


async def test_of_a_child_who_is_kept_close_the_list_tells_only_that_there_is_an_episode(theatre: Theatre) -> None:
    town = f"town-{uuid4().hex[:8]}"
    async with manager(theatre, town) as home, manager(theatre, town) as other:
        episode = (await reported(home, "HIDDEN-1", restricted=True))["episode_id"]
        await reported(home, "OPEN-1")
        assert (await whole(home, episode))["need_to_know"]
        refused = await other.get(f"/v1/episodes/{episode}")
        listed = (await other.get("/v1/episodes")).json()["items"]
        searched = (await other.get("/v1/episodes?child=HIDDEN-1")).json()["items"]
        facts = await record(other, episode, "returned", 1)
    assert refused.status_code == facts.status_code == 403
    assert refused.json()["type"].endswith("need-to-know")
    hidden = next(one for one in listed if one["episode_id"] == episode)
    assert {name for name, value in hidden.items() if value is not None} == {
        "episode_id",
        "need_to_know",
        "hidden",
        "status",
    }
    assert [one["child_reference"] for one in listed if not one["hidden"]] == ["OPEN-1"]
    assert searched == []
    assert "HIDDEN-1" not in refused.text
