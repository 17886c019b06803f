"""Changing the directory and need-to-know: nobody opens a restricted child to themselves; whom a change is about."""

from typing import Any

import httpx
import pytest
from sqlalchemy import select

from activities.store import Store, audit
from activities.store.child_records import child_of
from activities.store.tables import ChildTeamTable, HoldingTable
from starter.access import AccessRole
from tests.api.callers import HERE, Service, key
from tests.api.test_directory import CSV, as_file
from tests.api.town import NOW, episode, holds, people, told

MANAGER = AccessRole.MANAGER
ME = {"id": "me", "person": "m1"}
CHILD = {"role": "social_worker", "scope": "child", "for": "c1"}
TEAM = {"role": "social_worker", "scope": "team", "for": "North"}
OTHER_TEAM = {**TEAM, "for": "South"}


async def a_town(store: Store, *, restricted: bool = True) -> tuple[Service, str]:
    """A restricted child of the team North, whose worker is w1; me, who works for the team South."""
    await people(store, "m1", "w1", "w2")
    await holds(store, "w1", "social_worker", child="c1")
    service = Service(store, clock=lambda: NOW)
    async with service.caller(MANAGER, id="setup", person="w1") as client:
        for held in (OTHER_TEAM, {**CHILD, "for": "c2"}):
            answer = await client.post("/v1/directory/holders", json={**held, "person": "m1"}, headers=key())
            assert answer.status_code == 200
        for child, team in (("c1", "North"), ("c3", "South")):
            assert (await client.put(f"/v1/directory/teams/{child}", json={"team": team})).status_code == 200
    return service, await episode(store, "c1", need_to_know=restricted)


Change = tuple[str, str, dict[str, Any] | bytes]

OPENING: dict[str, Change] = {
    "a role for the child": ("post", "directory/holders", {**CHILD, "person": "m1"}),
    "instead of whoever works for it": ("post", "directory/holders", {**CHILD, "person": "m1", "instead": True}),
    "a role for it later": ("post", "directory/holders", {**CHILD, "person": "m1", "from": "2026-07-01T09:00:00Z"}),
    "a role for its team": ("post", "directory/holders", {**TEAM, "person": "m1"}),
    "the child in one's team": ("put", "directory/teams/c1", {"team": "South"}),
    "a file of holders": (
        "put",
        "directory-files/holders",
        as_file("holders", "iro,w1,authority,,,", "iro,m1,child,c1,,"),
    ),
    "a file of holders of its team": ("put", "directory-files/holders", as_file("holders", "iro,m1,team,North,,")),
    "a file of teams": ("put", "directory-files/teams", as_file("teams", "c9,North", "c1,South")),
}


async def made(client: httpx.AsyncClient, change: Change) -> httpx.Response:
    method, path, body = change
    sent: dict[str, Any] = {"content": body, "headers": CSV} if isinstance(body, bytes) else {"json": body}
    headers = {**sent.pop("headers", {}), **key()}
    return await client.request(method, f"/v1/{path}", headers=headers, **sent)


async def all_of_it(store: Store) -> list[tuple[Any, ...]]:
    async with store.session() as session:
        held = (await session.scalars(select(HoldingTable).order_by(HoldingTable.id))).all()
        teams = (await session.scalars(select(ChildTeamTable).order_by(ChildTeamTable.child_id))).all()
    kept = [(one.person_id, one.scope, one.held_for, one.since, one.until) for one in held]
    return [*kept, *((one.child_id, one.team) for one in teams)]


async def sees(client: httpx.AsyncClient, of_episode: str) -> bool:
    """Whether an episode is shown whole in the list of them."""
    listed = (await client.get("/v1/episodes")).json()["items"]
    return any(one["episode_id"] == of_episode and not one["hidden"] for one in listed)


@pytest.mark.parametrize("way", OPENING)
async def test_nobody_makes_themselves_the_worker_of_a_child_who_is_hidden_from_them(way: str, store: Store) -> None:
    service, hidden = await a_town(store)
    before = await all_of_it(store)
    async with service.caller(MANAGER, **ME) as client:
        answer = await made(client, OPENING[way])
        assert (answer.status_code, answer.json()["type"]) == (403, "/v1/problems/need-to-know"), answer.text
        assert answer.json()["detail"] == (
            "this would make you a worker of a restricted child whom you may not see: "
            "another person who may change the directory must do it, or break the glass first"
        )
        assert await all_of_it(store) == before, "nothing of it was written"
        assert not await sees(client, hidden)
    async with store.session() as session:
        child = await child_of(session, HERE, "c1")
        entries = await audit.entries(session, HERE, who="me")
    refused = [one for one in entries if one.outcome == "refused"]
    assert len(refused) == 1
    if "of its team" not in way and way != "a role for its team":
        assert child in refused[0].subjects


@pytest.mark.parametrize("way", OPENING)
async def test_another_person_may_make_them_so(way: str, store: Store) -> None:
    service, hidden = await a_town(store)
    for person in ("w2", None):
        async with service.caller(MANAGER, id=f"another {person}", person=person) as client:
            answer = await made(client, OPENING[way])
            assert answer.status_code == 200, answer.text
            assert not await sees(client, hidden)
    async with service.caller(MANAGER, **ME) as client:
        assert await sees(client, hidden) is (way != "a role for it later")


