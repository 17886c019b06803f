"""Tasks over HTTP: the list and its filters, one of them, what is done with it while the engine is away."""

import base64
from datetime import timedelta
from typing import Any

import httpx
import pytest

from activities.store import Store, inbox
from starter.access import AccessRole, Permission
from starter.api.paging import read_cursor
from starter.api.v1 import tasks
from tests.api.callers import ELSEWHERE, Service, key
from tests.api.town import NOW, episode, holds, people, task
from workflows.fact_kinds import FactKind

PRACTITIONER = AccessRole.PRACTITIONER
ACTIONS = ("take", "hand-over", "give-back", "notes", "done")
BODIES: dict[str, dict[str, Any]] = {"hand-over": {"to": "w2"}, "notes": {"note": "x"}, "done": {}}


def at_now(store: Store) -> Service:
    return Service(store, clock=lambda: NOW)


async def kept(store: Store, fact: str) -> dict[str, Any]:
    async with store.session() as session:
        item = await inbox.item(session, fact)
    assert item is not None
    return {**item.body, **item.body["details"], "said_by": item.said_by}


async def pages(client: httpx.AsyncClient, query: str) -> list[dict[str, Any]]:
    """All the items of a list, page by page."""
    items: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = (await client.get(f"/v1/tasks?{query}{cursor}")).json()
        items += page["items"]
        if page["next"] is None:
            return items
        cursor = f"&cursor={page['next']}"


async def a_town(store: Store) -> tuple[str, str]:
    """Two people, of whom w1 is a social worker everywhere; two episodes with tasks; one elsewhere."""
    await people(store, "w1", "w2")
    await holds(store, "w1", "social_worker")
    one, two = await episode(store), await episode(store)
    await task(store, one, "visit", due=NOW + timedelta(hours=2))
    await task(store, one, "rhi", role="interview_provider", due=NOW - timedelta(hours=2), holder="w2")
    await task(store, two, "rhi", role="interview_provider")
    await task(store, two, "refused-1", clock=None, due=None)
    await task(store, two, "sent", state="done", closed_at=NOW)
    await task(store, await episode(store, authority=ELSEWHERE), "rhi", authority=ELSEWHERE)
    return one, two


FILTERS = {
    "": ["refused-1", "rhi", "rhi", "visit"],
    "role=social_worker": ["refused-1", "visit"],
    "clock=rhi": ["rhi", "rhi"],
    "clock=rhi&unclaimed=true": ["rhi"],
    "unclaimed=true": ["refused-1", "rhi", "visit"],
    "state=done": ["sent"],
    "state=withdrawn": [],
    "person=w1": ["refused-1", "visit"],
    "person=w2": ["rhi"],
    "person=me": ["refused-1", "visit"],
    "person=me&clock=visit": ["visit"],
}


@pytest.mark.parametrize("query", FILTERS)
async def test_the_list_is_in_order_of_time_in_pages_and_by_filters(query: str, store: Store) -> None:
    await a_town(store)
    async with at_now(store).caller(PRACTITIONER, person="w1") as client:
        for limit in (1, 2, 50):
            found = await pages(client, f"{query}&limit={limit}")
            assert [one["duty"] for one in found] == FILTERS[query]


async def test_tasks_that_fall_due_together_are_each_listed_once_and_in_order(store: Store) -> None:
    one = await episode(store)
    duties = [f"duty-{number}" for number in range(5)]
    for duty in duties:
        await task(store, one, duty)
    async with at_now(store).caller(PRACTITIONER) as client:
        for limit in (1, 2, 3):
            assert [task["duty"] for task in await pages(client, f"limit={limit}")] == duties


async def test_those_of_one_person_are_found_however_many_stand_before_them(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "_AT_ONCE", 2)
    await a_town(store)
    async with at_now(store).caller(PRACTITIONER) as client:
        assert [one["duty"] for one in await pages(client, "person=w1&limit=1")] == ["refused-1", "visit"]


