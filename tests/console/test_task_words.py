"""What a task's page and the timeline say of tasks: what completes it, who took it, how a role is given to somebody."""

from html import unescape
from typing import Any
from uuid import uuid4

import pytest

from activities.store.statements import upsert
from activities.store.tables import TimelineTable
from starter.access import AccessRole
from starter.directory_changes import rows_there
from tests.api.callers import HERE, Service
from tests.api.town import people, task
from tests.console.absences import absence, said
from workflows.instants import to_rfc3339
from workflows.names import ROLES_UNHELD


async def page(service: Service, path: str) -> str:
    async with service.caller(AccessRole.MANAGER) as client:
        return unescape((await client.get(path)).text)


async def test_what_completes_a_task_is_said_as_the_form_says_it(service_then: Service) -> None:
    mine = await absence(service_then.store)
    await task(service_then.store, mine, "risk_assessment", clock="risk_assessment")
    words = await page(service_then, f"/episodes/{mine}/tasks/risk_assessment")
    assert ("The risk was assessed" in words, "'risk_assessed'" in words) == (True, False)


async def test_a_timeline_names_the_task_and_who_took_it(service_then: Service) -> None:
    taken = said("task_taken", 1, task="risk_assessment", person="sw-birch")
    mine = await absence(service_then.store, said("reported", 5), taken)
    await people(service_then.store, "sw-birch")
    await task(service_then.store, mine, "risk_assessment", do="Assess the risk")
    row: dict[str, Any] = {"episode_id": mine, "number": 1, "at": taken.at, "recorded_at": taken.recorded_at}
    line = {"kind": "fact", "text": taken.in_words(), "fact_id": taken.id}
    times = {name: to_rfc3339(row[name]) for name in ("at", "recorded_at")}
    async with service_then.store.session() as session:
        await upsert(session, TimelineTable, row | {"body": {"number": 1, **times, **line}})
    words = await page(service_then, f"/episodes/{mine}/timeline")
    assert "Task taken (Assess the risk, Invented sw-birch)" in words
    assert "sw-birch" not in words.replace("Invented sw-birch", ""), "in the picture too"


async def test_a_task_and_its_list_name_who_took_it_and_who_was_given_it(service_then: Service) -> None:
    taken = said("task_taken", 2, task="risk_assessment", person="sw-birch")
    given = said("task_handed_over", 1, task="risk_assessment", person="sw-cedar")
    mine = await absence(service_then.store, said("reported", 5), taken, given)
    await people(service_then.store, "sw-birch", "sw-cedar")
    await task(service_then.store, mine, "risk_assessment", holder="sw-cedar")
    words = await page(service_then, f"/episodes/{mine}/tasks/risk_assessment")
    assert "Task taken: Invented sw-birch" in words
    assert "Task handed over: Invented sw-cedar" in words
    assert "Taken by Invented sw-cedar." in await page(service_then, "/tasks?whose=all")


async def test_why_a_clock_runs_names_roles_in_words(service_then: Service) -> None:
    mine = await absence(service_then.store, said("reported", 5))
    words = await page(service_then, f"/episodes/{mine}")
    assert ("told (independent reviewing officer)" in words, "(iro)" in words) == (True, False)


async def test_of_a_role_that_nobody_holds_it_says_how_it_is_given(service_then: Service) -> None:
    mine = await absence(service_then.store)
    do = "Nobody is on record for this child as: independent reviewing officer, team manager. Name them"
    await task(service_then.store, mine, ROLES_UNHELD, do=do, role="duty_manager")
    words = await page(service_then, f"/episodes/{mine}/tasks/{ROLES_UNHELD}")
    for role in ("iro", "team_manager"):
        assert f"homeward directory hold {role} PERSON" in words, role
    assert words.index("homeward directory hold") < words.index("It is done")
    assert words.count("directory hold") == 2


UNHELD = "Nobody is on record for this child as: independent reviewing officer, team manager. Name them"


async def unheld(service: Service) -> str:
    """The path of a task that asks for two roles to be given to somebody."""
    mine = await absence(service.store)
    await task(service.store, mine, ROLES_UNHELD, do=UNHELD, role="duty_manager")
    await people(service.store, "sw-birch")
    return f"/episodes/{mine}/tasks/{ROLES_UNHELD}"


async def holders(service: Service) -> list[tuple[str, str, str, str]]:
    async with service.store.snapshot() as session:
        rows = await rows_there(session, HERE, "holders")
    return [(row["role"], row["person"], row["scope"], row["for"]) for row in rows]


@pytest.mark.parametrize(("whose", "scope"), [("child", "child"), ("all", "authority")])
async def test_whoever_may_names_there_who_holds_a_role(service_then: Service, whose: str, scope: str) -> None:
    path = await unheld(service_then)
    words = await page(service_then, path)
    assert "directory hold" not in words
    assert "Put it on record" in words
    async with service_then.caller(AccessRole.MANAGER) as client:
        said = {"role": "iro", "person": "sw-birch", "whose": whose, "key": str(uuid4())}
        answers = [await client.post(f"{path}/holder", data=said) for _ in range(2)]
    assert [one.status_code for one in answers] == [303, 303]
    [(role, person, kept, of)] = await holders(service_then)
    assert (role, person, kept, bool(of)) == ("iro", "sw-birch", scope, whose == "child")


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("role", "duty_manager", "Choose a role that nobody holds"),
        ("role", "", "Choose a role that nobody holds"),
        ("person", "", "Choose who it is"),
        ("person", "nobody-knows-them", "Must be among the people"),
        ("whose", "", "Say for whom"),
        ("whose", "the team", "Say for whom"),
    ],
)
async def test_what_cannot_be_put_on_record_is_said_at_its_field(
    service_then: Service, field: str, value: str, says: str
) -> None:
    path = await unheld(service_then)
    said = {"role": "iro", "person": "sw-birch", "whose": "all", "key": str(uuid4()), field: value}
    async with service_then.caller(AccessRole.MANAGER) as client:
        answer = await client.post(f"{path}/holder", data=said)
    assert (answer.status_code, says in answer.text, f'href="#{field}' in answer.text) == (422, True, True)
    assert await holders(service_then) == []


async def test_whoever_may_not_change_the_directory_is_told_whom_to_ask(service_then: Service) -> None:
    path = await unheld(service_then)
    async with service_then.caller(AccessRole.PRACTITIONER) as client:
        words = (await client.get(path)).text
        said = {"role": "iro", "person": "sw-birch", "whose": "all", "key": str(uuid4())}
        answer = await client.post(f"{path}/holder", data=said)
    assert ("Ask whoever keeps the directory" in words, "Put it on record" in words) == (True, False)
    assert answer.status_code == 403
    assert await holders(service_then) == []