@pytest.mark.parametrize("way", OPENING)
async def test_whoever_may_see_the_child_already_may_work_for_it(way: str, store: Store) -> None:
    service, hidden = await a_town(store)
    async with service.caller(MANAGER, **ME) as client:
        why = {"reason": "The child has nobody else tonight"}
        broken = await client.post(f"/v1/episodes/{hidden}/break-glass", json=why, headers=key())
        assert broken.status_code == 201, broken.text
        assert (await made(client, OPENING[way])).status_code == 200
    async with service.caller(AccessRole.CASE_SYSTEM, id="system", kind="system") as system:
        assert (await made(system, OPENING[way])).status_code == 200


@pytest.mark.parametrize("way", OPENING)
async def test_a_child_who_is_not_restricted_may_be_anybodys(way: str, store: Store) -> None:
    service, _ = await a_town(store, restricted=False)
    async with service.caller(MANAGER, **ME) as client:
        assert (await made(client, OPENING[way])).status_code == 200


@pytest.mark.parametrize("role", [MANAGER, AccessRole.DUTY, AccessRole.ADMINISTRATOR])
async def test_what_opens_no_child_is_changed_as_ever_beside_one(role: AccessRole, store: Store) -> None:
    service, hidden = await a_town(store)
    person = {"name": "Invented Me", "deputies": ["w1"]}
    shift = {"role": "iro", "person": "m1", "from": "2026-06-11T09:00:00Z", "until": "2026-06-12T09:00:00Z"}
    others: list[Change] = [
        ("post", "directory/holders", {"role": "iro", "person": "m1"}),
        ("post", "directory/holders", {**CHILD, "person": "w2"}),
        ("post", "directory/holders", {**CHILD, "for": "c4", "person": "m1"}),
        ("post", "directory/holders/releases", {**CHILD, "person": "w1"}),
        ("put", "directory/teams/c1", {"team": "West"}),
        ("put", "directory/people/m1", person),
        ("post", "directory/rota", shift),
    ]
    async with service.caller(role, **ME) as client:
        for change in others:
            assert (await made(client, change)).status_code == 200, change
        assert role is AccessRole.ADMINISTRATOR or not await sees(client, hidden)


async def test_one_episode_of_several_that_may_be_seen_does_not_open_the_others(store: Store) -> None:
    service, _ = await a_town(store)
    told_of = await episode(store, "c1", need_to_know=True)
    await told(store, told_of, "m1", "rhi")
    async with service.caller(MANAGER, **ME) as client:
        assert await sees(client, told_of)
        assert (await made(client, OPENING["a role for the child"])).status_code == 403


async def test_a_restricted_child_who_is_only_reported_is_as_closed(store: Store) -> None:
    await people(store, "m1")
    service = Service(store)
    report = {"child": {"reference": "c1", "restricted": True}, "last_seen": "2026-06-09T20:30:00Z"}
    async with service.caller(MANAGER, **ME) as client, service.caller(AccessRole.DUTY) as other:
        for reporter in (client, other):
            assert (await reporter.post("/v1/episodes", json=report, headers=key())).status_code == 202
            # Whoever reports a child may not open by that all that is kept of it.
            assert (await made(client, OPENING["a role for the child"])).status_code == 403


async def named(store: Store, way: str) -> set[str]:
    """All that the audit has of a way by me, but for the parts of its path."""
    async with store.session() as session:
        entries = await audit.entries(session, HERE, who="me")
    return {one for entry in entries if entry.way == way for one in entry.subjects}


async def test_a_change_is_written_down_with_whom_it_is_about(store: Store) -> None:
    service, _ = await a_town(store)
    holders = {**CHILD, "for": "new", "person": "w2"}
    file = as_file("teams", "c3,South", "c8,East")
    async with service.caller(MANAGER, **ME) as client:
        assert (await made(client, ("post", "directory/holders", holders))).status_code == 200
        assert (await made(client, ("post", "directory/holders/releases", {**CHILD, "person": "w1"}))).is_success
        assert (await made(client, ("put", "directory/teams/c7", {"team": "East"}))).is_success
        assert (await made(client, ("put", "directory-files/teams", file))).is_success
        assert (await made(client, ("put", "directory-files/teams?dry_run=true", file))).is_success
        await client.get("/v1/directory/who?role=iro&child=c2")
    async with store.session() as session:
        ids = {one: str(await child_of(session, HERE, one)) for one in ("c1", "c2", "c3", "c7", "c8", "new")}
    assert await named(store, "POST /v1/directory/holders") == {ids["new"], "w2"}
    assert await named(store, "POST /v1/directory/holders/releases") == {ids["c1"], "w1"}
    assert await named(store, "PUT /v1/directory/teams/{child}") == {"c7", ids["c7"]}
    assert await named(store, "PUT /v1/directory-files/{kind}") == {"teams", ids["c8"]}, "what is unchanged is not"
    assert await named(store, "GET /v1/directory/who") == {ids["c2"]}


async def test_what_no_database_takes_is_refused_as_ever(store: Store) -> None:
    await people(store, "w1")
    async with Service(store).caller(MANAGER, **ME) as client:
        for cell in ("a\0b", "a\nb"):
            answer = await made(client, ("post", "directory/holders", {**CHILD, "for": cell, "person": "w1"}))
            assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "for"), answer.text
