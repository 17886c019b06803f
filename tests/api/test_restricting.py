"""Restricting a record: from when it is said only those close to the child see it, though the engine is away."""

from typing import Any, cast

import pytest

from activities.store import Store, inbox
from activities.store.tables import EpisodeTable
from starter.access import AccessRole
from tests.api.callers import HERE, Service, key
from tests.api.town import NOW, episode
from tests.console.families import fact
from workflows.fact_kinds import FactKind

RESTRICTED = {"kind": "described", "at": "2026-06-10T11:00:00Z", "details": {"restricted": "yes"}}


@pytest.mark.parametrize(
    ("details", "hidden"),
    [
        ({"restricted": "yes"}, True),
        ({"trafficking_concern": "yes"}, True),
        ({"unaccompanied": "yes"}, True),
        ({"restricted": "no"}, False),
        ({"looked_after": "yes"}, False),
    ],
)
async def test_what_restricts_a_record_does_so_when_it_is_said(
    store: Store, details: dict[str, str], hidden: bool
) -> None:
    one, other = await episode(store, "INV-1"), await episode(store, "INV-2")
    said = {"kind": "described", "at": "2026-06-10T11:00:00Z", "details": details}
    service = Service(store)
    async with service.caller(AccessRole.MANAGER) as manager, service.caller(AccessRole.PRACTITIONER) as worker:
        assert (await worker.get(f"/v1/episodes/{one}")).status_code == 200
        kept = await manager.post(f"/v1/episodes/{one}/facts", json=said, headers=key())
        assert kept.status_code == 202, "the engine is away"
        seen = await worker.get(f"/v1/episodes/{one}")
        listed = {item["episode_id"]: item["hidden"] for item in (await worker.get("/v1/episodes")).json()["items"]}
        assert (await worker.get(f"/v1/episodes/{other}")).status_code == 200
    assert seen.status_code == (403 if hidden else 200)
    assert listed == {one: hidden, other: False}


async def sees(service: Service, one: str) -> bool:
    async with service.caller(AccessRole.PRACTITIONER) as worker:
        return (await worker.get(f"/v1/episodes/{one}")).status_code == 200


async def say(service: Service, path: str, said: dict[str, Any]) -> dict[str, Any]:
    async with service.caller(AccessRole.MANAGER) as manager:
        answer = await manager.post(path, json=said, headers=key())
    assert answer.status_code == 202, answer.text
    told = cast("list[dict[str, Any]] | dict[str, Any]", answer.json())
    return told[0] if isinstance(told, list) else told


async def test_what_is_refused_restricts_nothing(store: Store) -> None:
    service, one = Service(store), await episode(store, "INV-1")
    kept = await say(service, f"/v1/episodes/{one}/facts", RESTRICTED)
    assert not await sees(service, one)
    async with store.session() as session:
        await inbox.settle(session, kept["id"], "refused", "invented", NOW)
    assert await sees(service, one)


async def test_a_record_of_which_only_a_report_waits_is_restricted_too(store: Store) -> None:
    service = Service(store)
    one = (await say(service, "/v1/episodes", {"child": {"reference": "INV-1"}}))["episode_id"]
    assert await sees(service, one)
    await say(service, f"/v1/episodes/{one}/facts", RESTRICTED)
    assert not await sees(service, one)


async def test_taking_back_what_lifted_it_restricts(store: Store) -> None:
    service, one = Service(store), await episode(store, "INV-1")
    async with store.session() as session:
        report = {"report": {"child": {"restricted": True}}, "child_id": None}
        item = {"id": "invented", "authority": HERE, "kind": "report", "episode_id": one, "body": report, "urgency": 0}
        await inbox.keep(session, inbox.InboxItem.model_validate({**item, "state": "applied", "received_at": NOW}))
    lifted = await fact(store, one, FactKind.DESCRIBED, -1, restricted="no")
    assert await sees(service, one)
    withdrawn = {"kind": "withdrawn", "at": "2026-06-10T11:30:00Z", "details": {"fact": lifted}}
    await say(service, f"/v1/episodes/{one}/facts", withdrawn)
    assert not await sees(service, one)


async def test_a_record_that_was_merged_is_as_close_as_the_one_that_goes_on(store: Store) -> None:
    service, one, open_one = Service(store), await episode(store, "INV-1"), await episode(store, "INV-2")
    merged, elsewhere = await episode(store, "INV-1"), await episode(store, "INV-2")
    for duplicate, into in ((merged, one), (elsewhere, open_one)):
        await fact(store, duplicate, FactKind.MERGED, -1, into=into, reason="invented")
        async with store.session() as session:
            (await session.get_one(EpisodeTable, duplicate)).status = "merged"
    assert await sees(service, merged)
    await say(service, f"/v1/episodes/{one}/facts", RESTRICTED)
    assert not await sees(service, merged)
    assert await sees(service, elsewhere)
    async with service.caller(AccessRole.PRACTITIONER) as worker:
        items = (await worker.get("/v1/episodes")).json()["items"]
    assert {item["episode_id"]: item["hidden"] for item in items} == {
        one: True,
        merged: True,
        open_one: False,
        elsewhere: False,
    }
