"""Episodes over HTTP while no engine answers: what is said is kept once, and nobody sees what is not theirs."""

import base64
import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

from activities.store import Store, audit
from activities.store.statements import upsert
from activities.store.tables import ClockTable, InboxTable
from starter.access import AccessRole
from starter.api.paging import read_cursor
from tests.api.callers import ELSEWHERE, HERE, Service, key
from tests.api.page import PAGE
from tests.api.town import NOW, episode, holds, people

A_REPORT: dict[str, Any] = {
    "child": {"reference": "INVENTED-1", "looked_after": True},
    "last_seen": "2026-06-09T20:15:00+01:00",
    "reported": "2026-06-09T21:15:00+01:00",
}
JSON = {"Content-Type": "application/json"}
RESTRICTING = {"kind": "described", "at": "2026-06-10T08:00:00Z", "details": {"restricted": "yes"}}
FOUND = {"kind": "located", "at": "2026-06-10T08:00:00Z"}


async def report(client: httpx.AsyncClient, said: dict[str, Any] = A_REPORT, **headers: str) -> httpx.Response:
    return await client.post("/v1/episodes", json=said, headers=key() | headers)


async def counted(store: Store) -> int:
    async with store.session() as session:
        return await session.scalar(select(func.count()).select_from(InboxTable)) or 0


