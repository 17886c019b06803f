"""Restricting a record: from when it is said only those close to the child see it, though the engine is away."""

import pytest

from activities.store import Store
from starter.access import AccessRole
from tests.api.callers import Service, key
from tests.api.town import episode


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
