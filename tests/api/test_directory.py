"""The directory over HTTP: its lists, one change at a time, files whole; and what open episodes hear of it."""

from typing import Any

import pytest
from sqlalchemy import select

from activities.store import Store
from activities.store.tables import HoldingTable, PersonTable
from starter.access import AccessRole
from starter.client import Episodes
from starter.directory_rows import COLUMNS
from tests.api.callers import ELSEWHERE, Service, key
from tests.api.town import NOW, episode, holds, people

MANAGER = AccessRole.MANAGER
FROM, UNTIL = "2026-06-11T09:00:00+01:00", "2026-06-12T08:00:00Z"


def at_now(store: Store) -> Service:
    return Service(store, clock=lambda: NOW)


def as_file(kind: str, *rows: str) -> bytes:
    return "\n".join([",".join(COLUMNS[kind]), *rows, ""]).encode()


CSV = {"Content-Type": "text/csv; charset=utf-8"}


async def test_people_in_pages_their_addresses_only_for_who_may_change_them(store: Store) -> None:
    await people(store, "a", "b", "c")
    await people(store, "d", authority=ELSEWHERE)
    service = at_now(store)
    for role, sees in ((MANAGER, True), (AccessRole.PRACTITIONER, False)):
        async with service.caller(role) as client:
            first = (await client.get("/v1/directory/people?limit=2")).json()
            rest = (await client.get(f"/v1/directory/people?limit=2&cursor={first['next']}")).json()
        assert [one["person"] for one in first["items"] + rest["items"]] == ["a", "b", "c"]
        assert rest["next"] is None
        assert ("a@invented.example" in str(first)) is sees
        assert ("+447700900000" in str(first)) is sees
        assert first["items"][0]["deputies"] == []


async def test_every_list_says_what_was_put_into_it(store: Store) -> None:
    await people(store, "w1", "w2")
    bodies: dict[str, dict[str, Any]] = {
        "holders": {"role": "iro", "person": "w1", "scope": "child", "for": "c1", "from": FROM},
        "rota": {"role": "duty_manager", "person": "w2", "from": FROM, "until": UNTIL},
        "leave": {"person": "w2", "from": FROM, "until": UNTIL},
    }
    async with at_now(store).caller(MANAGER) as client:
        for kind, body in bodies.items():
            assert (await client.post(f"/v1/directory/{kind}", json=body, headers=key())).json()["change"] == "added"
        assert (await client.put("/v1/directory/teams/c1", json={"team": "North"})).json()["change"] == "added"
        listed = {kind: (await client.get(f"/v1/directory/{kind}")).json()["items"] for kind in (*bodies, "teams")}
        times = {"from": "2026-06-11T08:00:00Z", "until": UNTIL}
        assert listed == {
            "holders": [{**bodies["holders"], "from": times["from"], "until": None}],
            "rota": [{**bodies["rota"], **times}],
            "leave": [{**bodies["leave"], **times}],
            "teams": [{"child": "c1", "team": "North"}],
        }
    async with at_now(store).caller(MANAGER, authority=ELSEWHERE) as other:
        for kind in listed:
            assert (await other.get(f"/v1/directory/{kind}")).json() == {"items": [], "next": None}


async def test_a_person_is_what_is_put(store: Store) -> None:
    await people(store, "w1", "w2")
    body: dict[str, Any] = {"name": "Invented other", "email": "other@invented.example", "deputies": ["w2"]}
    async with at_now(store).caller(MANAGER) as client:
        answers = [await client.put("/v1/directory/people/w1", json=body) for _ in range(2)]
        new = await client.put("/v1/directory/people/w9", json={"name": "Invented new"})
        listed = (await client.get("/v1/directory/people")).json()["items"]
    assert [answer.json()["change"] for answer in (*answers, new)] == ["changed", "unchanged", "added"]
    mine = next(one for one in listed if one["person"] == "w1")
    assert {name: mine[name] for name in body} == body
    assert (mine["mobile"], mine["hours"]) == (None, "always")


async def test_what_a_file_says_is_all_there_is_and_a_dry_run_writes_nothing(store: Store) -> None:
    await people(store, "w1", "w2")
    await holds(store, "w1", "iro")
    await holds(store, "w1", "social_worker")
    file = as_file("holders", "iro,w1,authority,,,", "iro,w2,authority,,2026-06-11 09:00,")
    async with at_now(store).caller(MANAGER) as client:
        for query, written in (("?dry_run=true", False), ("?dry_run=true", False), ("", True)):
            answer = await client.put(f"/v1/directory-files/holders{query}", content=file, headers=CSV)
            said = answer.json()
            assert said["dry_run"] is not written
            assert [said[sort] for sort in ("added", "changed", "removed", "unchanged")] == [1, 0, 1, 1]
            assert said["lines"] == [{"line": 3, "change": "added"}]
            assert [row["role"] for row in said["removed_rows"]] == ["social_worker"]
        again = (await client.put("/v1/directory-files/holders", content=file, headers=CSV)).json()
        assert (again["unchanged"], again["lines"], again["episodes_told"]) == (2, [], None)
        listed = (await client.get("/v1/directory/holders")).json()["items"]
    assert [(one["role"], one["person"]) for one in listed] == [("iro", "w1"), ("iro", "w2")]