async def test_a_report_is_kept_once_however_often_it_is_sent(store: Store) -> None:
    async with Service(store).caller(AccessRole.DUTY) as duty:
        same = key()
        answers = [await duty.post("/v1/episodes", json=A_REPORT, headers=same) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [202] * 3
        assert len({answer.json()["episode_id"] for answer in answers}) == 1
        assert [answer.json()["again"] for answer in answers] == [False, True, True]
        assert "answers.mobile_number" in " ".join(answers[0].json()["asked_for"])
        where = answers[0].headers["location"]
        waiting = (await duty.get(where)).json()
        assert (waiting["state"], waiting["kind"]) == ("kept", "report")
        whole = (await duty.get(f"/v1/episodes/{waiting['episode_id']}")).json()
        assert whole["status"] is None
        assert whole["child_reference"] == "INVENTED-1"
    assert await counted(store) == 1


async def test_what_waits_is_listed_a_page_at_a_time_to_who_may_see_it(store: Store) -> None:
    service = Service(store)
    async with service.caller(AccessRole.DUTY) as duty, service.caller(AccessRole.DUTY) as other:
        mine = [(await report(duty)).json()["id"] for _ in range(3)]
        close = (await report(duty, A_REPORT | {"child": {"restricted": True}})).json()["id"]
        seen, cursor = list[str](), ""
        while cursor is not None:
            page = (await duty.get(f"/v1/said?limit=3{cursor}")).json()
            seen += [one["id"] for one in page["items"]]
            cursor = f"&cursor={page['next']}" if page["next"] else None
        theirs = (await other.get("/v1/said")).json()["items"]
    assert sorted(seen) == sorted([*mine, close])
    assert sorted(one["id"] for one in theirs) == sorted(mine)
    async with service.caller(AccessRole.DUTY, authority=ELSEWHERE) as away:
        assert (await away.get("/v1/said")).json()["items"] == []


async def test_the_cursor_of_what_waits_names_nothing_that_may_not_be_seen(store: Store) -> None:
    service = Service(store)
    async with service.caller(AccessRole.DUTY) as duty, service.caller(AccessRole.DUTY) as other:
        first = (await report(duty)).json()["id"]
        for _ in range(3):
            await report(duty, A_REPORT | {"child": {"restricted": True}})
        page = (await other.get("/v1/said?limit=1")).json()
        assert ([one["id"] for one in page["items"]], page["next"]) == ([first], None)
        last = (await report(duty)).json()["id"]
        page = (await other.get("/v1/said?limit=1")).json()
        assert read_cursor(page["next"], str, str)[1] == first
        rest = (await other.get(f"/v1/said?limit=1&cursor={page['next']}")).json()
        assert ([one["id"] for one in rest["items"]], rest["next"]) == ([last], None)


async def test_another_sender_s_key_is_another_key(store: Store) -> None:
    service, same = Service(store), key()
    async with service.caller(AccessRole.DUTY) as one, service.caller(AccessRole.DUTY) as two:
        first, second = [await client.post("/v1/episodes", json=A_REPORT, headers=same) for client in (one, two)]
    assert first.json()["episode_id"] != second.json()["episode_id"]


async def test_a_key_that_was_used_for_something_else_is_refused_and_nothing_is_kept(store: Store) -> None:
    async with Service(store).caller(AccessRole.MANAGER) as client:
        same = key()
        episode = (await client.post("/v1/episodes", json=A_REPORT, headers=same)).json()["episode_id"]
        other = await client.post("/v1/episodes", json=A_REPORT | {"noticed": FOUND["at"]}, headers=same)
        facts = f"/v1/episodes/{episode}/facts"
        assert (await client.post(facts, json=FOUND, headers=same)).status_code == 202
        again = await client.post(facts, json=FOUND, headers=same)
        later = await client.post(facts, json=FOUND | {"at": "2026-06-10T09:00:00Z"}, headers=same)
    assert (other.status_code, later.status_code) == (409, 409)
    assert other.json()["type"].endswith("key-reused")
    assert (again.status_code, again.json()[0]["again"]) == (202, True)
    assert await counted(store) == 2


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"last_seen": "2026-06-09T20:15:00"}, "last_seen"),
        ({"last_seen": 0}, "last_seen"),
        ({"last_seen": "yesterday"}, "last_seen"),
        ({"reported": "2126-06-09T20:15:00Z"}, "reported"),
        ({"child": {"looked_after": "perhaps"}}, "child.looked_after"),
        ({"child": {"surname": "Invented"}}, "child.surname"),
        ({"answers": {"health": "\0"}}, "answers.health"),
        ({"policy": "none-such"}, "policy"),
        ({"report_id": "x"}, "report_id"),
        ([], ""),
    ],
)
async def test_what_cannot_be_used_is_named_and_nothing_is_kept(store: Store, said: Any, field: str) -> None:
    async with Service(store).caller(AccessRole.DUTY) as client:
        answer = await report(client, said)
    problem = answer.json()
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["errors"][0]["field"] == field
    assert "Invented" not in answer.text
    assert await counted(store) == 0


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"kind": "located", "at": "2026-06-10T08:00:00"}, "at"),
        ({"kind": "located"}, "at"),
        ({"kind": "lost"}, "kind"),
        (FOUND | {"details": {"recorded_by": "somebody"}}, "details.recorded_by"),
        (FOUND | {"details": {"colour": "blue"}}, "colour"),
        (FOUND | {"colour": "blue"}, "colour"),
        (FOUND | {"at": "2126-06-10T08:00:00Z"}, "at"),
        ({"kind": "told", "at": FOUND["at"], "details": {"role": "king"}}, "role"),
    ],
)
async def test_a_fact_that_cannot_be_used_is_named(store: Store, said: dict[str, Any], field: str) -> None:
    async with Service(store).caller(AccessRole.DUTY) as client:
        episode = (await report(client)).json()["episode_id"]
        answer = await client.post(f"/v1/episodes/{episode}/facts", json=said, headers=key())
    assert answer.status_code == 422
    assert field in [mistake["field"] for mistake in answer.json()["errors"]]
    assert await counted(store) == 1