async def test_a_task_in_the_list_says_what_there_is_to_say(store: Store) -> None:
    one, _ = await a_town(store)
    async with at_now(store).caller(PRACTITIONER) as client:
        (first, _) = await pages(client, f"episode={one}")
    opened = "2026-06-10T11:00:00Z"
    assert first == {
        "episode_id": one,
        "hidden": False,
        "key": f"{one}/rhi",
        "duty": "rhi",
        "clock": "rhi",
        "do": "Invented rhi",
        "role": "interview_provider",
        "due": "2026-06-10T10:00:00Z",
        "overdue": True,
        "state": "open",
        "opened_at": opened,
        "closed_at": None,
        "holder": "w2",
    }


async def test_bad_filters_are_named(store: Store) -> None:
    async with at_now(store).caller(PRACTITIONER) as client:
        for query, field in {
            "role=nobody": "role",
            "state=lost": "state",
            "person=nobody": "person",
            "limit=0": "limit",
            "cursor=x": "cursor",
            "cursor=WyJ4IiwgIngiLCAieCIsIDFd": "cursor",
        }.items():
            answer = await client.get(f"/v1/tasks?{query}")
            assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)
        # Whoever is nobody in the directory has no list of one's own.
        assert (await client.get("/v1/tasks?person=me")).status_code == 403


async def test_one_task_is_shown_in_full(store: Store) -> None:
    one, _ = await a_town(store)
    async with at_now(store).caller(PRACTITIONER) as client:
        shown = (await client.get(f"/v1/episodes/{one}/tasks/visit")).json()
    assert shown["people"] == [{"name": "Invented w1", "cover": "holder"}]
    assert (shown["key"], shown["history"], shown["hidden"]) == (f"{one}/visit", [], False)
    assert "completed_by" in shown


async def test_another_authoritys_task_is_like_none(store: Store) -> None:
    await people(store, "w1", "w2")
    theirs = await episode(store, authority=ELSEWHERE)
    there = await task(store, theirs, "rhi", authority=ELSEWHERE)
    async with at_now(store).caller(PRACTITIONER, person="w1") as client:
        for path in (there, there.replace(theirs, theirs[:-1] + "x"), f"/v1/episodes/{theirs}/tasks/other"):
            answers = [await client.get(path)]
            for action in ACTIONS:
                answers.append(await client.post(f"{path}/{action}", json=BODIES.get(action, {}), headers=key()))
            assert {answer.status_code for answer in answers} == {404}
            assert len({answer.text for answer in answers}) == 1


async def test_need_to_know_hides_what_a_task_is_about_from_who_is_not_close(store: Store) -> None:
    await people(store, "w1", "w2", "w9")
    await holds(store, "w1", "social_worker", child="c1")
    kept_close = await episode(store, "c1", need_to_know=True)
    path = await task(store, kept_close, "rhi", holder="w9")
    service = at_now(store)
    async with service.caller(PRACTITIONER, person="w2") as far:
        (one,) = await pages(far, "limit=1")
        assert one["hidden"] is True
        assert {one[name] for name in ("key", "duty", "clock", "do", "holder")} == {None}
        assert (one["episode_id"], one["due"]) == (kept_close, "2026-06-10T13:00:00Z")
        # Nor does asking for what it is about tell.
        assert await pages(far, "clock=rhi") == []
        assert await pages(far, "person=w9") == []
        for answer in (
            await far.get(path),
            *[await far.post(f"{path}/{one}", json=BODIES.get(one, {}), headers=key()) for one in ACTIONS],
        ):
            assert answer.json()["type"] == "/v1/problems/need-to-know"
    async with service.caller(PRACTITIONER, person="w1") as close:
        for query in ("clock=rhi", "person=w9"):
            assert [one["duty"] for one in await pages(close, query)] == ["rhi"]
        assert (await close.get(path)).status_code == 200


async def test_a_cursor_does_not_tell_what_a_hidden_task_is_about(store: Store) -> None:
    kept_close = await episode(store, need_to_know=True)
    for duty in ("secret-1", "secret-2"):
        await task(store, kept_close, duty)
    async with at_now(store).caller(PRACTITIONER) as client:
        page = (await client.get("/v1/tasks?limit=1")).json()
    cursor = page["next"]
    assert b"secret" not in base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))


