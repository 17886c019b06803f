"""Trays over HTTP: one's own, anybody's for systems; answers, kept while the engine is away."""

from typing import Any

import pytest

from activities.store import Store, inbox
from starter.access import AccessRole
from starter.client import Episodes, FactRefusedError
from tests.api.callers import ELSEWHERE, Service, key
from tests.api.town import NOW, episode, people, told
from workflows.contracts import Recorded
from workflows.facts import Fact

PRACTITIONER = AccessRole.PRACTITIONER
SYSTEM: dict[str, Any] = {"kind": "system", "name": "Invented system"}


def at_now(store: Store) -> Service:
    return Service(store, clock=lambda: NOW)


async def test_ones_own_tray_in_pages(store: Store) -> None:
    await people(store, "w1", "w2")
    one = await episode(store)
    notices = sorted([await told(store, one, "w1", f"clock-{number}") for number in range(3)])
    await told(store, one, "w2", "other")
    async with at_now(store).caller(PRACTITIONER, person="w1") as client:
        found: list[str] = []
        query = "limit=2"
        while query:
            page = (await client.get(f"/v1/trays/me?{query}")).json()
            found += [line["notice"] for line in page["items"]]
            query = f"limit=2&cursor={page['next']}" if page["next"] else ""
        assert found == notices
        line = (await client.get("/v1/trays/w1?limit=1")).json()["items"][0]
        assert (line["asks"], line["sent_at"], line["says"]) == ("answer", "2026-06-10T12:00:00Z", "Invented clock-0")
        assert (await client.get("/v1/trays/me?cursor=x")).status_code == 422


async def test_a_tray_is_no_other_persons_and_a_systems_for_its_authority(store: Store) -> None:
    await people(store, "w1", "w2")
    await people(store, "w3", authority=ELSEWHERE)
    service = at_now(store)
    async with service.caller(PRACTITIONER, person="w1") as person:
        for other in ("w2", "w3", "nobody"):
            for answer in (
                await person.get(f"/v1/trays/{other}"),
                await person.post(f"/v1/trays/{other}/answers", json={"notices": ["x"]}, headers=key()),
            ):
                assert answer.json()["type"] == "/v1/problems/not-found"
    async with service.caller(PRACTITIONER) as nobody:
        assert (await nobody.get("/v1/trays/me")).status_code == 403
    async with service.caller(AccessRole.CASE_SYSTEM, **SYSTEM) as system:
        assert (await system.get("/v1/trays/w2")).status_code == 200
        assert {(await system.get(f"/v1/trays/{one}")).status_code for one in ("w3", "nobody", "me")} == {404}


async def test_answers_are_kept_once_while_the_engine_is_away(store: Store) -> None:
    await people(store, "w1")
    one = await episode(store)
    notice, other = await told(store, one, "w1", "rhi"), await told(store, one, "w1", "visit")
    async with at_now(store).caller(PRACTITIONER, person="w1") as client:
        mine = key()
        first, again = [
            await client.post("/v1/trays/me/answers", json={"notices": [notice]}, headers=mine) for _ in range(2)
        ]
        reused = await client.post("/v1/trays/me/answers", json={"notices": [other]}, headers=mine)
        lying = (await client.get("/v1/trays/me?everything=true")).json()["items"]
    (answer,) = first.json()["answers"]
    assert (first.status_code, answer["state"]) == (202, "kept")
    assert first.headers["location"] == f"/v1/said/{answer['id']}"
    assert again.json()["answers"][0]["id"] == answer["id"]
    assert reused.json()["type"] == "/v1/problems/key-reused"
    assert {line["notice"]: line["read_at"] is not None for line in lying} == {notice: True, other: False}
    async with store.session() as session:
        item = await inbox.item(session, answer["id"])
    assert item is not None
    assert item.said_by is not None
    assert item.body["details"] == {"clock": "rhi", "role": "social_worker", "by": "w1"}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "notices"),
        ({"notices": []}, "notices"),
        ({"notices": ["NOTICE", "other"]}, "notices[1]"),
        ({"notices": ["NOTICE"], "by": "w1"}, "by"),
    ],
)
async def test_what_cannot_be_used_is_named(body: dict[str, Any], field: str, store: Store) -> None:
    await people(store, "w1")
    notice = await told(store, await episode(store), "w1", "rhi")
    if "notices" in body:
        body = {**body, "notices": [notice if one == "NOTICE" else one for one in body["notices"]]}
    async with at_now(store).caller(PRACTITIONER, person="w1") as client:
        answer = await client.post("/v1/trays/me/answers", json=body, headers=key())
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["field"] == field
        assert "other" not in answer.text


async def test_need_to_know_is_kept_from_a_system_that_is_no_case_system(store: Store) -> None:
    await people(store, "w1")
    notice = await told(store, await episode(store, need_to_know=True), "w1", "rhi")
    service = at_now(store)
    async with service.caller(PRACTITIONER, person="w1") as told_person:
        assert len((await told_person.get("/v1/trays/me")).json()["items"]) == 1
    async with service.caller(AccessRole.CASE_SYSTEM, **SYSTEM) as keeper:
        assert len((await keeper.get("/v1/trays/w1")).json()["items"]) == 1
    async with service.caller(PRACTITIONER, **SYSTEM) as far:
        assert (await far.get("/v1/trays/w1")).json()["items"] == []
        answer = await far.post("/v1/trays/w1/answers", json={"notices": [notice]}, headers=key())
        assert answer.json()["type"] == "/v1/problems/need-to-know"


class Refusing(Episodes):
    """The engine with episodes that refuse what is said of one clock, or of every one."""

    def __init__(self, *clocks: str) -> None:
        self._clocks = clocks

    async def record(self, episode_id: str, fact: Fact) -> Recorded:
        if fact.details["clock"] in self._clocks:
            raise FactRefusedError("clock: asks for nothing")
        return Recorded.model_validate(
            {"episode_id": episode_id, "fact_id": fact.id, "again": False, "status": "missing", "clocks": ()}
        )


@pytest.mark.parametrize(
    ("refused", "status", "states"),
    [((), 200, ["applied", "applied"]), (("rhi",), 200, ["applied", "refused"]), (("rhi", "visit"), 409, None)],
)
async def test_answers_are_a_problem_only_when_every_one_is_refused(
    refused: tuple[str, ...], status: int, states: list[str] | None, store: Store
) -> None:
    async def reach() -> Episodes:
        return Refusing(*refused)

    await people(store, "w1")
    one = await episode(store)
    notices = [await told(store, one, "w1", clock) for clock in ("rhi", "visit")]
    async with Service(store, reach, clock=lambda: NOW).caller(PRACTITIONER, person="w1") as client:
        answer = await client.post("/v1/trays/me/answers", json={"notices": notices}, headers=key())
    assert answer.status_code == status
    if states is None:
        assert answer.json()["detail"] == "clock: asks for nothing"
    else:
        assert sorted(one["state"] for one in answer.json()["answers"]) == states