async def test_the_fact_that_the_page_gives_as_an_example_can_be_sent(store: Store) -> None:
    [said] = re.findall(r"```json\n(\{\s+\"kind\".*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    async with Service(store).caller(AccessRole.DUTY) as client:
        episode = (await report(client)).json()["episode_id"]
        answer = await client.post(f"/v1/episodes/{episode}/facts", content=said, headers=key() | JSON)
        assert [(one["state"], one["status"], one["again"]) for one in answer.json()] == [("kept", None, False)]
        await client.post(f"/v1/episodes/{episode}/facts", json=RESTRICTING, headers=key())
    async with store.session() as session:
        facts = select(InboxTable.body).where(InboxTable.kind == "fact").order_by(InboxTable.received_at)
        kept = await session.scalars(facts)
    assert [fact["details"] for fact in kept] == [json.loads(said)["details"], RESTRICTING["details"]]


async def test_a_post_without_a_key_is_refused(store: Store) -> None:
    async with Service(store).caller(AccessRole.DUTY) as client:
        answer = await client.post("/v1/episodes", json=A_REPORT)
    assert answer.status_code == 422
    assert "Idempotency-Key" in answer.json()["errors"][0]["field"]


async def test_who_may_record_may_not_rule(store: Store) -> None:
    async with Service(store).caller(AccessRole.PRACTITIONER) as client:
        episode = (await report(client)).json()["episode_id"]
        said = {"kind": "clock_voided", "at": FOUND["at"], "details": {"clock": "rhi", "reason": "invented"}}
        answer = await client.post(f"/v1/episodes/{episode}/facts", json=said, headers=key())
    assert answer.status_code == 403
    assert await counted(store) == 1


async def test_a_person_records_under_their_own_name_and_a_system_may_name_who_said_it(store: Store) -> None:
    service = Service(store)
    said = FOUND | {"recorded_by": "somebody else"}
    async with service.caller(AccessRole.DUTY, person="night-duty") as person:
        episode = (await report(person)).json()["episode_id"]
        first = (await person.post(f"/v1/episodes/{episode}/facts", json=said, headers=key())).json()[0]["id"]
    async with service.caller(AccessRole.CASE_SYSTEM, kind="system", name="Invented system") as system:
        second = (await system.post(f"/v1/episodes/{episode}/facts", json=said, headers=key())).json()[0]["id"]
    async with store.session() as session:
        one, two = [await session.get_one(InboxTable, fact) for fact in (first, second)]
    assert (one.body["recorded_by"], two.body["recorded_by"]) == ("night-duty", "somebody else")
    assert two.body["source"] == "system Invented system"


EVERY_WAY = [
    ("GET", "", None),
    ("POST", "/facts", FOUND),
    ("POST", "/reopening", {"reason": "invented"}),
    ("POST", "/merging", {"reason": "invented", "into": "6f1d2e52-8a0e-4d0c-9a54-1d6f3a3f7b11"}),
]


@pytest.mark.parametrize(("method", "path", "body"), EVERY_WAY)
async def test_an_episode_of_another_authority_is_not_there(
    store: Store, method: str, path: str, body: dict[str, Any] | None
) -> None:
    service = Service(store)
    async with (
        service.caller(AccessRole.MANAGER) as here,
        service.caller(AccessRole.MANAGER, authority=ELSEWHERE) as away,
    ):
        said = (await report(here)).json()
        theirs = await away.request(method, f"/v1/episodes/{said['episode_id']}{path}", json=body, headers=key())
        none = await away.request(
            method, f"/v1/episodes/6f1d2e52-8a0e-4d0c-9a54-1d6f3a3f7b12{path}", json=body, headers=key()
        )
        assert (await away.get(f"/v1/said/{said['id']}")).status_code == 404
    assert theirs.status_code == none.status_code == 404
    assert theirs.json() == none.json()
    assert await counted(store) == 1


async def test_who_only_reports_sees_what_it_reported(store: Store) -> None:
    service = Service(store)
    async with service.caller(AccessRole.REPORTER) as home, service.caller(AccessRole.REPORTER) as other:
        said = (await report(home)).json()
        for client, status in ((home, 202), (other, 404)):
            answer = await client.post(f"/v1/episodes/{said['episode_id']}/facts", json=FOUND, headers=key())
            assert answer.status_code == status
        assert (await home.get(f"/v1/said/{said['id']}")).status_code == 200
        assert (await other.get(f"/v1/said/{said['id']}")).status_code == 404


async def test_the_audit_knows_who_reported_and_who_looked_and_who_was_refused(store: Store) -> None:
    service = Service(store)
    async with service.caller(AccessRole.DUTY) as duty, service.caller(AccessRole.OPERATOR) as operator:
        episode = (await report(duty)).json()["episode_id"]
        await duty.get(f"/v1/episodes/{episode}", headers={"Homeward-Reason": "asked by the police"})
        await operator.get(f"/v1/episodes/{episode}")
    async with store.session() as session:
        entries = await audit.entries(session, HERE)
    whole = await audit.verify(store, HERE)
    told = [(one.way, one.outcome) for one in entries]
    path = "/v1/episodes/{episode_id}"
    # A report is written down before it is begun, and once more when it is known which episode it began.
    said = [("POST /v1/episodes", "allowed")] * 2
    assert told == [*said, (f"GET {path}", "allowed"), (f"GET {path}", "refused")]
    assert entries[2].why == "asked by the police"
    assert episode in entries[1].subjects
    assert episode in entries[2].subjects
    assert whole.broken_at is None


async def test_an_answer_that_one_has_already_is_not_sent_again(store: Store) -> None:
    noon = datetime(2026, 6, 10, 12, tzinfo=UTC)
    async with Service(store, clock=lambda: noon).caller(AccessRole.DUTY) as client:
        episode = (await report(client)).json()["episode_id"]
        first = await client.get(f"/v1/episodes/{episode}")
        same = await client.get(f"/v1/episodes/{episode}", headers={"If-None-Match": first.headers["etag"]})
        await client.post(f"/v1/episodes/{episode}/facts", json=FOUND, headers=key())
        news = await client.get(f"/v1/episodes/{episode}", headers={"If-None-Match": first.headers["etag"]})
    assert (first.status_code, same.status_code, news.status_code) == (200, 304, 200)
    assert same.content == b""


async def test_who_asks_too_often_waits_and_others_do_not(store: Store) -> None:
    service = Service(store, a_minute=3)
    async with service.caller(AccessRole.DUTY) as one, service.caller(AccessRole.DUTY) as two:
        statuses = [(await one.get("/v1/me")).status_code for _ in range(4)]
        refused = await one.get("/v1/me")
        assert statuses == [200, 200, 200, 429]
        assert 1 <= int(refused.headers["retry-after"]) <= 60
        assert (await two.get("/v1/me")).status_code == 200


async def test_without_a_database_nothing_is_kept_and_the_sender_is_told_when_to_come_again(store: Store) -> None:
    broken = Store("sqlite+aiosqlite:////nowhere/at/all.sqlite")
    async with Service(broken).caller(AccessRole.DUTY) as client:
        answer = await report(client)
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    assert answer.json()["type"].endswith("unavailable")


async def test_a_report_in_the_future_by_a_clock_that_runs_a_little_ahead_is_taken(store: Store) -> None:
    ahead = (datetime.now(UTC) + timedelta(seconds=30)).isoformat()
    async with Service(store).caller(AccessRole.DUTY) as client:
        assert (await report(client, {"reported": ahead})).status_code == 202


async def test_of_two_reports_of_a_child_that_wait_the_second_tells_of_the_first(store: Store) -> None:
    service = Service(store)
    async with service.caller(AccessRole.DUTY) as duty, service.caller(AccessRole.REPORTER) as home:
        first = (await report(duty)).json()
        second = (await report(duty)).json()
        third = (await report(home)).json()
    assert (first["also_open"], second["also_open"]) == ([], [first["episode_id"]])
    assert third["also_open"] == []


async def test_a_restricted_child_who_is_only_reported_is_kept_close(store: Store) -> None:
    service, reference = Service(store), "INVENTED-CLOSE"
    async with service.caller(AccessRole.DUTY) as duty, service.caller(AccessRole.DUTY) as far:
        episode = (await report(duty, {"child": {"reference": reference, "restricted": True}})).json()["episode_id"]
        assert (await duty.get(f"/v1/episodes/{episode}")).status_code == 200
        for client in (duty, far):
            # Having reported it opens the episode, and not what is kept of the child.
            answer = await client.get(f"/v1/children/{reference}/records")
            assert (answer.status_code, answer.json()["type"]) == (403, "/v1/problems/need-to-know")


@pytest.mark.parametrize("other", [AccessRole.OPERATOR, AccessRole.AUDITOR, AccessRole.INTERVIEW_PROVIDER])
async def test_a_role_that_reads_no_episodes_does_not_widen_what_a_reporter_sees(
    store: Store, other: AccessRole
) -> None:
    service = Service(store)
    async with service.caller(AccessRole.DUTY) as duty, service.caller(AccessRole.REPORTER, other) as home:
        episode = (await report(duty)).json()["episode_id"]
        assert (await home.get("/v1/said")).json()["items"] == []
        answer = await home.post(f"/v1/episodes/{episode}/facts", json=FOUND, headers=key())
    assert answer.status_code == 404


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"kind": "task_taken", "details": {"task": "rhi", "person": "another"}}, "kind"),
        ({"kind": "acknowledged", "details": {"clock": "rhi", "by": "another", "role": "iro"}}, "details.by"),
    ],
)
async def test_nobody_acts_in_another_s_name_by_a_bare_fact(store: Store, said: dict[str, Any], field: str) -> None:
    async with Service(store).caller(AccessRole.MANAGER, person="me") as client:
        episode = (await report(client)).json()["episode_id"]
        answer = await client.post(f"/v1/episodes/{episode}/facts", json={**FOUND, **said}, headers=key())
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)


