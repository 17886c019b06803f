"""What people write on the pages of tasks, and cannot be used: said at its field, and shown as it was written."""

import re
from html import unescape
from uuid import uuid4

import pytest

from starter.access import AccessRole
from tests.api.callers import Service
from tests.api.town import holds, people, task, told
from tests.console.absences import absence

LONG = "x" * 4001
BOXES = {"done": 'id="done"', "note": 'id="note"'}


def box(page: str, name: str) -> str:
    """What stands in one of a task's boxes."""
    found = re.search(rf"<textarea[^>]*{BOXES[name]}[^>]*>(.*?)</textarea>", page, re.DOTALL)
    assert found is not None
    return unescape(found[1])


@pytest.mark.parametrize(
    ("deed", "written", "field", "most"),
    [
        ("take", {"note": LONG}, "note", 4000),
        ("give-back", {"note": LONG}, "note", 4000),
        ("note", {"note": LONG}, "note", 4000),
        ("done", {"note": LONG}, "done", 4000),
        ("hand-over", {"to": "p" * 600}, "to", 500),
    ],
)
async def test_what_is_too_long_is_said_at_its_field_and_kept_as_written(
    deed: str, written: dict[str, str], field: str, most: int, service_then: Service
) -> None:
    episode = await absence(service_then.store)
    await people(service_then.store, "p-1")
    await holds(service_then.store, "p-1", "duty_manager")
    await task(service_then.store, episode, "refused-1", clock=None)
    async with service_then.caller(AccessRole.MANAGER, person="p-1") as client:
        answer = await client.post(f"/episodes/{episode}/tasks/refused-1/{deed}", data={**written, "key": str(uuid4())})
    assert answer.status_code == 422
    assert f'href="#{field}"' in answer.text
    assert f"Must have at most {most} characters" in answer.text
    here, there = ("done", "note") if deed == "done" else ("note", "done")
    assert (box(answer.text, here), box(answer.text, there)) == (written.get("note", ""), "")


async def test_an_answer_about_nothing_that_one_was_told_is_one_line(service_then: Service) -> None:
    await people(service_then.store, "p-1")
    async with service_then.caller(AccessRole.MANAGER, person="p-1") as client:
        answer = await client.post("/tasks/answers", data={"notice": "n" * 401, "key": str(uuid4())})
    assert (answer.status_code, "choose what you have seen out of your list" in answer.text) == (422, True)


async def test_a_form_of_a_task_that_was_sent_before_says_so_in_words_and_can_be_sent_again(
    service_then: Service,
) -> None:
    store = service_then.store
    await people(store, "sw")
    path = (await task(store, await absence(store), "rhi")).removeprefix("/v1")
    first = {"key": str(uuid4()), "note": "first words"}
    async with service_then.caller(AccessRole.MANAGER, person="sw") as client:
        assert (await client.post(f"{path}/note", data=first)).status_code == 303
        answer = await client.post(f"{path}/note", data={**first, "note": "other words"})
    assert (answer.status_code, "This form was sent before" in answer.text) == (422, True)
    assert "Idempotency" not in answer.text
    assert "other words</textarea>" in answer.text
    assert first["key"] not in answer.text


async def test_what_asks_for_no_answer_is_gone_once_it_was_seen(service_then: Service) -> None:
    store = service_then.store
    episode = await absence(store)
    await people(store, "p-1")
    await told(store, episode, "p-1", "asking")
    to_know = await told(store, episode, "p-1", "telling", asks=False)
    async with service_then.caller(AccessRole.MANAGER, person="p-1") as client:
        both = (await client.get("/tasks")).text
        before = (await client.get(f"/episodes/{episode}/told")).text
        answer = await client.post("/tasks/answers", data={"notice": to_know, "key": str(uuid4())})
        after = (await client.get(answer.headers["location"])).text
        rows = (await client.get(f"/episodes/{episode}/told")).text
    assert both.index("Invented asking") < both.index("no answer is asked") < both.index("Invented telling")
    assert "I have seen these, and am looking into them" in both
    assert ("Noted that you have seen them" in after, "Invented telling" in after, "Invented asking" in after) == (
        True,
        False,
        True,
    )
    assert ("Not asked for" in before, "Not asked for" in rows, "Seen Wed 10 Jun 2026" in rows) == (True, False, True)


async def test_where_nothing_asks_for_an_answer_nobody_says_that_they_look_into_it(service_then: Service) -> None:
    episode = await absence(service_then.store)
    await people(service_then.store, "p-1")
    await told(service_then.store, episode, "p-1", "telling", asks=False)
    async with service_then.caller(AccessRole.MANAGER, person="p-1") as client:
        page = (await client.get("/tasks")).text
    assert ("I have seen these" in page, "looking into" in page, "no answer is asked" in page) == (True, False, False)
