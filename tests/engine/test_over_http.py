"""The API on the real engine: tasks and trays applied and refused, and open episodes that hear of the directory."""

from collections.abc import Callable
from datetime import datetime

import httpx
import pytest

from starter.access import AccessRole
from starter.client import Episodes
from starter.rehearsal import Stage
from tests.api.callers import Service, key
from tests.engine.conftest import Theatre
from tests.engine.plays import NOON, fact, hours, live

pytestmark = pytest.mark.asyncio(loop_scope="session")
StageAt = Callable[[datetime], Stage]
MANAGER = AccessRole.MANAGER


async def a_town(theatre: Theatre) -> tuple[Stage, Service]:
    """An authority of its own with everybody in their roles, and the service at the episode's own time."""
    stage = await theatre.stage_of_its_own(NOON)

    async def reach() -> Episodes:
        return stage.episodes

    return stage, Service(theatre.store, reach, clock=lambda: stage.now)


async def post(client: httpx.AsyncClient, path: str, body: object = None, **headers: str) -> httpx.Response:
    return await client.post(path, json=body or {}, headers=headers or key())


async def test_a_task_from_the_list_to_its_end(theatre: Theatre) -> None:
    stage, service = await a_town(theatre)
    await live(stage, 2.1, fact("reported", 0), fact("returned", 2))
    town = stage.authority
    async with (
        service.caller(MANAGER, authority=town, person="social_worker") as worker,
        service.caller(MANAGER, authority=town, person="team_manager") as manager,
    ):
        listed = (await worker.get("/v1/tasks?person=me&clock=rhi_offer")).json()["items"]
        path = f"/v1/episodes/{stage.episode_id}/tasks/{listed[0]['duty']}"
        taken = await post(worker, f"{path}/take")
        assert (taken.status_code, taken.json()["state"], taken.json()["again"]) == (200, "applied", False)
        await stage.advance_to(NOON + hours(2.2))
        refused = await post(manager, f"{path}/take")
        assert refused.status_code == 409
        assert refused.json()["detail"] == "task: already taken by social_worker; hand it over instead"
        assert (await post(manager, f"{path}/hand-over", {"to": "team_manager"})).status_code == 200
        await stage.advance_to(NOON + hours(2.3))
        assert (await manager.get(path)).json()["holder"] == "team_manager"
        mine, how = key(), {"details": {"channel": "telephone"}}
        first, again = [await post(manager, f"{path}/done", how, **mine) for _ in range(2)]
        assert (first.json()["state"], first.json()["still_owed"], first.json()["again"]) == ("applied", False, False)
        assert (again.json()["id"], again.json()["again"]) == (first.json()["id"], True)
        await stage.advance_to(NOON + hours(2.4))
        # The same request once more is answered as before; another finds it done.
        assert (await post(manager, f"{path}/done", how, **mine)).status_code == 200
        assert (await post(worker, f"{path}/done")).json()["detail"] == "task: it is done already"
        shown = (await worker.get(path)).json()
    assert (shown["state"], [one["words"] for one in shown["history"]]) == (
        "done",
        ["task taken: social_worker", "task handed over: team_manager"],
    )


async def test_a_review_that_is_done_is_owed_again(theatre: Theatre) -> None:
    stage, service = await a_town(theatre)
    await live(stage, 0.1, fact("noticed", 0))
    async with service.caller(MANAGER, authority=stage.authority, person="team_manager") as client:
        tasks = (await client.get("/v1/tasks?clock=absence_review")).json()["items"]
        path = f"/v1/episodes/{stage.episode_id}/tasks/{tasks[0]['duty']}"
        done = (await post(client, f"{path}/done", {"details": {"decision": "wait"}})).json()
    assert done["still_owed"] is True
    assert done["due_again"] > tasks[0]["due"]


async def test_an_answer_from_a_tray_stops_the_asking(theatre: Theatre) -> None:
    stage, service = await a_town(theatre)
    await live(stage, 24.1, fact("reported", 0))
    async with service.caller(AccessRole.LEADER, authority=stage.authority, person="senior_leader") as client:
        lying = (await client.get("/v1/trays/me")).json()["items"]
        notices = [one["notice"] for one in lying if one["asks"] == "answer"]
        answers = await post(client, "/v1/trays/me/answers", {"notices": notices})
        assert answers.status_code == 200
        assert {one["state"] for one in answers.json()["answers"]} == {"applied"}
        await stage.advance_to(NOON + hours(25))
        told = (await client.get(f"/v1/episodes/{stage.episode_id}/told")).json()["who_knew"]
    answered = {one["acknowledged_by"] for one in told if one["notice"] in notices}
    assert answered == {"senior_leader"}


async def test_open_episodes_look_again_after_a_change_of_the_directory(theatre: Theatre) -> None:
    stage, service = await a_town(theatre)
    await live(stage, 0.1, fact("reported", 0))
    async with service.caller(MANAGER, authority=stage.authority) as client:
        made = (await client.put("/v1/directory/people/w9", json={"name": "Invented w9"})).json()
        assert (made["change"], made["episodes_told"]) == ("added", True)
    heard = [
        event.workflow_execution_signaled_event_attributes.signal_name
        async for event in stage.handle.fetch_history_events()
        if event.HasField("workflow_execution_signaled_event_attributes")
    ]
    assert heard == ["directory_changed"]