async def test_a_fact_is_shared_by_episodes_of_one_child_only(store: Store) -> None:
    async with Service(store).caller(AccessRole.MANAGER) as client:
        one, two = [
            (await report(client, {"child": {"reference": reference}})).json()["episode_id"] for reference in ("A", "B")
        ]
        answer = await client.post(f"/v1/episodes/{one}/facts", json={**FOUND, "also": [two]}, headers=key())
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "also")


async def test_found_is_located(store: Store) -> None:
    async with Service(store).caller(AccessRole.MANAGER) as client:
        episode = (await report(client)).json()["episode_id"]
        said = {**FOUND, "kind": "found"}
        assert (await client.post(f"/v1/episodes/{episode}/facts", json=said, headers=key())).status_code == 202


async def test_the_audit_knows_what_a_change_was_about_besides(store: Store) -> None:
    async with Service(store).caller(AccessRole.MANAGER) as client:
        begun = (await report(client)).json()["episode_id"]
    async with store.session() as session:
        [entry] = await audit.entries(session, HERE, subject=begun)
    assert (entry.way, entry.outcome) == ("POST /v1/episodes", "allowed")


async def due_in(store: Store, episode_id: str, hours: int) -> None:
    row: dict[str, Any] = {"episode_id": episode_id, "id": "rhi", "kind": "due_by", "state": "running"}
    row |= {"start": NOW, "due": NOW + timedelta(hours=hours), "body": {}}
    async with store.session() as session:
        await upsert(session, ClockTable, row)


