"""The handover: what the next shift is told, of whom, and what is written down of it."""

import re
from datetime import timedelta

import pytest

from activities.store import audit
from activities.store.directory import add, person_id
from activities.store.statements import upsert
from activities.store.tables import MessageTable, NoticeTable, RecipientTable, ShiftTable
from starter.access import AccessRole
from tests.api.callers import HERE, Service
from tests.api.town import holds, people, told
from tests.console.families import NOW, child, fact, kept, owes
from workflows.fact_kinds import FactKind


@pytest.fixture
def service(one_service: Service) -> Service:
    return Service(one_service.store, clock=lambda: NOW)


async def handover(service: Service, query: str = "", person: str | None = None) -> dict[str, str]:
    """The words of each part of the page, by its heading's id."""
    async with service.caller(AccessRole.DUTY, person=person) as duty:
        answer = await duty.get(f"/handover{query}")
    assert answer.status_code == 200, answer.text
    parts = re.findall(r'<section[^>]*aria-labelledby="([^"]*)">(.*?)</section>', answer.text, re.DOTALL)
    return {"all": _words(answer.text)} | {id: _words(html) for id, html in parts}


def _words(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", html)).strip()


async def test_a_child_who_is_not_back_is_told_of_with_what_is_known(service: Service) -> None:
    id = await child(service.store, "C-1", team="North")
    await child(service.store, "BACK", "returned")
    await owes(service.store, id, "strategy_meeting", 5, title="Strategy meeting")
    await fact(service.store, id, FactKind.LAST_SEEN, -2, place="the invented park")
    await fact(service.store, id, FactKind.CONTACT_ATTEMPTED, -1, to="child", channel="phone", note="no answer")
    await fact(service.store, id, FactKind.REPORTED, -1.5, police_ref="INV/7", force="Invented force")
    await fact(service.store, id, FactKind.RISK_ASSESSED, -1, grade="high", scheme="NPCC", view="police")
    said = (await handover(service))["away"]
    assert "BACK" not in said
    for words in (
        "Not back yet (1)",
        "Gone 2 hours, since Wed 10 Jun 2026 11:00 BST",
        "11:00 BST, the invented park",
        "with the child, phone: no answer",
        "INV/7, Invented force",
        "High by the police, NPCC",
        "Strategy meeting: 5 hours left",
        "Nobody holds the role social worker",
        "Team North",
    ):
        assert words in said, words


async def test_what_falls_due_is_of_the_shift_that_was_asked_for(service: Service) -> None:
    id = await child(service.store, "C-1", "returned")
    for clock, due in (("in_three", 3), ("in_ten", 10), ("in_twenty", 20)):
        await owes(service.store, id, clock, due)
    for query, count in {"?hours=4": 1, "": 2, "?hours=24": 3}.items():
        assert f"({count})" in (await handover(service, query))["due"]
    async with service.caller(AccessRole.DUTY) as duty:
        answer = await duty.get("/handover?hours=13")
    assert (answer.status_code, "must be one of 4, 8, 12, 24" in answer.text) == (422, True)


async def test_what_is_overdue_says_who_was_told_and_whether_they_answered(service: Service) -> None:
    store = service.store
    await people(store, "sw", "boss")
    id = await child(store, "C-1", "returned")
    await owes(store, id, "rhi", -5, title="Interview", holder="boss")
    await owes(store, id, "untold", -1, title="Told nobody")
    asked = await told(store, id, "sw", "rhi")
    said = await handover(service)
    assert "Interview , C-1 Returned Overdue by 5 hours" in said["overdue"]
    assert "Invented boss has taken it" in said["overdue"]
    assert "Told: Invented sw (social worker, Wed 10 Jun 2026 13:00 BST) , no answer" in said["overdue"]
    assert "Told: nobody yet" in said["overdue"]
    async with store.session() as session:
        row = await session.get(NoticeTable, asked)
        assert row is not None
        row.acknowledged_at, row.acknowledged_by = NOW, "boss"
    said = await handover(service)
    assert "answered by Invented boss Wed 10 Jun 2026 13:00 BST" in said["overdue"]
    assert "(0)" in said["notices"]


async def test_notices_without_an_answer_or_that_reached_nobody_are_told(service: Service) -> None:
    store = service.store
    await people(store, "sw")
    id = await child(store, "C-1")
    for clock, asks, state in (("quiet", True, None), ("lost", False, "unreached"), ("fine", False, "reached")):
        key = await told(store, id, "sw", clock)
        async with store.session() as session:
            notice = await session.get(NoticeTable, key)
            assert notice is not None
            notice.needs_ack = asks
            if state:
                who = await person_id(session, HERE, "sw")
                message = {"id": f"m-{clock}", "authority": HERE, "person_id": who, "ways": "smtp", "state": state}
                await upsert(session, MessageTable, message | {"gathered_at": NOW, "state_at": NOW})
                told_by = await session.get(RecipientTable, (key, who))
                assert told_by is not None
                told_by.message_id = f"m-{clock}"
    async with store.session() as session:
        nobody = {"key": f"{id}/none", "episode_id": id, "authority": HERE, "clock": "none", "rung": "alert"}
        nobody |= {"role": "iro", "channel": None, "needs_ack": False, "escalates": False, "says": "Invented none"}
        await upsert(session, NoticeTable, nobody | {"at": NOW, "sent_at": NOW})
    said = (await handover(service))["notices"]
    assert "(3)" in said
    assert "Invented quiet C-1 , to the social worker, Wed 10 Jun 2026 13:00 BST: no answer from Invented sw" in said
    assert "it reached nobody (Invented sw)" in said
    assert "nobody was on record" in said
    assert "Invented fine" not in said


async def test_what_was_handed_over_and_noted_in_the_last_shift_is_told_unless_it_was_taken_back(
    service: Service,
) -> None:
    store = service.store
    await people(store, "sw", "boss")
    id = await child(store, "C-1")
    await owes(store, id, "rhi", 5)
    await fact(store, id, FactKind.TASK_HANDED_OVER, -1, task="rhi", person="boss", recorded_by="sw", note="late shift")
    await fact(store, id, FactKind.TASK_NOTED, -2, task="rhi", recorded_by="sw", note="rang, no answer")
    await fact(store, id, FactKind.TASK_NOTED, -20, task="rhi", recorded_by="sw", note="long ago")
    wrong = await fact(store, id, FactKind.TASK_NOTED, -3, task="rhi", recorded_by="sw", note="taken back")
    await fact(store, id, FactKind.WITHDRAWN, -2.5, fact=wrong, reason="another child")
    said = (await handover(service))["said"]
    assert "Do invented rhi , C-1" in said
    assert "Invented sw handed it over to Invented boss: late shift" in said
    assert "Invented sw noted: rang, no answer" in said
    assert "long ago" not in said
    assert "taken back" not in said


async def test_who_is_on_call_now_and_next(service: Service) -> None:
    store = service.store
    await people(store, "day", "night")
    async with store.session() as session:
        for who, begins, ends in (("day", -6, 6), ("night", 6, 18)):
            row = {"authority": HERE, "role": "duty_manager", "person_id": await person_id(session, HERE, who)}
            span = {"since": NOW + timedelta(hours=begins), "until": NOW + timedelta(hours=ends)}
            await add(session, ShiftTable, row | span)
    said = (await handover(service))["on-call"]
    assert "Duty manager Invented day" in said
    assert "then Invented night from Wed 10 Jun 2026 19:00 BST" in said
    assert "Out-of-hours team Nobody holds the role Invented day stands in" in said


async def test_need_to_know_and_reports_that_wait_are_told_as_far_as_may_be(service: Service) -> None:
    store = service.store
    await people(store, "close")
    await holds(store, "close", "social_worker", "SECRET")
    id = await child(store, "SECRET", need_to_know=True)
    await owes(store, id, "rhi", -1, title="Secret duty")
    await told(store, id, "close", "rhi")
    seen = await child(store, "C-1")
    waits = await kept(store, "WAITS", NOW - timedelta(minutes=5))
    said = await handover(service)
    assert "SECRET" not in said["all"]
    assert "Secret duty" not in said["all"]
    assert "Invented rhi" not in said["all"]
    assert "1 child is need to know" in said["all"]
    assert "Need to know Missing" in said["away"]
    assert "No clock runs for 1 report" in said["all"]
    assert "WAITS" in said["all"]
    async with store.session() as session:
        (entry,) = await audit.entries(session, HERE)
    assert {seen, waits} <= set(entry.subjects)
    assert id not in entry.subjects
    assert "SECRET" in (await handover(service, person="close"))["away"]


@pytest.mark.parametrize("seen", [None, FactKind.LAST_SEEN, FactKind.NOTICED])
async def test_a_report_is_not_when_a_child_went(service: Service, seen: FactKind | None) -> None:
    id = await child(service.store, "C-1", gone_hours=2)
    await fact(service.store, id, FactKind.REPORTED, -2)
    if seen:
        await fact(service.store, id, seen, -2)
    says = "eported 2 hours ago; not known when last seen"
    async with service.caller(AccessRole.MANAGER) as manager:
        for path in ("/now", "/handover", f"/episodes/{id}"):
            page = _words((await manager.get(path)).text)
            assert (says in page) == (seen is None), path
            assert bool(re.search("[Gg]one (for )?2 hours", page)) == (seen is not None), path
