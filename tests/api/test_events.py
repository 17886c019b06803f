"""Events and webhooks over HTTP: read by cursor, waited for, and only one's own authority's; secrets shown once."""

import asyncio
import dataclasses
import time
from collections.abc import AsyncGenerator
from datetime import timedelta

import httpx
import pytest
import pytest_asyncio

from activities.store import Store
from activities.store.audit import entries
from activities.store.episodes import write_changes
from activities.store.events import drop_events
from starter.access import AccessRole
from starter.api.app import create_app
from tests.api.callers import ELSEWHERE, HERE, Service, key
from tests.deliveries.desk import Desk, Receiver
from tests.store.mirror import Mirror, picture_of
from tests.store.turns import NOON, a_whole_life

RECEIVER = "https://case.invented.example/hooks"


async def live(store: Store, turns: int, authority: str = HERE, episode: str = "e1") -> None:
    for turn in a_whole_life(episode, authority)[:turns]:
        async with store.session() as session:
            await write_changes(session, turn)


@pytest_asyncio.fixture
async def case_system(store: Store) -> AsyncGenerator[httpx.AsyncClient]:
    async with Service(store).caller(AccessRole.CASE_SYSTEM) as client:
        yield client


async def test_a_mirror_is_kept_by_reading_on(store: Store, case_system: httpx.AsyncClient) -> None:
    await live(store, 99)
    await live(store, 2, ELSEWHERE, "e2")
    mirror, cursor, more = Mirror(), 0, True
    while more:
        page = (await case_system.get(f"/v1/events?after={cursor}&limit=9")).json()
        for event in page["events"]:
            mirror.take(event)
        cursor, more = page["cursor"], page["more"]
    assert mirror.picture == await picture_of(store, HERE)
    assert (await case_system.get("/v1/feed")).json() == {"last": cursor, "dropped": 0}


async def test_events_are_chosen_by_type(store: Store, case_system: httpx.AsyncClient) -> None:
    await live(store, 3)
    asked = "/v1/events?type=homeward.fact&type=homeward.episode.begun"
    found = (await case_system.get(asked)).json()["events"]
    assert {event["type"] for event in found} == {"homeward.fact.recorded", "homeward.episode.begun"}
    wrong = await case_system.get("/v1/events?type=homeward.nothing")
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "type")


async def test_who_waits_is_answered_when_something_happens(store: Store, case_system: httpx.AsyncClient) -> None:
    began = time.monotonic()
    waiting = asyncio.create_task(case_system.get("/v1/events?wait=20", timeout=30))
    await asyncio.sleep(0.2)
    await live(store, 1)
    page = (await waiting).json()
    assert page["events"][0]["type"] == "homeward.episode.begun"
    assert time.monotonic() - began < 15
    nothing = await case_system.get(f"/v1/events?after={page['cursor']}&wait=1")
    assert (nothing.json()["events"], nothing.json()["cursor"]) == ([], page["cursor"])


async def test_a_cursor_that_leads_nowhere_says_where_to_go_on(store: Store, case_system: httpx.AsyncClient) -> None:
    await live(store, 1)
    async with store.session() as session:
        await drop_events(session, HERE, NOON + timedelta(days=1))
    gone = await case_system.get("/v1/events")
    assert (gone.status_code, gone.json()["type"]) == (410, "/v1/problems/cursor-gone")
    cursor = gone.headers["homeward-cursor"]
    assert f"go on after {cursor}" in gone.json()["detail"]
    assert (await case_system.get(f"/v1/events?after={cursor}")).status_code == 200
    assert (await case_system.get(f"/v1/events?after={int(cursor) + 1}")).status_code == 410


async def test_what_was_shown_is_in_the_audit_and_idle_asking_is_not(
    store: Store, case_system: httpx.AsyncClient
) -> None:
    await case_system.get("/v1/events")
    await live(store, 1)
    await case_system.get("/v1/events")
    async with store.snapshot() as session:
        [entry] = [one for one in await entries(session, HERE) if one.permission == "read_events"]
    assert entry.subjects == ("e1",)