@pytest.mark.parametrize("query", ["clock=rhi", "person=w9"])
async def test_a_cursor_names_no_hidden_task_that_a_page_leaves_out(query: str, store: Store) -> None:
    await people(store, "w9")
    kept_close, open_one = await episode(store, need_to_know=True), await episode(store)
    hidden_due = NOW + timedelta(minutes=17)
    await task(store, kept_close, "rhi", holder="w9", due=hidden_due)
    await task(store, open_one, "rhi", holder="w9", due=NOW)
    await task(store, open_one, "visit", clock="rhi", holder="w9", due=NOW + timedelta(hours=9))
    async with at_now(store).caller(PRACTITIONER) as client:
        page = (await client.get(f"/v1/tasks?{query}&limit=1")).json()
        rest = (await client.get(f"/v1/tasks?{query}&limit=1&cursor={page['next']}")).json()
        whole = (await client.get(f"/v1/tasks?{query}&limit=2")).json()
    assert [one["duty"] for one in (*page["items"], *rest["items"])] == ["rhi", "visit"]
    assert [one["duty"] for one in whole["items"]] == ["rhi", "visit"]
    assert rest["next"] is None, "that there is more would tell of what is hidden"
    assert whole["next"] is None
    assert kept_close not in read_cursor(page["next"], str, str, str, int)


SAID: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "take": ({}, {"kind": "task_taken", "person": "w1"}),
    "hand-over": ({"to": "w2", "note": "x"}, {"kind": "task_handed_over", "person": "w2", "note": "x"}),
    "give-back": ({"note": "x"}, {"kind": "task_given_back", "note": "x"}),
    "notes": ({"note": "x"}, {"kind": "task_noted", "note": "x"}),
    "done": ({"note": "x"}, {"kind": "task_done", "note": "x"}),
}


@pytest.mark.parametrize("action", SAID)
async def test_what_is_done_is_kept_once_by_its_key_while_the_engine_is_away(action: str, store: Store) -> None:
    await people(store, "w1", "w2")
    path = await task(store, await episode(store), "refused-1", clock=None)
    body, said = SAID[action]
    async with at_now(store).caller(PRACTITIONER, person="w1") as client:
        mine = key()
        first, again = [await client.post(f"{path}/{action}", json=body, headers=mine) for _ in range(2)]
        other = await client.post(f"{path}/{action}", json={**body, "note": "other"}, headers=mine)
        new = await client.post(f"{path}/{action}", json=body, headers=key())
    assert (first.status_code, first.json()["state"]) == (202, "kept")
    assert first.headers["location"] == f"/v1/said/{first.json()['id']}"
    assert again.json()["id"] == first.json()["id"]
    assert other.json()["type"] == "/v1/problems/key-reused"
    assert new.json()["id"] != first.json()["id"]
    fact = await kept(store, first.json()["id"])
    assert {name: fact.get(name) for name in said} == said
    assert (fact["recorded_by"], fact["task"], fact["at"]) == ("w1", "refused-1", "2026-06-10T12:00:00Z")
    assert fact["said_by"] is not None


async def test_the_fact_its_time_and_its_details_can_be_chosen(store: Store) -> None:
    await people(store, "w1")
    path = await task(store, await episode(store), "rhi_offer")
    body = {"kind": "rhi_declined", "at": "2026-06-10T12:30:00+01:00", "details": {"declined_by": "child"}}
    async with at_now(store).caller(PRACTITIONER, person="w1") as client:
        answer = await client.post(f"{path}/done", json=body, headers=key())
    assert (answer.json()["still_owed"], answer.json()["due_again"]) == (None, None)
    fact = await kept(store, answer.json()["id"])
    assert (fact["kind"], fact["declined_by"], fact["at"]) == ("rhi_declined", "child", "2026-06-10T11:30:00Z")