@pytest.mark.parametrize(
    ("kind", "file", "field"),
    [
        ("people", b"", "lines[1]"),
        ("people", as_file("holders"), "lines[1]"),
        ("people", as_file("people", "w8,Invented,,,,,", "w9,Invented,secret-word,,,,"), "lines[3].email"),
        ("people", as_file("people", "w8,Invented,,,,,", "w8,Invented,,,,,"), "lines[3].person"),
        ("leave", as_file("leave", "secret-word,2026-06-11 09:00,2026-06-12 09:00"), "lines[2].person"),
        ("leave", as_file("leave", "w1,2026-06-11 09:00"), "lines[2]"),
        ("people", as_file("people", "w8,\xff,,,,,").decode().encode("latin-1"), ""),
    ],
)
async def test_a_bad_line_is_named_and_nothing_is_written(kind: str, file: bytes, field: str, store: Store) -> None:
    await people(store, "w1")
    async with at_now(store).caller(MANAGER) as client:
        answer = await client.put(f"/v1/directory-files/{kind}", content=file, headers=CSV)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field), answer.text
    assert "secret-word" not in answer.text
    async with store.session() as session:
        assert (await session.scalars(select(PersonTable.reference))).all() == ["w1"]


async def test_a_file_is_csv(store: Store) -> None:
    async with at_now(store).caller(MANAGER) as client:
        answer = await client.put("/v1/directory-files/people", json={})
        assert answer.json()["type"] == "/v1/problems/wrong-media-type"
        assert (await client.put("/v1/directory-files/pets", content=b"", headers=CSV)).status_code == 422


HOLDS = {"role": "iro", "person": "w1", "from": FROM}
RELEASES = {"role": "social_worker", "person": "w1", "at": FROM}
SPAN = {"person": "w1", "from": FROM, "until": UNTIL}


@pytest.mark.parametrize(
    ("path", "body"),
    [("holders", HOLDS), ("holders/releases", RELEASES), ("rota", {"role": "iro", **SPAN}), ("leave", SPAN)],
)
async def test_a_change_is_made_once_by_its_key(path: str, body: dict[str, Any], store: Store) -> None:
    await people(store, "w1", "w2")
    await holds(store, "w1", "social_worker")
    mine = key()
    async with at_now(store).caller(MANAGER) as client:
        first, again = [await client.post(f"/v1/directory/{path}", json=body, headers=mine) for _ in range(2)]
        other = await client.post(f"/v1/directory/{path}", json={**body, "person": "w2"}, headers=mine)
    assert first.status_code == 200
    assert first.json()["change"] in ("added", "changed")
    assert again.json() == first.json()
    assert other.json()["type"] == "/v1/problems/key-reused"


async def test_who_holds_a_role_instead_ends_what_others_held(store: Store) -> None:
    await people(store, "w1", "w2")
    await holds(store, "w1", "iro")
    async with at_now(store).caller(MANAGER) as client:
        body = {"role": "iro", "person": "w2", "from": FROM, "instead": True}
        answer = await client.post("/v1/directory/holders", json=body, headers=key())
    assert (answer.json()["change"], answer.json()["ended"]) == ("added", 1)
    async with store.session() as session:
        assert len([row for row in (await session.scalars(select(HoldingTable))).all() if row.until is None]) == 1


BAD: list[tuple[str, str, dict[str, Any], str]] = [
    ("post", "holders", {**HOLDS, "role": "king"}, "role"),
    ("post", "holders", {**HOLDS, "person": "nobody"}, "person"),
    ("post", "holders", {**HOLDS, "scope": "child"}, "for"),
    ("post", "holders", {**HOLDS, "from": "2026-06-11T09:00:00"}, "from"),
    ("post", "holders", {**HOLDS, "colour": "x"}, "colour"),
    ("post", "holders", {**HOLDS, "until": "2026-06-01T09:00:00Z"}, "until"),
    ("post", "holders/releases", {**RELEASES, "role": "iro"}, "person"),
    ("post", "rota", SPAN, "role"),
    ("post", "leave", {**SPAN, "until": FROM}, "until"),
    ("put", "people/w1", {"name": ""}, "name"),
    ("put", "people/w1", {"name": "x", "email": "secret-word"}, "email"),
    ("put", "people/w1", {"name": "x", "mobile": "secret-word"}, "mobile"),
    ("put", "people/w1", {"name": "x", "hours": "secret-word"}, "hours"),
    ("put", "people/w1", {"name": "x", "deputies": ["w1"]}, "deputies"),
    ("put", "people/w1", {"name": "x", "channels": ["sms"]}, "channels"),
    ("put", "people/w1", {"name": "x", "channels": ["owl"]}, "channels[0]"),
    ("put", "people/me", {"name": "x"}, "reference"),
    ("put", "teams/c1", {}, "team"),
]


