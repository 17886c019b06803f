"""Records of children over HTTP: the latest with its gaps, every version, new ones; and who may see a child at all."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from activities.store import Store, inbox
from activities.store.child_records import child_of
from activities.store.inbox import InboxItem
from starter.access import AccessRole
from starter.child_records import FORMS
from starter.reports import read_report
from starter.sight import child_is_hidden
from tests.api.callers import ELSEWHERE, HERE, Service, key, principal
from tests.api.town import NOW, episode, holds, people, task, told

PRACTITIONER = AccessRole.PRACTITIONER
PHOTOGRAPHS = {"face_on": "2026-06-01", "with_carer": True}


def at_now(store: Store) -> Service:
    return Service(store, clock=lambda: NOW)


async def record(client: httpx.AsyncClient, body: Any, kind: str = "photographs", **headers: str) -> httpx.Response:
    return await client.post(f"/v1/children/c1/records/{kind}", json=body, headers=headers or key())


async def test_each_record_is_a_version_and_the_latest_is_shown_with_its_gaps(store: Store) -> None:
    await people(store, "w1")
    async with at_now(store).caller(PRACTITIONER, person="w1") as client:
        first = await record(client, PHOTOGRAPHS)
        second = await record(client, {**PHOTOGRAPHS, "full_length_on": "2026-06-02"})
        latest = (await client.get("/v1/children/c1/records")).json()
        versions = (await client.get("/v1/children/c1/records/photographs")).json()
    kept = {"kind": "photographs", "version": 1, "recorded_at": "2026-06-10T12:00:00Z", "recorded_by": "w1"}
    assert first.status_code == 201
    assert {name: first.json()[name] for name in kept} == kept
    assert second.json()["version"] == 2
    assert set(latest) == set(FORMS)
    assert latest["placement"] is None
    assert latest["photographs"]["gaps"] == ["whether copies are on the electronic record"]
    assert [(one["version"], one["body"]) for one in versions] == [
        (1, PHOTOGRAPHS),
        (2, {**PHOTOGRAPHS, "full_length_on": "2026-06-02"}),
    ]


async def test_a_version_is_added_once_by_its_key(store: Store) -> None:
    mine = key()
    async with at_now(store).caller(PRACTITIONER) as client:
        first, again = [await record(client, PHOTOGRAPHS, **mine) for _ in range(2)]
        other = await record(client, {"with_carer": False}, **mine)
        assert first.json() == again.json()
        assert other.json()["type"] == "/v1/problems/key-reused"
        assert len((await client.get("/v1/children/c1/records/photographs")).json()) == 1


@pytest.mark.parametrize(
    ("kind", "body", "field"),
    [
        ("photographs", {"colour": "secret-word"}, "colour"),
        ("photographs", {"face_on": "secret-word"}, "face_on"),
        ("placement", {"placed_on": "2026-06-01"}, "setting"),
        ("diary", {}, "kind"),
        ("photographs", [], ""),
    ],
)
async def test_what_cannot_be_used_is_named(kind: str, body: Any, field: str, store: Store) -> None:
    async with at_now(store).caller(PRACTITIONER) as client:
        answer = await record(client, body, kind)
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["field"] == field
        # Nothing was kept: nobody knows of that child.
        assert (await client.get("/v1/children/c1/records")).status_code == 404


async def test_another_authoritys_child_is_like_none(store: Store) -> None:
    service = at_now(store)
    async with service.caller(PRACTITIONER, authority=ELSEWHERE) as theirs:
        await record(theirs, PHOTOGRAPHS)
    async with service.caller(PRACTITIONER) as client:
        for child in ("c1", "c2"):
            for path in ("records", "records/photographs", "episodes"):
                assert (await client.get(f"/v1/children/{child}/{path}")).status_code == 404


async def test_the_childs_episodes_latest_first_hidden_where_they_are_not_for_the_asker(store: Store) -> None:
    first = await episode(store, "c1", closed=True)
    kept_close = await episode(store, "c1", need_to_know=True, closed=True)
    near = await episode(store, "c1", need_to_know=True)
    await people(store, "w1")
    await task(store, near, "rhi", holder="w1")
    await episode(store, "c1", authority=ELSEWHERE)
    service = at_now(store)
    async with service.caller(PRACTITIONER, person="w1") as client:
        listed = {one["episode_id"]: one for one in (await client.get("/v1/children/c1/episodes")).json()}
    assert set(listed) == {first, kept_close, near}
    assert not listed[near]["hidden"]
    assert (listed[first]["hidden"], listed[first]["status"]) == (False, "missing")
    assert listed[kept_close] == {
        "episode_id": kept_close,
        "hidden": True,
        "status": None,
        "missing_since": None,
        "returned_at": None,
        "closed_at": None,
    }


async def reported(store: Store, child: str, said_by: str, **circumstances: bool) -> None:
    """A report of a child that no workflow has written yet."""
    report = read_report({"child": {"reference": child, **circumstances}}, NOW)
    async with store.session() as session:
        child_id = await inbox.child_id(session, HERE, child, NOW)
        body = {"report": report.model_dump(mode="json"), "child_id": child_id}
        item = InboxItem(
            id=str(uuid4()),
            authority=HERE,
            kind="report",
            episode_id=str(uuid4()),
            body=body,
            child_id=child_id,
            urgency=0,
            received_at=NOW,
            said_by=said_by,
        )
        await inbox.keep(session, item)


async def a_childs_life(store: Store, what: str) -> None:
    """What has become of child c1: the far person w2 has nothing to do with any of it, w1 has."""
    await people(store, "w1", "w2")
    if what == "held for the child":
        await holds(store, "w1", "social_worker", child="c1")
        await episode(store, "c1", need_to_know=True)
    elif what == "told of an earlier one":
        await episode(store, "c1", need_to_know=True)
        await told(store, await episode(store, "c1", need_to_know=True, closed=True), "w1", "rhi")
    elif what == "has a task":
        await task(store, await episode(store, "c1", need_to_know=True), "rhi", holder="w1")
    elif what == "only reported, held for the child":
        await holds(store, "w1", "social_worker", child="c1")
        await reported(store, "c1", "somebody", restricted=True)
    elif what == "closed":
        await told(store, await episode(store, "c1", need_to_know=True, closed=True), "w1", "rhi")
    elif what == "not need-to-know":
        await episode(store, "c1")
        await reported(store, "c1", "somebody")
    elif what == "another child's":
        await episode(store, "c2", need_to_know=True)
        async with store.session() as session:
            await inbox.child_id(session, HERE, "c1", NOW)


@pytest.mark.parametrize(
    ("life", "far_is_kept_out"),
    [
        ("held for the child", True),
        ("told of an earlier one", True),
        ("has a task", True),
        ("only reported, held for the child", True),
        ("closed", True),
        ("not need-to-know", False),
        ("another child's", False),
    ],
)
async def test_a_child_with_a_need_to_know_episode_is_shown_to_who_is_close(
    life: str, far_is_kept_out: bool, store: Store
) -> None:
    await a_childs_life(store, life)
    close = principal(PRACTITIONER, person="w1", id="w1-principal")
    far, keeper = principal(PRACTITIONER, person="w2"), principal(AccessRole.CASE_SYSTEM, kind="system")
    async with store.session() as session:
        child = await child_of(session, HERE, "c1")
        assert child is not None
        hidden = [await child_is_hidden(session, one, child, NOW) for one in (close, far, keeper)]
    assert hidden == [False, far_is_kept_out, False]


async def test_a_hidden_child_is_need_to_know_on_every_route(store: Store) -> None:
    await a_childs_life(store, "held for the child")
    service = at_now(store)
    async with service.caller(PRACTITIONER, person="w2") as far:
        answers = [
            await far.get("/v1/children/c1/records"),
            await far.get("/v1/children/c1/records/placement"),
            await far.get("/v1/children/c1/episodes"),
            await record(far, PHOTOGRAPHS),
        ]
        assert {answer.json()["type"] for answer in answers} == {"/v1/problems/need-to-know"}
    async with service.caller(PRACTITIONER, person="w1") as close:
        assert (await record(close, PHOTOGRAPHS)).status_code == 201
        assert (await close.get("/v1/children/c1/records")).status_code == 200
