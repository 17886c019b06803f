"""Disagreements over HTTP: an operator sees those of its authority, in pages, and has them looked for."""

from datetime import timedelta

import pytest

from activities.store import Store, disagreements
from activities.store.disagreements import Reconciled
from starter.access import AccessRole
from starter.client import Episodes
from tests.api.callers import ELSEWHERE, HERE, Service, key
from tests.store.rows import AT, LATER
from workflows.agreement import AGREEMENTS, Disagreement


async def three_found(store: Store) -> list[str]:
    """Two that are open and one that agrees again, the latest first; and one of another authority."""
    async with store.session() as session:
        for number, kind in enumerate((Disagreement.ROWS_OLDER, Disagreement.WOKEN_LATE, Disagreement.EPISODE_LOST)):
            await disagreements.note_found(session, HERE, kind, f"e{number}", AT + timedelta(minutes=number))
        await disagreements.note_agreed(session, HERE, "e1", [Disagreement.WOKEN_LATE], LATER)
        await disagreements.note_found(session, ELSEWHERE, Disagreement.ROWS_OLDER, "e9", AT)
        run = {"began_at": AT, "ended_at": LATER, "checked_to": "e1", "open_episodes": 2, "compared": 1, "found": 0}
        await disagreements.note_run(session, Reconciled.model_validate({**run, "authority": HERE}))
    return ["e2", "e1", "e0"]


async def test_an_operator_sees_what_is_open_and_all_that_ever_was(store: Store) -> None:
    subjects = await three_found(store)
    async with Service(store).caller(AccessRole.OPERATOR) as client:
        now = (await client.get("/v1/disagreements")).json()
        ever = (await client.get("/v1/disagreements", params={"all": True})).json()
    assert [one["subject"] for one in now["items"]] == ["e2", "e0"]
    assert [one["subject"] for one in ever["items"]] == subjects
    assert [one["mended_at"] is None for one in ever["items"]] == [True, False, True]
    assert now["items"][0]["wrong"] == AGREEMENTS[Disagreement.EPISODE_LOST].wrong
    assert now["last_compared_at"] is not None


async def test_they_come_in_pages_and_another_authority_s_are_none(store: Store) -> None:
    subjects = await three_found(store)
    seen: list[str] = []
    async with Service(store).caller(AccessRole.OPERATOR) as client:
        cursor: str | None = None
        for _ in range(3):
            asked = {"all": "true", "limit": "1", **({"cursor": cursor} if cursor else {})}
            page = (await client.get("/v1/disagreements", params=asked)).json()
            seen += [one["subject"] for one in page["items"]]
            cursor = page["next"]
        assert cursor is None
        wrong = await client.get("/v1/disagreements", params={"cursor": "x"})
    assert seen == subjects
    assert wrong.status_code == 422
    async with Service(store).caller(AccessRole.OPERATOR, authority="third") as client:
        nothing = (await client.get("/v1/disagreements")).json()
    assert nothing == {"items": [], "next": None, "last_compared_at": None}


class Begins(Episodes):
    """An engine that only notes what is begun."""

    def __init__(self) -> None:
        self.begun: list[tuple[str, str]] = []

    async def reconcile(self, authority: str, run: str) -> bool:
        again = (authority, run) in self.begun
        self.begun.append((authority, run))
        return not again


async def test_comparing_is_begun_once_for_each_key_and_for_one_authority(store: Store) -> None:
    engine = Begins()

    async def connect() -> Episodes:
        return engine

    same = key()
    async with Service(store, connect).caller(AccessRole.OPERATOR, authority="third") as client:
        answers = [await client.post("/v1/reconcile", headers=headers) for headers in (same, same, key())]
        keyless = await client.post("/v1/reconcile")
    assert [(one.status_code, one.json()["again"]) for one in answers] == [(202, False), (202, True), (202, False)]
    assert keyless.status_code == 422
    assert {authority for authority, _ in engine.begun} == {"third"}
    assert engine.begun[0] == engine.begun[1] != engine.begun[2]


@pytest.mark.parametrize("way", [("GET", "/v1/disagreements"), ("POST", "/v1/reconcile")])
async def test_a_manager_is_no_operator(store: Store, way: tuple[str, str]) -> None:
    async with Service(store).caller(AccessRole.MANAGER) as client:
        assert (await client.request(*way, headers=key())).status_code == 403


async def test_while_the_engine_is_away_it_is_said_so(store: Store) -> None:
    async with Service(store).caller(AccessRole.OPERATOR) as client:
        assert (await client.post("/v1/reconcile", headers=key())).status_code == 503
