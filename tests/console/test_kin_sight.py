"""One episode that tells of another which is need to know: nobody who may not see the other learns of it, anywhere."""

import re
from io import BytesIO
from typing import Any, Final

import httpx
import pytest
from fastapi.routing import APIRoute
from pypdf import PdfReader

from starter.access import AccessRole
from tests.api.callers import Service
from tests.api.kin import CHILD, DELAYED, NOTE, Kin, kin
from tests.api.test_access import everything
from tests.api.town import told
from tests.console.absences import absence, said
from tests.console.families import fact
from workflows.fact_kinds import FactKind

LISTS: Final = (
    "/now",
    "/now?due=overdue",
    "/handover",
    "/tasks?whose=all",
    "/tasks?whose=unclaimed",
    "/v1/tasks",
    "/v1/tasks?role=duty_manager",
    "/v1/episodes",
    "/v1/events",
)
"""Lists of everybody: in them a hidden episode has a line that says no more than that it is there."""


@pytest.fixture
def service(service_then: Service) -> Service:
    return service_then


def words_of(answer: httpx.Response) -> str:
    """What an answer says, the text of a PDF too."""
    if answer.headers.get("content-type") == "application/pdf":
        return " ".join(page.extract_text() for page in PdfReader(BytesIO(answer.content)).pages)
    return answer.text


def about_the_episode(service: Service, there: Kin) -> list[str]:
    """The address of everything that can be read of the episode that is shown."""
    found: set[str] = set()
    for route in everything(service.app):
        if isinstance(route, APIRoute) and "GET" in (route.methods or ()) and "{episode_id}" in route.path:
            path = route.path.replace("{episode_id}", there.shown)
            found |= {path.replace("{kind}", kind) for kind in ("rhi_delayed", "rhi_completed", "risk_assessment")}
    return sorted({re.sub(r"{[^}]*}", "rhi", path) for path in found})


@pytest.mark.parametrize("roles", [(AccessRole.MANAGER,), (AccessRole.DUTY, AccessRole.ADMINISTRATOR)])
async def test_nothing_that_is_read_of_an_episode_tells_of_one_that_is_hidden(
    service: Service, roles: tuple[AccessRole, ...]
) -> None:
    there = await kin(service.store)
    the_task = there.task.replace("/", "/tasks/")
    async with service.caller(*roles) as client:
        about = {path: await client.get(path) for path in about_the_episode(service, there)}
        lists = {path: await client.get(path) for path in LISTS}
        tasks = [await client.get(path) for path in (f"/episodes/{the_task}", f"/v1/episodes/{the_task}")]
    read = {path for path, answer in about.items() if answer.status_code == 200}
    parts = ("", "/clocks", "/timeline", "/told", "/chronology.pdf", "/interview", "/meetings", "/record/rhi_delayed")
    assert {f"/episodes/{there.shown}{part}" for part in parts} <= read
    assert {f"/v1/episodes/{there.shown}", f"/v1/episodes/{there.shown}/told"} <= read
    for path, answer in about.items():
        text = words_of(answer)
        assert there.secret not in text, path
        assert NOTE not in text, path
        assert DELAYED not in text or "/record" in path, path
    for path, answer in lists.items():
        for words in (there.duty, f"Episode {there.secret}", NOTE):
            assert words not in answer.text, path
    assert [answer.status_code for answer in tasks] == [404, 404]
    assert there.third in about[f"/v1/episodes/{there.shown}"].text, "what is open to all is told as before"
    assert there.third in lists["/v1/tasks?role=duty_manager"].text


@pytest.mark.parametrize(
    ("role", "more"), [(AccessRole.PRACTITIONER, {"person": "sw"}), (AccessRole.CASE_SYSTEM, {"kind": "system"})]
)
async def test_who_is_close_to_the_hidden_one_and_a_case_system_see_all(
    service: Service, role: AccessRole, more: dict[str, Any]
) -> None:
    there = await kin(service.store)
    async with service.caller(role, **more) as client:
        whole = (await client.get(f"/v1/episodes/{there.shown}")).json()
        tasks = (await client.get("/v1/tasks?role=duty_manager")).json()
        one = await client.get(f"/v1/episodes/{there.task.replace('/', '/tasks/')}")
    lines = [entry["text"] for entry in whole["timeline"]]
    assert f"Another episode of this child: {there.secret} (missing)" in lines
    assert {"reason": "missing_again", "episode": there.secret} in [one["details"] for one in whole["facts"]]
    assert there.task in [one["key"] for one in whole["tasks"]]
    assert there.task in [one["key"] for one in tasks["items"]]
    assert one.status_code == 200


async def test_a_case_system_reads_every_event(service: Service) -> None:
    there = await kin(service.store)
    async with service.caller(AccessRole.CASE_SYSTEM, kind="system") as system:
        assert there.task in (await system.get("/v1/events")).text
    async with service.caller(AccessRole.ADMINISTRATOR) as administrator:
        answer = (await administrator.get("/v1/events")).json()
    assert (answer["events"], answer["cursor"]) == ([], 1)


async def test_being_told_of_the_hidden_one_is_being_close_to_it(service: Service) -> None:
    there = await kin(service.store)
    await told(service.store, there.secret, "close", "rhi")
    async with service.caller(AccessRole.DUTY, person="close") as client:
        assert there.secret in (await client.get(f"/v1/episodes/{there.shown}")).text


async def test_a_record_that_goes_on_in_a_hidden_one_says_so_without_naming_it(service: Service) -> None:
    store = service.store
    secret = await absence(store, child=CHILD, need_to_know=True)
    merged = said("merged", 1, into=secret, reason="invented")
    duplicate = await absence(store, said("reported", 5), merged, child=CHILD)
    moved = said("reported", 5).model_copy(update={"source": f"merged from {secret}"})
    target = await absence(store, moved, child=CHILD)
    async with service.caller(AccessRole.MANAGER) as client:
        page = await client.get(f"/episodes/{duplicate}")
        whole = (await client.get(f"/v1/episodes/{duplicate}")).json()
        into = (await client.get(f"/v1/episodes/{target}")).json()
    assert (page.status_code, secret in page.text) == (200, False)
    for words in ("This record was a duplicate", "You may not see that one", "There is nothing left to decide here"):
        assert words in page.text, words
    details = [one["details"] for one in whole["facts"] if one["kind"] == "merged"]
    assert details == [{"into": "another episode", "reason": "invented"}]
    assert [one["source"] for one in into["facts"]] == ["merged from another episode"]


async def test_the_police_pack_draws_only_on_other_episodes_that_may_be_seen(service: Service) -> None:
    store = service.store
    there = await kin(store)
    await absence(store, said("located", 9, place="a secret place"), child=CHILD, need_to_know=True)
    await fact(store, there.secret, FactKind.LOCATED, -9, place="a nearer place")
    # Close to one of the two, by having been told of it.
    await told(store, there.secret, "close", "rhi")
    async with service.caller(AccessRole.PRACTITIONER, person="close") as client:
        pack = (await client.get(f"/v1/episodes/{there.shown}/police-pack")).text
    assert "a nearer place" in pack
    assert "a secret place" not in pack