@pytest.mark.parametrize(("method", "path", "body", "field"), BAD)
async def test_what_cannot_be_used_is_named(
    method: str, path: str, body: dict[str, Any], field: str, store: Store
) -> None:
    await people(store, "w1")
    async with at_now(store).caller(MANAGER) as client:
        answer = await client.request(method, f"/v1/directory/{path}", json=body, headers=key())
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["field"] == field
    assert "secret-word" not in answer.text


async def test_who_would_be_told(store: Store) -> None:
    await people(store, "w1", "w2")
    await holds(store, "w1", "iro", child="c1")
    await holds(store, "w2", "iro")
    async with at_now(store).caller(AccessRole.PRACTITIONER) as client:
        for query, name in (("role=iro", "w2"), (f"role=iro&child=c1&at={UNTIL}", "w1")):
            said = (await client.get(f"/v1/directory/who?{query}")).json()
            assert said["people"] == [{"name": f"Invented {name}", "cover": "holder"}]
        assert said["at"] == UNTIL
        for query, field in {
            "role=king": "role",
            "": "role",
            "role=iro&child=c9": "child",
            "role=iro&at=x": "at",
        }.items():
            answer = await client.get(f"/v1/directory/who?{query}")
            assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)


async def test_an_unchanged_list_is_not_sent_again(store: Store) -> None:
    await people(store, "w1")
    async with at_now(store).caller(MANAGER) as client:
        tag = (await client.get("/v1/directory/people")).headers["etag"]
        assert (await client.get("/v1/directory/people", headers={"If-None-Match": tag})).status_code == 304


class Hearing(Episodes):
    """The engine, as far as episodes are told to look again."""

    def __init__(self) -> None:
        self.told: list[str] = []

    async def directory_changed(self, episode_id: str) -> None:
        self.told.append(episode_id)


async def test_open_episodes_look_again_and_with_the_engine_away_the_answer_says_how_they_will(store: Store) -> None:
    await people(store, "w1")
    open_one = await episode(store)
    await episode(store, closed=True)
    await episode(store, authority=ELSEWHERE)
    hearing, mine = Hearing(), key()

    async def reach() -> Episodes:
        return hearing

    away, there = at_now(store), Service(store, reach, clock=lambda: NOW)
    async with away.caller(MANAGER, id="m") as client:
        answer = await client.post("/v1/directory/leave", json=SPAN, headers=mine)
        assert (answer.status_code, answer.json()["episodes_told"]) == (200, False)
        assert "POST /v1/directory/checks" in answer.json()["note"]
        assert (await client.post("/v1/directory/checks", headers=key())).json()["episodes_told"] is False
        put = await client.put("/v1/directory/people/w1", json={"name": "Invented other"})
        assert put.json()["episodes_told"] is False
        file = await client.put("/v1/directory-files/teams", content=as_file("teams", "c1,North"), headers=CSV)
        assert file.json()["episodes_told"] is False
    async with there.caller(MANAGER, id="m") as client:
        again = await client.post("/v1/directory/leave", json=SPAN, headers=mine)
        assert (again.json()["episodes_told"], again.json()["note"]) == (True, None)
        assert hearing.told == [open_one]
        same = await client.put("/v1/directory/people/w1", json={"name": "Invented other"})
        assert (same.json()["change"], same.json()["episodes_told"]) == ("unchanged", None)
        assert hearing.told == [open_one]
        checked = await client.post("/v1/directory/checks", headers=key())
        assert (checked.json()["episodes_told"], hearing.told) == (True, [open_one] * 2)


async def test_a_check_says_which_roles_nobody_holds(store: Store) -> None:
    await people(store, "w1")
    async with at_now(store).caller(MANAGER) as client:
        before = (await client.post("/v1/directory/checks", headers=key())).json()["unheld"]
        await holds(store, "w1", "iro")
        after = (await client.post("/v1/directory/checks", headers=key())).json()["unheld"]
    assert "iro" in before
    assert set(before) - set(after) == {"iro"}