async def listed(client: httpx.AsyncClient, query: str) -> tuple[list[str], list[str]]:
    """The ids of a list, a page of one at a time, and each page's cursor in clear."""
    ids, cursors, cursor = list[str](), list[str](), ""
    while True:
        page = (await client.get(f"/v1/episodes?limit=1&{query}{cursor}")).json()
        ids += [one["episode_id"] for one in page["items"]]
        if page["next"] is None:
            return ids, cursors
        cursor = f"&cursor={page['next']}"
        cursors.append(base64.urlsafe_b64decode(page["next"] + "==").decode())


async def test_neither_place_nor_cursor_tells_when_what_is_hidden_falls_due(store: Store) -> None:
    await people(store, "w1")
    await holds(store, "w1", "social_worker", child="c1")
    soon, hidden, late = await episode(store), await episode(store, "c1", need_to_know=True), await episode(store)
    never = await episode(store)
    for number, one in enumerate((soon, hidden, late)):
        await due_in(store, one, number + 1)
    when = "T14:00:00Z"
    service = Service(store, clock=lambda: NOW)
    async with service.caller(AccessRole.PRACTITIONER, person="w1") as close:
        ids, cursors = await listed(close, "order=pressing")
        assert ids == [soon, hidden, late, never]
        assert when in cursors[1]
    async with service.caller(AccessRole.PRACTITIONER) as far:
        ids, cursors = await listed(far, "order=pressing")
        assert ids == [soon, late, *sorted((hidden, never))]
        assert when not in str(cursors)
        ids, cursors = await listed(far, "")
        assert ids == sorted((soon, hidden, late, never))
        assert "T1" not in str(cursors), "in the order of ids a cursor is an id"


