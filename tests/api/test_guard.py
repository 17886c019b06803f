"""What the guard answers under /v1: problems, the request's id, and what may be large."""

import asyncio
import logging
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import select

from activities.store import Store
from activities.store.tables import AuditTable
from starter.access import AccessRole
from starter.api import guard
from starter.api.guard import LARGEST_REQUEST, REQUEST_ID
from starter.api.v1 import oneself
from starter.directory_rows import COLUMNS
from tests.api.callers import Service
from tests.api.town import people

SAID = "a secret word"
CSV = {"Content-Type": "text/csv"}
ANY = AccessRole.MANAGER


def problem(answer: httpx.Response) -> str:
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == answer.status_code
    return str(answer.json()["type"]).removeprefix("/v1/problems/")


async def test_every_answer_under_v1_has_the_id_that_the_audit_knows(store: Store) -> None:
    await people(store, "w1")
    service, mine = Service(store), f"{uuid4()}-mine"
    body = {"person": "w1", "from": "2026-06-11T09:00:00Z", "until": "2026-06-12T09:00:00Z"}
    async with service.caller(ANY) as client:
        read = await client.get("/v1/directory/people")
        written = await client.post("/v1/directory/leave", json=body, headers={"Idempotency-Key": mine})
        missing = await client.get("/v1/directory/who")
        nowhere = await client.get("/v1/nowhere")
        open_one = await client.get("/v1/problems/not-found")
    async with service.caller() as nobody:
        unknown = await nobody.get("/v1/me")
    answers = (read, missing, nowhere, open_one, unknown)
    assert len({UUID(one.headers[REQUEST_ID]) for one in answers}) == len(answers)
    assert written.headers[REQUEST_ID] == mine
    async with store.session() as session:
        audited = set((await session.scalars(select(AuditTable.request))).all())
    assert {read.headers[REQUEST_ID], mine} <= audited


@pytest.mark.parametrize("key", ["two words", "x" * 101, "\u00e9"])
async def test_a_key_that_is_none_is_refused_and_not_repeated(key: str, store: Store) -> None:
    async with Service(store).caller(ANY) as client:
        answer = await client.post("/v1/directory/leave", json={}, headers={b"Idempotency-Key": key.encode("latin-1")})
    assert problem(answer) == "cannot-be-used"
    assert UUID(answer.headers[REQUEST_ID])


async def test_outside_v1_nothing_is_said_of_ids(store: Store) -> None:
    async with Service(store).caller() as client:
        assert REQUEST_ID not in (await client.get("/health")).headers
        answer = await client.post("/callbacks/notify", content=b"x" * (LARGEST_REQUEST + 1))
    assert (answer.status_code, answer.text) == (413, "The request is too large\n")


async def test_only_what_is_a_file_may_be_large(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = "".join(f"w{number},Invented person,,,,,\n" for number in range(4000))
    file = ",".join(COLUMNS["people"]) + "\n" + rows
    assert len(file) > LARGEST_REQUEST
    async with Service(store).caller(ANY) as client:
        taken = await client.put("/v1/directory-files/people?dry_run=true", content=file, headers=CSV)
        assert taken.json()["added"] == 4000
        for path in ("/v1/plans", "/v1/directory/people/w1", "/v1/directory/peoples"):
            answer = await client.put(path, content=file, headers=CSV)
            assert (answer.status_code, problem(answer)) == (413, "too-large")
        answer = await client.request("POST", "/v1/directory-files/people", content=file, headers=CSV)
        assert problem(answer) == "too-large"
        monkeypatch.setattr(guard, "LARGER", dict.fromkeys(guard.LARGER, 100))
        assert problem(await client.put("/v1/directory-files/people", content=file, headers=CSV)) == "too-large"


async def test_a_body_that_does_not_come_is_too_slow(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "BODY_SECONDS", 0.05)
    sent: list[dict[str, object]] = []

    async def receive() -> dict[str, object]:
        await asyncio.sleep(5)
        raise AssertionError("waited too long")

    async def send(message: dict[str, object]) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/v1/plans", "raw_path": b"/v1/plans", "query_string": b""}
    await Service(store).app({**scope, "headers": [], "scheme": "http", "root_path": ""}, receive, send)  # pyright: ignore[reportArgumentType]
    assert sent[0]["status"] == 408
    assert b"too-slow" in bytes(sent[1]["body"])  # pyright: ignore[reportArgumentType]


@pytest.fixture
def a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault of ours in a route."""

    def fails(**_: object) -> None:
        raise RuntimeError(SAID)

    monkeypatch.setattr(oneself, "Oneself", fails)


@pytest.mark.usefixtures("a_failure")
@pytest.mark.parametrize(
    ("key", "logged"), [("3f2b8a52-0000-4000-8000-000000000001", True), ("invented-childs-name", False)]
)
async def test_a_failure_nobody_foresaw_says_nothing_of_what_was_sent(
    key: str, logged: bool, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    service = Service(store)
    with caplog.at_level(logging.DEBUG):
        async with service.caller(ANY) as client:
            answer = await client.get("/v1/me?another-secret", headers={"Idempotency-Key": key})
    assert (answer.status_code, problem(answer)) == (500, "failed")
    assert answer.headers[REQUEST_ID] == key
    ours = "\n".join(one.getMessage() for one in caplog.records if one.name.startswith("homeward"))
    assert "a request failed: RuntimeError" in ours
    assert (key in ours) is logged
    assert "secret" not in answer.text + ours
