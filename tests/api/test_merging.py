"""Merging a duplicate, and calling a record an error: by what comes of both somebody looks for the child."""

import asyncio
from typing import Any
from uuid import uuid4

import httpx
import pytest

from activities.store import Store, inbox
from activities.store.tables import EpisodeTable
from starter.access import AccessRole
from starter.client import EngineSilentError, Episodes
from tests.api.callers import Service, key
from tests.api.test_episodes import counted
from tests.api.town import episode, people
from tests.console.families import fact
from workflows.fact_kinds import FactKind


async def merging(client: httpx.AsyncClient, duplicate: str, into: str) -> httpx.Response:
    said = {"into": into, "reason": "Invented"}
    return await client.post(f"/v1/episodes/{duplicate}/merging", json=said, headers=key())


ITSELF = "into: an episode cannot be merged into itself"
ENDED = "into: that record has ended itself; choose one that goes on"


@pytest.mark.parametrize("at_once", [False, True])
async def test_two_records_do_not_each_end_in_the_other(store: Store, at_once: bool) -> None:
    one, two = await episode(store, "INV-1"), await episode(store, "INV-1")
    async with Service(store).caller(AccessRole.MANAGER) as client:
        both = [merging(client, one, two), merging(client, two, one)]
        answers = list(await asyncio.gather(*both)) if at_once else [await asked for asked in both]
    answers.sort(key=lambda answer: answer.status_code)
    assert [answer.status_code for answer in answers] == [202, 422]
    assert answers[1].json()["detail"].removeprefix("--") == ENDED
    assert await counted(store) == 1


async def mistaken(client: httpx.AsyncClient, one: str, **details: str) -> httpx.Response:
    said = {"kind": "recorded_in_error", "at": "2026-06-10T08:00:00Z", "details": {"reason": "Invented", **details}}
    return await client.post(f"/v1/episodes/{one}/facts", json=said, headers=key())


async def with_a_fact(store: Store, **more: Any) -> str:
    """An episode that has something to be taken over."""
    one = await episode(store, "INV-1", **more)
    await fact(store, one, FactKind.LAST_SEEN, -2)
    return one


@pytest.mark.parametrize("first", ["merging", "mistake", "at once"])
async def test_of_two_who_settle_a_duplicate_each_in_their_own_way_one_is_asked_to_look_again(
    store: Store, first: str
) -> None:
    duplicate, into = await with_a_fact(store), await with_a_fact(store)
    async with Service(store).caller(AccessRole.MANAGER) as client:
        both = {"merging": merging(client, duplicate, into), "mistake": mistaken(client, into)}
        order = sorted(both, key=lambda one: one != first)
        if first == "at once":
            answers = dict(zip(order, await asyncio.gather(*(both[one] for one in order)), strict=True))
        else:
            answers = {one: await both[one] for one in order}
    by_status = {one: answer.status_code for one, answer in answers.items()}
    assert sorted(by_status.values()) == [202, 422], "nobody would look for the child by either"
    if by_status["merging"] == 422:
        assert answers["merging"].json()["detail"].removeprefix("--") == ENDED
    else:
        assert "another record was merged into this one" in answers["mistake"].json()["detail"]


async def test_a_second_person_may_call_a_record_an_error_into_which_another_was_merged(store: Store) -> None:
    await people(store, "boss", "second")
    duplicate, into = await with_a_fact(store), await with_a_fact(store)
    async with Service(store).caller(AccessRole.MANAGER, person="boss") as client:
        assert (await merging(client, duplicate, into)).status_code == 202
        for named in ("boss", "Invented boss", "Nobody"):
            answer = await mistaken(client, into, authorised_by=named)
            assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "details.authorised_by"), named
        assert (await mistaken(client, into, authorised_by="second")).status_code == 202
        assert (await mistaken(client, await with_a_fact(store))).status_code == 202, "one alone is enough elsewhere"


async def test_a_mistake_that_is_merged_does_not_make_the_other_record_one(store: Store) -> None:
    duplicate, into = await with_a_fact(store), await with_a_fact(store)
    await fact(store, duplicate, FactKind.RECORDED_IN_ERROR, -1, reason="Invented")
    async with Service(store).caller(AccessRole.MANAGER) as client:
        assert (await merging(client, duplicate, into)).status_code == 202
    async with store.snapshot() as session:
        moved = [one.body["kind"] for one in await inbox.facts_waiting(session, into)]
    assert moved == ["last_seen"]