@pytest.mark.parametrize("query", ["clock=rhi", "overdue=false", "overdue=true", "changed_since=2026-06-01T00:00:00Z"])
async def test_what_is_hidden_is_not_found_by_what_is_kept_back_of_it(query: str, store: Store) -> None:
    for close in (True, False):
        await due_in(store, await episode(store, need_to_know=close), -1 if query == "overdue=true" else 1)
    service = Service(store, clock=lambda: NOW)
    async with service.caller(AccessRole.PRACTITIONER) as far, service.caller(AccessRole.CASE_SYSTEM) as system:
        assert [len((await listed(client, query))[0]) for client in (far, system)] == [1, 2]
        assert len((await listed(far, ""))[0]) == 2


@pytest.mark.parametrize("values", [[10**30, "x"], ["\ud800", "x"], ["a\0b", "x"]])
async def test_a_cursor_that_no_database_takes_is_refused(store: Store, values: list[Any]) -> None:
    async with Service(store).caller(AccessRole.MANAGER) as client:
        for path in ("/v1/said", "/v1/episodes", "/v1/tasks"):
            cursor = base64.urlsafe_b64encode(json.dumps(values).encode()).decode()
            assert (await client.get(path, params={"cursor": cursor})).status_code == 422
        assert (await client.get("/v1/episodes?child=%00")).status_code == 422


SECOND = "details.authorised_by: this obligation needs a second person, who authorised it: "
NOT_ANOTHER: dict[str, dict[str, str]] = {
    "nobody": {},
    "oneself": {"authorised_by": "p-1"},
    "one's own name": {"authorised_by": "Invented p-1"},
    "one's own reference with something unseen": {"authorised_by": "p-1\N{ZERO WIDTH SPACE}"},
    "a name that nobody bears": {"authorised_by": "B. Madeup"},
    "somebody by their name": {"authorised_by": "Invented p-2"},
    "somebody of another authority": {"authorised_by": "p-9"},
}


async def ruling(client: httpx.AsyncClient, of: str, clock: str, said: dict[str, str], **more: str) -> httpx.Response:
    details = {"clock": clock, "reason": "Invented", **said}
    fact = {"kind": "clock_voided", "at": FOUND["at"], "details": details, **more}
    return await client.post(f"/v1/episodes/{of}/facts", json=fact, headers=key())


async def test_what_needs_two_people_is_authorised_by_another_whom_the_directory_knows(store: Store) -> None:
    of = await episode(store, "INV-1")
    await people(store, "p-1", "p-2")
    await people(store, "p-9", authority=ELSEWHERE)
    async with Service(store).caller(AccessRole.MANAGER, person="p-1") as client:
        for case, said in NOT_ANOTHER.items():
            answer = await ruling(client, of, "rhi", said)
            assert (answer.status_code, answer.json()["detail"].startswith(SECOND)) == (422, True), case
        assert (await ruling(client, of, "rhi", {"authorised_by": "p-2"})).status_code == 202
        assert (await ruling(client, of, "response_review", {})).status_code == 202
    async with Service(store).caller(AccessRole.CASE_SYSTEM, AccessRole.MANAGER, kind="system") as system:
        for recorder, status in (("Invented p-2", 422), ("p-2", 422), ("Invented p-1", 202)):
            answer = await ruling(system, of, "rhi", {"authorised_by": "p-2"}, recorded_by=recorder)
            assert answer.status_code == status, recorder
    assert await counted(store) == 3