async def test_a_secret_is_shown_once_and_a_key_adds_one_webhook(case_system: httpx.AsyncClient) -> None:
    same, said = key(), {"name": "case", "url": RECEIVER, "types": ["homeward.clock"]}
    first, again = [await case_system.post("/v1/webhooks", json=said, headers=same) for _ in range(2)]
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json()["secret"].startswith("whsec_")
    assert again.json() == first.json() | {"secret": None}
    same = key()
    rotated, once_more = [await case_system.post("/v1/webhooks/case/secret", headers=same) for _ in range(2)]
    assert rotated.json()["secret"] not in (None, first.json()["secret"])
    assert once_more.json() == rotated.json() | {"secret": None}
    [listed] = (await case_system.get("/v1/webhooks")).json()
    assert (listed["name"], listed["state"], listed["types"]) == ("case", "active", ["homeward.clock"])
    assert "secret" not in listed


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"name": "no spaces", "url": RECEIVER}, "name"),
        ({"name": "case", "url": "http://case.invented.example/"}, "url"),
        ({"name": "case", "url": "https://10.0.0.7/hooks"}, "url"),
        ({"name": "case", "url": "https://localhost/hooks"}, "url"),
        ({"name": "case", "url": RECEIVER, "types": ["homeward.nothing"]}, "type"),
        ({"name": "case", "url": RECEIVER, "after": 7}, "after"),
        ({"name": "case", "url": RECEIVER, "secret": "mine"}, "secret"),
    ],
)
async def test_what_cannot_be_a_webhook_is_said_by_its_field(
    case_system: httpx.AsyncClient, said: dict[str, object], field: str
) -> None:
    refused = await case_system.post("/v1/webhooks", json=said, headers=key())
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, field)
    assert (await case_system.get("/v1/webhooks")).json() == []


async def test_a_webhook_is_paused_changed_resumed_and_removed(case_system: httpx.AsyncClient) -> None:
    await case_system.post("/v1/webhooks", json={"name": "case", "url": RECEIVER}, headers=key())
    no_types = list[str]()
    for change, shown in (
        ({"state": "paused"}, ("paused", RECEIVER, no_types)),
        ({"url": f"{RECEIVER}/new"}, ("paused", f"{RECEIVER}/new", no_types)),
        ({"state": "active", "types": ["homeward.task"]}, ("active", f"{RECEIVER}/new", ["homeward.task"])),
    ):
        one = (await case_system.patch("/v1/webhooks/case", json=change)).json()
        assert (one["state"], one["url"], one["types"]) == shown
    assert (await case_system.delete("/v1/webhooks/case")).status_code == 204
    assert (await case_system.get("/v1/webhooks/case")).status_code == 404


async def test_another_authority_s_webhook_is_not_there(store: Store) -> None:
    service = Service(store)
    async with service.caller(AccessRole.CASE_SYSTEM, authority=ELSEWHERE) as away:
        added = await away.post("/v1/webhooks", json={"name": "case", "url": RECEIVER}, headers=key())
    async with service.caller(AccessRole.CASE_SYSTEM) as here:
        assert (await here.get("/v1/webhooks")).json() == []
        for name in ("case", added.json()["id"]):
            path = f"/v1/webhooks/{name}"
            answers = [
                await here.get(path),
                await here.patch(path, json={"state": "paused"}),
                await here.delete(path),
                await here.post(f"{path}/secret", headers=key()),
                await here.post(f"{path}/test", headers=key()),
                await here.get(f"{path}/dead-letters"),
                await here.post(f"{path}/dead-letters/resend", json={}, headers=key()),
            ]
            assert {answer.status_code for answer in answers} == {404}


async def test_dead_letters_are_listed_and_sent_again_and_a_receiver_is_tried_out(store: Store) -> None:
    desk = Desk(store)
    service = Service(store, clock=lambda: desk.now)
    service.app = create_app(dataclasses.replace(service.parts, sends_inwards=True))
    with Receiver() as receiver:
        async with service.caller(AccessRole.CASE_SYSTEM) as client:
            await desk.subscribe(receiver)
            assert (await client.post("/v1/webhooks/case/test", headers=key())).json()["taken"] is True
            await live(store, 1)
            events = (await client.get("/v1/events")).json()["events"]
            receiver.cannot_take = {event["id"]: 400 for event in events[:3]}
            await desk.pass_time(timedelta(days=5), timedelta(hours=4))
            path = "/v1/webhooks/case/dead-letters"
            page = (await client.get(f"{path}?limit=1")).json()
            [dead] = page["items"]
            assert (dead["event"], dead["reason"], dead["type"]) == (events[0]["id"], "http 400", events[0]["type"])
            assert page["next"] is not None
            receiver.cannot_take.clear()
            one = await client.post(f"{path}/resend", json={"event": dead["event"]}, headers=key())
            assert one.json() == {"resent": 1}
            unknown = await client.post(f"{path}/resend", json={"event": dead["event"]}, headers=key())
            assert unknown.status_code == 404
            await client.post(f"{path}/resend", json={}, headers=key())
            await desk.pass_time(timedelta(days=2), timedelta(hours=4))
            assert set(receiver.ids) >= {event["id"] for event in events}
            assert (await client.get(path)).json() == {"items": [], "next": None}