@pytest.mark.parametrize(
    ("action", "body", "field"),
    [
        ("hand-over", {}, "to"),
        ("hand-over", {"to": "nobody"}, "to"),
        ("notes", {}, "note"),
        ("notes", {"note": " "}, "note"),
        ("take", {"colour": "blue"}, "colour"),
        ("done", {"kind": "returned"}, "kind"),
        ("done", {"kind": "unheard_of"}, "kind"),
        ("done", {"kind": "allowed_to_stay"}, "details.reason"),
        ("done", {"kind": "absence_reviewed", "details": {"decision": "x"}}, "details.decision"),
        ("done", {"kind": "allowed_to_stay", "details": {"reason": "x", "colour": "x"}}, "details.colour"),
        ("done", {"at": "2026-06-10T12:00:00"}, "at"),
        ("done", {"at": "2026-06-11T12:00:00Z", "kind": "allowed_to_stay", "details": {"reason": "x"}}, "at"),
    ],
)
async def test_what_cannot_be_used_is_named_and_leaves_the_key_free(
    action: str, body: dict[str, Any], field: str, store: Store
) -> None:
    await people(store, "w1", "w2")
    path = await task(store, await episode(store), "absence_review")
    mine = key()
    async with at_now(store).caller(PRACTITIONER, person="w1") as client:
        answer = await client.post(f"{path}/{action}", json=body, headers=mine)
        assert answer.status_code == 422, answer.text
        assert answer.json()["errors"][0]["field"] == field
        right = {
            **BODIES.get(action, {}),
            **({"details": {"reason": "x"}, "kind": "allowed_to_stay"} if action == "done" else {}),
        }
        assert (await client.post(f"{path}/{action}", json=right, headers=mine)).status_code == 202


async def test_a_person_acts_in_no_name_but_their_own_and_a_system_in_that_of_whom_it_names(store: Store) -> None:
    await people(store, "w1", "w2")
    path = await task(store, await episode(store), "visit")
    service = at_now(store)
    async with service.caller(PRACTITIONER, person="w1") as person:
        assert (await person.post(f"{path}/take", json={"by": "w2"}, headers=key())).status_code == 403
        assert (await person.post(f"{path}/take", json={"by": "w1"}, headers=key())).status_code == 202
    async with service.caller(PRACTITIONER) as nobody:
        assert (await nobody.post(f"{path}/take", headers=key())).status_code == 403
    async with service.caller(PRACTITIONER, person="left") as gone:
        assert (await gone.post(f"{path}/take", headers=key())).status_code == 403
    async with service.caller(PRACTITIONER, kind="system", name="Invented system") as system:
        answer = await system.post(f"{path}/take", json={"by": "w2"}, headers=key())
        fact = await kept(store, answer.json()["id"])
        assert (fact["person"], fact["recorded_by"]) == ("w2", "w2")
        noted = await system.post(f"{path}/notes", json={"note": "x"}, headers=key())
        assert (await kept(store, noted.json()["id"]))["recorded_by"] == "Invented system"
        for by in ({}, {"by": "nobody"}):
            answer = await system.post(f"{path}/take", json=by, headers=key())
            assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "by")


async def test_a_task_that_is_not_open_is_not_completed_again(store: Store) -> None:
    await people(store, "w1")
    path = await task(store, await episode(store), "visit", state="withdrawn", closed_at=NOW)
    async with at_now(store).caller(PRACTITIONER, person="w1") as client:
        answer = await client.post(f"{path}/done", json={}, headers=key())
    assert (answer.status_code, answer.json()["detail"]) == (409, "task: it is withdrawn already")


async def test_completing_needs_the_permission_to_record_its_fact(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    await people(store, "w1")
    path = await task(store, await episode(store), "refused-1", clock=None)

    def to_rule(_: FactKind) -> Permission:
        return Permission.RULE

    monkeypatch.setattr(tasks, "permission_to_record", to_rule)
    async with at_now(store).caller(PRACTITIONER, person="w1") as client:
        answer = await client.post(f"{path}/done", json={}, headers=key())
    assert answer.json()["type"] == "/v1/problems/not-allowed"