async def test_a_merging_said_as_a_fact_is_held_to_the_same(store: Store) -> None:
    one, ended = await with_a_fact(store), await with_a_fact(store)
    async with Service(store).caller(AccessRole.MANAGER) as client:
        assert (await mistaken(client, ended)).status_code == 202
        for into, says in ((ended, ENDED), (one, ITSELF), (str(uuid4()), "into: there is no such episode here")):
            said = {"kind": "merged", "at": "2026-06-10T08:00:00Z", "details": {"into": into}}
            answer = await client.post(f"/v1/episodes/{one}/facts", json=said, headers=key())
            assert (answer.status_code, answer.json()["detail"].removeprefix("--")) == (422, says)


@pytest.mark.parametrize("status", ["recorded_in_error", "merged", "deceased", "closed_at_18", "waits"])
async def test_only_a_record_that_goes_on_takes_another_over(store: Store, status: str) -> None:
    one, ended = await episode(store, "INV-1"), await episode(store, "INV-1")
    said: httpx.Response | None = None
    async with Service(store).caller(AccessRole.MANAGER) as client:
        if status == "waits":
            mistake = {"kind": "recorded_in_error", "at": "2026-06-10T08:00:00Z", "details": {"reason": "Invented"}}
            said = await client.post(f"/v1/episodes/{ended}/facts", json=mistake, headers=key())
            assert said.status_code == 202, said.text
        else:
            async with store.session() as session:
                (await session.get_one(EpisodeTable, ended)).status = status
        answer = await merging(client, one, ended)
        assert (answer.status_code, answer.json()["detail"].removeprefix("--")) == (422, ENDED)
        if said is not None:
            taken_back = {"kind": "withdrawn", "at": "2026-06-10T09:00:00Z"}
            taken_back |= {"details": {"fact": said.json()[0]["id"], "reason": "Invented"}}
            await client.post(f"/v1/episodes/{ended}/facts", json=taken_back, headers=key())
            assert (await merging(client, one, ended)).status_code == 202


async def test_what_comes_behind_something_that_waits_is_not_put_to_the_engine_before_it(store: Store) -> None:
    duplicate, into = await with_a_fact(store), await episode(store, "INV-1")
    asked: list[int] = []

    async def silent_at_first() -> Episodes:
        asked.append(1)
        raise EngineSilentError("the engine does not answer")

    async with Service(store, silent_at_first).caller(AccessRole.MANAGER) as client:
        assert (await merging(client, duplicate, into)).status_code == 202
    assert asked == [1], "the ending of the duplicate waits behind what it knows"
    async with store.snapshot() as session:
        waiting = await inbox.waiting(session, 10)
    assert [(one.episode_id, one.attempts) for one in waiting] == [(into, 1), (duplicate, 1)]


async def test_what_a_duplicate_still_waits_to_be_told_goes_over_too(store: Store) -> None:
    duplicate, into = await episode(store, "INV-1"), await episode(store, "INV-1")
    back = {"kind": "returned", "at": "2026-06-10T08:00:00Z"}
    async with Service(store).caller(AccessRole.MANAGER) as client:
        assert (await client.post(f"/v1/episodes/{duplicate}/facts", json=back, headers=key())).status_code == 202
        assert (await merging(client, duplicate, into)).status_code == 202
    async with store.snapshot() as session:
        moved = [one.body["kind"] for one in await inbox.facts_waiting(session, into)]
    assert moved == ["returned"]


async def test_a_record_is_merged_into_one_other(store: Store) -> None:
    duplicate, into, other = [await with_a_fact(store) for _ in range(3)]
    async with Service(store).caller(AccessRole.MANAGER) as client:
        assert (await merging(client, duplicate, into)).status_code == 202
        answer = await merging(client, duplicate, other)
        assert (answer.status_code, answer.json()["detail"].removeprefix("--")) == (
            422,
            "into: this record was merged into another already; withdraw that first",
        )
        async with store.snapshot() as session:
            [ending] = await inbox.facts_waiting(session, duplicate)
        undone = {"kind": "withdrawn", "at": "2026-06-10T09:00:00Z", "details": {"fact": ending.id}}
        assert (await client.post(f"/v1/episodes/{duplicate}/facts", json=undone, headers=key())).status_code == 202
        assert (await merging(client, duplicate, into)).status_code == 202
        async with store.snapshot() as session:
            said = [one.body["kind"] for one in await inbox.facts_waiting(session, duplicate)]
    assert said == ["merged", "withdrawn", "merged"], "it is merged anew, not as it was before"
