"""What stands still over HTTP: to operators alone, with the engine away, in ids; deeds with their reason."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from activities.store import Store, inbox
from activities.store.audit import entries
from activities.store.inbox import InboxItem
from activities.store.subscriptions import Subscription, add_subscription
from starter.access import AccessRole
from tests.api.callers import HERE, Service, key

WHY: dict[str, str] = {"Homeward-Reason": "an invented reason"}


async def kept(store: Store, count: int) -> list[str]:
    """So many things that were said hours ago and wait, the longest first."""
    now = datetime.now(UTC)
    ids = [str(uuid4()) for _ in range(count)]
    async with store.session() as session:
        for number, id in enumerate(ids):
            about: dict[str, Any] = {"id": id, "authority": HERE, "kind": "fact", "episode_id": "e1", "urgency": 1}
            about |= {"body": {"note": "SECRET"}, "received_at": now - timedelta(hours=9, minutes=-number)}
            await inbox.keep(session, InboxItem.model_validate(about))
    return ids


async def test_what_stands_still_is_the_worst_first_in_ids_and_counted_where_it_is_cut(store: Store) -> None:
    ids = await kept(store, 53)
    async with Service(store).caller(AccessRole.OPERATOR) as client:
        answer = await client.get("/v1/stuck")
    body = answer.json()
    assert [one["kind"] for one in body["stuck"]] == ["engine_silent", *["said_not_applied"] * 50]
    assert [one["subject"] for one in body["stuck"][1:]] == ids[:50]
    assert body["more"] == {"said_not_applied": 3}
    assert body["engine_answers"] is False
    assert body["stuck"][1]["deeds"] == ["put_to_engine"]
    assert "SECRET" not in answer.text
    assert {one["about"]: one["well"] for one in body["standing"]} == {
        "engine": False,
        "database": True,
        "agreement": True,
        "inbox": False,
        "messages": True,
        "webhooks": True,
        "policies": True,
        "open episodes": True,
    }


async def test_a_deed_needs_a_key_and_a_reason_which_is_in_the_audit_and_is_done_once(store: Store) -> None:
    async with store.session() as session:
        about: dict[str, Any] = {"id": str(uuid4()), "authority": HERE, "name": "hook", "url": "https://x.example/"}
        about |= {"kinds": (), "secret": "s", "position": 0, "created_at": datetime.now(UTC)}
        await add_subscription(session, Subscription.model_validate(about))
    said, same = {"deed": "pause_webhook", "subject": "hook"}, key()
    async with Service(store).caller(AccessRole.ADMINISTRATOR) as client:
        assert (await client.post("/v1/stuck/deeds", json=said, headers=WHY)).status_code == 422
        unsaid = await client.post("/v1/stuck/deeds", json=said, headers=key())
        assert (unsaid.status_code, "Homeward-Reason: must say why" in unsaid.text) == (422, True)
        answers = [await client.post("/v1/stuck/deeds", json=said, headers={**same, **WHY}) for _ in range(2)]
        other = await client.post("/v1/stuck/deeds", json={**said, "subject": "other"}, headers={**same, **WHY})
    assert [one.json() for one in answers] == [{"says": "hook is paused. Events wait for it."}] * 2
    assert (other.status_code, other.json()["type"]) == (409, "/v1/problems/key-reused")
    async with store.session() as session:
        written = [one for one in await entries(session, HERE) if one.way == "POST /v1/stuck/deeds" and one.why]
    assert {(one.why, "hook" in one.subjects) for one in written if "hook" in one.subjects} == {
        (WHY["Homeward-Reason"], True)
    }


@pytest.mark.parametrize(
    ("deed", "role", "status"),
    [
        ("pause_webhook", AccessRole.OPERATOR, 403),
        ("hand_over", AccessRole.OPERATOR, 422),
        ("put_to_engine", AccessRole.OPERATOR, 422),
        ("reconcile", AccessRole.MANAGER, 403),
        ("terminate", AccessRole.OPERATOR, 422),
    ],
)
async def test_what_cannot_be_done_is_said(store: Store, deed: str, role: AccessRole, status: int) -> None:
    async with Service(store).caller(role) as client:
        answer = await client.post("/v1/stuck/deeds", json={"deed": deed, "subject": "none"}, headers={**key(), **WHY})
    assert answer.status_code == status


async def test_while_the_engine_is_away_what_needs_it_is_refused_and_the_key_is_free(store: Store) -> None:
    [id] = await kept(store, 1)
    said = {"deed": "put_to_engine", "subject": id}
    async with Service(store).caller(AccessRole.OPERATOR) as client:
        for _ in range(2):
            answer = await client.post("/v1/stuck/deeds", json=said, headers={"Idempotency-Key": "k1", **WHY})
            assert answer.status_code == 503


async def test_a_batch_says_first_what_it_would_do_and_once_the_engine_is_silent_tries_no_more(store: Store) -> None:
    ids = await kept(store, 53)
    said = {"deed": "put_to_engine", "kind": "said_not_applied"}
    async with Service(store).caller(AccessRole.OPERATOR) as client:
        unsaid = await client.post("/v1/stuck/batches", json=said, headers=key())
        dry = await client.post("/v1/stuck/batches", json={**said, "dry_run": True}, headers={**key(), **WHY})
        done = await client.post("/v1/stuck/batches", json=said, headers={**key(), **WHY})
    assert unsaid.status_code == 422
    assert [(one["subject"], one["done"]) for one in dry.json()["lines"]] == [(id, None) for id in ids[:50]]
    assert dry.json()["left"] == 3
    assert [one["done"] for one in done.json()["lines"]] == [False] * 50
    assert {one["says"] for one in done.json()["lines"]} == {"not done: the engine does not answer"}
    async with store.session() as session:
        written = [one for one in await entries(session, HERE) if one.way == "POST /v1/stuck/batches" and one.why]
    assert sum(set(ids[:50]) <= set(one.subjects) for one in written) == 2


@pytest.mark.parametrize(
    ("deed", "kind", "words"),
    [
        ("resend", "apart", "deed: for 'apart' it must be reconcile"),
        ("hand_over", "role_unheld", "deed: for 'role_unheld' it must be nothing"),
    ],
)
async def test_a_batch_that_helps_none_of_its_kind_is_refused(store: Store, deed: str, kind: str, words: str) -> None:
    async with Service(store).caller(AccessRole.OPERATOR) as client:
        answer = await client.post("/v1/stuck/batches", json={"deed": deed, "kind": kind}, headers={**key(), **WHY})
    assert (answer.status_code, words in answer.text) == (422, True)
