"""The audit over HTTP: an authority's own, in pages, and what is asked of it is written into it too."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from activities.store import Store, audit
from starter.access import AccessRole
from tests.api.callers import ELSEWHERE, HERE, Service
from tests.store.test_audit import entry


async def filled(store: Store) -> None:
    async with store.session() as session:
        for number in range(1, 6):
            await audit.append(session, entry(number, authority=HERE))
        await audit.append(session, entry(9, authority=ELSEWHERE))


async def pages(client: httpx.AsyncClient, **asked: Any) -> list[list[int]]:
    found: list[list[int]] = []
    cursor: str | None = None
    while True:
        params = {**asked, **({"cursor": cursor} if cursor else {})}
        answer = await client.get("/v1/audit", params=params)
        assert answer.status_code == 200, answer.text
        found.append([one["number"] for one in answer.json()["items"]])
        cursor = answer.json()["next"]
        if cursor is None:
            return found


ASKED: list[tuple[dict[str, Any], list[list[int]]]] = [
    ({"who": "who-1", "limit": 2}, [[1, 3], [5]]),
    ({"about": "e2"}, [[2]]),
    ({"about": "c1", "limit": 5}, [[1, 2, 3, 4, 5]]),
    ({"about": "nothing"}, [[]]),
    ({"about": "e1", "who": "who-0"}, [[]]),
]


@pytest.mark.parametrize(("asked", "found"), ASKED)
async def test_the_audit_is_read_in_pages(store: Store, asked: dict[str, Any], found: list[list[int]]) -> None:
    await filled(store)
    async with Service(store).caller(AccessRole.AUDITOR) as client:
        assert await pages(client, **asked) == found


async def test_every_entry_of_ones_own_authority_and_of_no_other_is_there(store: Store) -> None:
    await filled(store)
    async with Service(store).caller(AccessRole.AUDITOR) as client:
        first = (await client.get("/v1/audit", params={"limit": 100})).json()
        assert [one["number"] for one in first["items"]] == [1, 2, 3, 4, 5]
        assert {one["authority"] for one in first["items"]} == {HERE}
        assert first["items"][0]["subjects"] == ["e1", "c1"]
        [mine] = (await client.get("/v1/audit", params={"about": "e3", "who": "who-1"})).json()["items"]
        assert mine["number"] == 3
        after = (await client.get("/v1/audit", params={"limit": 100})).json()["items"]
    assert [one["way"] for one in after[5:]] == ["GET /v1/audit"] * 2
    assert [one["subjects"] for one in after[5:]] == [[], ["e3"]]


async def test_the_head_is_that_of_the_last_entry(store: Store) -> None:
    async with Service(store).caller(AccessRole.AUDITOR) as client:
        assert (await client.get("/v1/audit/head")).json() == {"number": 0, "digest": "0" * 64}
        said = (await client.get("/v1/audit/head")).json()
    async with store.session() as session:
        [first, *_] = await audit.entries(session, HERE)
    assert said == {"number": 1, "digest": first.digest}
    assert (await audit.verify(store, HERE, (said["number"], said["digest"]))).broken_at is None


async def test_a_cursor_of_somebody_elses_making_is_refused(store: Store) -> None:
    async with Service(store).caller(AccessRole.AUDITOR) as client:
        answer = await client.get("/v1/audit", params={"cursor": "bm90aGluZw"})
    assert (answer.status_code, answer.json()["detail"]) == (422, "cursor: must be the 'next' of a page")


def spellings(episode: str) -> list[str]:
    return [episode.upper(), episode.replace("-", ""), f"{{{episode}}}", f"urn:uuid:{episode}"]


async def test_an_episode_is_written_down_and_found_however_it_is_spelt(store: Store) -> None:
    episode = str(uuid4())
    async with Service(store).caller(AccessRole.AUDITOR, AccessRole.DUTY) as client:
        for spelt in spellings(episode):
            assert (await client.get(f"/v1/episodes/{spelt}")).status_code == 404
        for spelt in (episode, *spellings(episode)):
            found = (await client.get("/v1/audit", params={"about": spelt, "limit": 4})).json()["items"]
            assert [one["way"] for one in found] == ["GET /v1/episodes/{episode_id}"] * 4
    async with store.session() as session:
        written = await audit.entries(session, HERE)
    assert {one.subjects for one in written} == {(episode,)}


async def test_what_an_address_names_is_not_written_down_at_any_length(store: Store) -> None:
    async with Service(store).caller(AccessRole.MANAGER) as client:
        await client.get(f"/episodes/{uuid4()}/clocks/{'x' * 5000}/ruling")
    async with store.session() as session:
        [*_, last] = await audit.entries(session, HERE)
    assert max(len(one) for one in last.subjects) == 500
