"""Merging in the console where a child was reported without a number: the records of the number, and others without."""

import re
from html import unescape
from typing import Any
from uuid import uuid4

import httpx

from activities.store import Store, inbox
from activities.store.tables import EpisodeTable
from starter.access import AccessRole
from tests.api.callers import HERE, Service
from tests.api.town import NOW, holds, people
from tests.console.absences import absence


async def identified(store: Store, episode: str, identity: str) -> None:
    """What was reported of who a child without a number is."""
    report = {"child": {}, "answers": {"identity": identity}}
    item: dict[str, Any] = {"id": str(uuid4()), "authority": HERE, "kind": "report", "episode_id": episode}
    item |= {"body": {"report": report, "child_id": None}, "urgency": 0, "received_at": NOW, "state": "applied"}
    async with store.session() as session:
        await inbox.keep(session, inbox.InboxItem.model_validate(item))


async def sent(client: httpx.AsyncClient, path: str, **fields: str) -> tuple[int, str]:
    answer = await client.post(path, data={"key": str(uuid4()), **fields})
    return answer.status_code, unescape(answer.text)


def offered(page: str) -> set[str]:
    return set(re.findall(r'type="radio" value="([^"]*)"', page))


async def test_a_child_reported_without_a_number_comes_to_one_by_the_record_that_has_it(service_then: Service) -> None:
    store = service_then.store
    mine, of_number = await absence(store, child=None), await absence(store, child="INV-1")
    await identified(store, mine, "Kit Invented, girl, 14")
    await absence(store, child="INV-1", closed=True)
    path = f"/episodes/{mine}/merge"
    async with service_then.caller(AccessRole.MANAGER) as client:
        front = (await client.get(f"/episodes/{mine}")).text
        asked = (await client.get(path)).text
        empty = await sent(client, path, go="find")
        unknown = await sent(client, path, go="find", number="INV-9")
        status, found = await sent(client, path, go="find", number="INV-1")
        unfounded = await sent(client, path, into=of_number, reason="Invented")
        merged = await sent(client, path, number="INV-1", into=of_number, reason="The invented carer rang back")
    assert "the child's number is known now" in unescape(front)
    assert "Report the child with the number" in asked
    assert (empty[0], "Write the child's number" in empty[1]) == (422, True)
    assert (unknown[0], "There is no record of a child of this number" in unknown[1]) == (422, True)
    assert (status, offered(found)) == (200, {of_number})
    assert "INV-1. The absence from Wed 10 Jun 2026 13:00 BST. Missing" in found
    assert (unfounded[0], "Choose the absence" in unfounded[1]) == (422, True), "only what was shown can be chosen"
    assert merged[0] == 303
    async with store.snapshot() as session:
        waiting = await inbox.facts_waiting(session, mine)
    assert [one.body["details"].get("into") for one in waiting if one.kind == "fact"] == [of_number]


async def test_two_reports_without_a_number_can_be_one_and_what_is_hidden_or_over_is_not_offered(
    service_then: Service,
) -> None:
    store = service_then.store
    await people(store, "close")
    await holds(store, "close", "social_worker", "SECRET")
    mine, like, hidden, ended = [
        await absence(store, child=None, need_to_know=number == 2, closed=False) for number in range(4)
    ]
    secret = await absence(store, child="SECRET", need_to_know=True)
    await identified(store, like, "Kit, 14, by the invented police")
    async with store.session() as session:
        (await session.get_one(EpisodeTable, ended)).status = "merged"
    path = f"/episodes/{mine}/merge"
    async with service_then.caller(AccessRole.MANAGER) as client:
        page = unescape((await client.get(path)).text)
        status, found = await sent(client, path, go="find", number="SECRET")
        merged = await sent(client, path, into=like, reason="Invented")
    async with service_then.caller(AccessRole.MANAGER, person="close") as client:
        near = (await sent(client, path, go="find", number="SECRET"))[1]
    assert offered(page) == {like}
    assert "No number yet: Kit, 14, by the invented police. The absence from" in page
    assert (status, secret in found) == (422, False), "as if there were none"
    assert merged[0] == 303
    assert secret in offered(near)
    assert hidden not in offered(near)


async def test_of_a_child_with_a_number_no_other_child_is_offered(service_then: Service) -> None:
    store = service_then.store
    mine, like, other, unnumbered = [await absence(store, child=one) for one in ("INV-1", "INV-1", "INV-2", None)]
    async with service_then.caller(AccessRole.MANAGER) as client:
        page = (await client.get(f"/episodes/{mine}/merge")).text
        looked = await sent(client, f"/episodes/{mine}/merge", go="find", number="INV-2")
    assert offered(page) == {like}
    assert 'name="number"' not in page
    assert (other in looked[1], unnumbered in looked[1]) == (False, False)
