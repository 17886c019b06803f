"""The board: who is on it, in which order, what each row says, what is left out for whom, what the audit knows."""

import re
from datetime import timedelta
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import event

from activities.store import audit, inbox
from activities.store.audit import Chained
from activities.store.statements import upsert
from activities.store.tables import EpisodeTable, TaskTable
from starter.access import AccessRole
from tests.api.callers import ELSEWHERE, HERE, Service
from tests.api.town import holds, people
from tests.console.families import NOW, child, fact, happened, kept, owes
from workflows.fact_kinds import FactKind


@pytest.fixture
def service(one_service: Service) -> Service:
    return Service(one_service.store, clock=lambda: NOW)


def rows(text: str) -> list[str]:
    """The words of each row."""
    found = re.findall(r'<li class="hw-row .*?(?=<li class="hw-row |</ol>)', text, re.DOTALL)
    return [words(one) for one in found]


def words(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", html)).strip()


async def board(service: Service, query: str = "", *, person: str | None = None, **more: str) -> str:
    async with service.caller(AccessRole.MANAGER, person=person, **more) as manager:
        answer = await manager.get(f"/now{query}")
    assert answer.status_code == 200, answer.text
    return answer.text


async def entries(service: Service) -> list[Chained]:
    async with service.store.session() as session:
        return list(await audit.entries(session, HERE))


async def test_the_most_pressing_come_first_and_nobody_who_is_missing_sinks(service: Service) -> None:
    store = service.store
    await child(store, "NOTHING-OWED", "missing")
    for reference, status, due in (
        ("LATER", "returned", 30),
        ("BACK-UNDATED", "returned", None),
        ("NO-TIME", "missing", None),
        ("SOON", "returned", 1),
        ("OVERDUE", "returned", -2),
        ("LONG-OVERDUE", "returned", -30),
        ("MISSING-OVERDUE", "missing", -1),
    ):
        await owes(store, await child(store, reference, status), "rhi", due)
    text = await board(service)
    order = re.findall(r'<h3[^>]*><a[^>]*href="/episodes/[^"]*">([^<]*)</a></h3>', text)
    assert order[:3] == ["MISSING-OVERDUE", "LONG-OVERDUE", "OVERDUE"], "of what is overdue, who is still gone first"
    assert set(order[3:5]) == {"NO-TIME", "NOTHING-OWED"}, "as if due now: before all that has time left"
    assert order[5:] == ["SOON", "LATER", "BACK-UNDATED"]


async def test_a_row_says_what_is_owed_next_by_when_and_who_holds_it(service: Service) -> None:
    store = service.store
    await people(store, "sw", "boss")
    await holds(store, "sw", "social_worker", "C-1")
    id = await child(store, "C-1", gone_hours=3.5, team="North")
    await owes(store, id, "iro_notice", 0.75, title="Tell the IRO")
    await owes(store, id, "rhi", -26, kind="due_by", holder="boss", title="Interview")
    await owes(store, id, "leadership_alert", -100, kind="fire_at", role=None)
    await fact(store, id, FactKind.RISK_ASSESSED, -3, grade="low", scheme="Old", view="police")
    await fact(store, id, FactKind.RISK_ASSESSED, -1, grade="high", scheme="NPCC", view="police")
    wrong = await fact(store, id, FactKind.RISK_ASSESSED, -0.5, grade="medium", scheme="NPCC", view="police")
    await fact(store, id, FactKind.WITHDRAWN, -0.4, fact=wrong, reason="another child")
    (row,) = rows(await board(service))
    assert "C-1" in row
    assert "Missing" in row
    assert "gone for 3 hours 30 minutes since Wed 10 Jun 2026 09:30 BST" in row
    assert "Next owed Interview Overdue by 1 day 2 hours it was due" in row
    assert "1 thing overdue" in row
    assert "Invented boss has taken it, for the social worker" in row
    assert "High by the police, NPCC" in row
    assert "Team North" in row
    assert "1 more owed" in row
    assert "Tell the IRO: 45 minutes left" in row


@pytest.mark.parametrize(
    ("held", "says"),
    [
        (("sw", "social_worker", "C-1"), "Invented sw (social worker); not taken yet"),
        (("dm", "duty_manager", None), "Nobody holds the role social worker Invented dm stands in"),
        (None, "Nobody holds the role social worker and nobody stands in"),
    ],
)
async def test_whoever_the_role_means_holds_it_and_nobody_is_said_loudly(
    service: Service, held: tuple[str, str, str | None] | None, says: str
) -> None:
    await people(service.store, "sw", "dm")
    if held:
        await holds(service.store, *held)
    id = await child(service.store, "C-1")
    await owes(service.store, id, "rhi", 2)
    assert says in rows(await board(service))[0]


async def test_a_clock_without_a_task_is_of_the_role_that_its_rule_tells_first(service: Service) -> None:
    id = await child(service.store, "C-1", "returned")
    await owes(service.store, id, "rhi_from_referral", 2, role=None)
    assert "Nobody holds the role interview provider" in rows(await board(service))[0]


async def test_an_agreed_action_is_owed_though_no_clock_asks_for_it(service: Service) -> None:
    id = await child(service.store, "C-1", "returned")
    await owes(service.store, id, "rhi", 40)
    row = {"key": f"{id}/action-1", "episode_id": id, "authority": HERE, "clock": None, "role": "iro"}
    row |= {"do": "See the placement", "state": "open", "due": NOW - timedelta(hours=1), "opened_at": NOW}
    async with service.store.session() as session:
        await upsert(session, TaskTable, row)
    text = await board(service, "?due=overdue")
    assert "Next owed See the placement Overdue by 1 hour" in rows(text)[0]
    assert 'data-said="0 not back yet, 1 with something overdue, 0 with something due' in text


async def test_counts_are_of_everybody_and_filters_leave_out(service: Service) -> None:
    store = service.store
    await people(store, "me")
    a = await child(store, "A", team="North")
    await owes(store, a, "rhi", -1)
    await fact(store, a, FactKind.RISK_ASSESSED, -1, grade="high", scheme="S")
    b = await child(store, "B", "away", team="South")
    await owes(store, b, "rhi", 3)
    await holds(store, "me", "social_worker", "B")
    c = await child(store, "C", "returned", team="South")
    await owes(store, c, "rhi", 30)
    await child(store, "D", authority=ELSEWHERE)
    for query, found in {
        "": {"A", "B", "C"},
        "?status=away": {"A", "B"},
        "?status=missing": {"A"},
        "?status=returned": {"C"},
        "?due=overdue": {"A"},
        "?due=soon": {"B"},
        "?team=South": {"B", "C"},
        "?team=South&status=away": {"B"},
        "?team=Unknown": set[str](),
        "?risk=high": {"A"},
        "?risk=none": {"B", "C"},
        "?mine=yes": {"B"},
    }.items():
        text = await board(service, query, person="me")
        assert {one.split()[0] for one in rows(text)} == found, query
        assert "2 not back yet, 1 with something overdue, 1 with something due in the next 4 hours" in text


async def test_a_grade_finds_those_whose_assessment_is_in_force(service: Service) -> None:
    store, kind = service.store, FactKind.RISK_ASSESSED
    graded = {name: await child(store, name) for name in ("HIGH", "WITHDRAWN", "RAISED", "TWO", "AHEAD", "NO-GRADE")}
    await child(store, "NONE")
    await fact(store, graded["HIGH"], kind, -2, grade="low", view="police", scheme="S")
    await fact(store, graded["HIGH"], kind, -1, grade="high", view="police", scheme="S")
    taken_back = await fact(store, graded["WITHDRAWN"], kind, -1, grade="high", view="police")
    await fact(store, graded["WITHDRAWN"], FactKind.WITHDRAWN, -0.5, fact=taken_back, reason="Invented")
    before = await fact(store, graded["RAISED"], kind, -2, grade="medium", view="police")
    await fact(store, graded["RAISED"], kind, -2, grade="high", view="police", replaces=before)
    await fact(store, graded["TWO"], kind, -2, grade="high", view="police")
    await fact(store, graded["TWO"], kind, -1, grade="low", view="authority")
    await fact(store, graded["AHEAD"], kind, 3, grade="high", view="police")
    await fact(store, graded["NO-GRADE"], kind, -1, view="police")
    for grade, found in {
        "high": {"HIGH", "RAISED", "TWO"},
        "medium": set[str](),
        "low": {"TWO"},
        "none": {"WITHDRAWN", "AHEAD", "NO-GRADE", "NONE"},
    }.items():
        assert {one.split()[0] for one in rows(await board(service, f"?risk={grade}"))} == found, grade


async def test_another_authoritys_children_are_told_from_our_own(service: Service) -> None:
    store = service.store
    there = {name: await child(store, name) for name in ("UNSAID", "REPORTED", "DESCRIBED", "OURS-AFTER-ALL")}
    async with store.session() as session:
        for name in ("REPORTED", "OURS-AFTER-ALL"):
            body = {"report": {"child": {"reference": name, "hosted": True}}}
            row = {"id": name, "episode_id": there[name], "authority": HERE, "kind": "report", "digest": name}
            row |= {"body": body, "urgency": 0, "received_at": NOW, "state": "applied", "said_by": "another"}
            await inbox.keep(session, inbox.InboxItem.model_validate(row))
    await fact(store, there["DESCRIBED"], FactKind.DESCRIBED, -1, hosted="yes")
    await fact(store, there["OURS-AFTER-ALL"], FactKind.DESCRIBED, -1, hosted="no")
    for query, found in {
        "?authority=ours": {"UNSAID", "OURS-AFTER-ALL"},
        "?authority=other": {"REPORTED", "DESCRIBED"},
        "?authority=other&status=returned": set[str](),
    }.items():
        assert {one.split()[0] for one in rows(await board(service, query))} == found, query


@pytest.mark.parametrize(
    "query", ["?status=lost", "?due=never", "?authority=none", "?risk=extreme", "?page=0", "?page=x", "?mine=no"]
)
async def test_a_filter_that_is_none_is_said(service: Service, query: str) -> None:
    async with service.caller(AccessRole.MANAGER) as manager:
        answer = await manager.get(f"/now{query}")
    assert answer.status_code == 422
    assert query[1:].split("=", maxsplit=1)[0].capitalize() in answer.text


async def test_of_a_need_to_know_child_only_those_close_see_more_and_no_filter_tells(service: Service) -> None:
    store = service.store
    await people(store, "close")
    await holds(store, "close", "social_worker", "SECRET")
    id = await child(store, "SECRET", team="North", need_to_know=True)
    await owes(store, id, "rhi", -1, title="Secret duty")
    await fact(store, id, FactKind.RISK_ASSESSED, -1, grade="high", scheme="S")
    text = await board(service)
    assert rows(text) == ["Need to know Missing Only those who hold a role for this child see more."]
    assert "SECRET" not in text
    assert "Secret duty" not in text
    for query in ("?team=North", "?risk=high", "?authority=ours", "?mine=yes", "?due=overdue"):
        assert rows(await board(service, query)) == [], query
    assert "0 with something overdue" in text
    assert '<option value="North">' not in text
    assert "SECRET" in rows(await board(service, "?risk=high", person="close"))[0]
    assert "1 with something overdue" in await board(service, person="close")


async def test_the_place_of_a_hidden_row_tells_no_more_than_the_row(service: Service) -> None:
    store = service.store
    await people(store, "close")
    await owes(store, await child(store, "OVERDUE"), "rhi", -5)
    await owes(store, await child(store, "LATER"), "rhi", 5)
    expected = ["OVERDUE", "Need to know", "LATER", "Need to know"]
    for due_of_missing, due_of_returned in ((-9, -8), (9, 8), (None, 1)):
        missing = await child(store, f"SECRET{due_of_missing}", need_to_know=True)
        returned = await child(store, f"BACK{due_of_missing}", "returned", need_to_know=True)
        await owes(store, missing, "rhi", due_of_missing)
        await owes(store, returned, "rhi", due_of_returned)
        assert [re.split(r" Missing| Returned", one)[0] for one in rows(await board(service))] == expected
        async with store.session() as session:
            for id in (missing, returned):
                (await session.get_one(EpisodeTable, id)).closed_at = NOW


async def test_what_is_shown_is_written_down_and_what_is_hidden_is_not(service: Service) -> None:
    seen = await child(service.store, "C-1")
    hidden = await child(service.store, "C-2", need_to_know=True)
    await board(service)
    (entry,) = await entries(service)
    assert (entry.way, entry.permission) == ("GET /now", "read_episodes")
    assert seen in entry.subjects
    assert hidden not in entry.subjects


async def test_reports_that_no_clock_runs_for_are_an_alarm(service: Service) -> None:
    old = NOW - timedelta(minutes=5)
    shown = await kept(service.store, "WAITS", old)
    hidden = await kept(service.store, "HIDDEN", old, restricted=True)
    await kept(service.store, "IN-FLIGHT", NOW - timedelta(seconds=2))
    text = await board(service)
    assert "No clock runs for 2 reports" in text
    assert f'href="/episodes/{shown}">WAITS' in text
    assert "HIDDEN" not in text
    assert "IN-FLIGHT" not in text
    (entry,) = await entries(service)
    assert shown in entry.subjects
    assert hidden not in entry.subjects


async def test_a_report_that_the_engine_took_and_no_worker_has_begun_is_an_alarm_too(service: Service) -> None:
    old = NOW - timedelta(minutes=5)
    await kept(service.store, "NOT-BEGUN", old, taken=old)
    await kept(service.store, "JUST-TAKEN", old, taken=NOW - timedelta(seconds=12))
    begun = await kept(service.store, "BEGUN", old, taken=old)
    async with service.store.session() as session:
        row = {"id": begun, "authority": HERE, "policy": "homeward", "policy_version": "2026.4", "turn": 1}
        row |= {"calendar_version": "1", "status": "missing", "written_at": NOW}
        await upsert(session, EpisodeTable, row)
    text = await board(service)
    assert "No clock runs for 1 report<" in text
    assert ">NOT-BEGUN</a>" in text
    assert "JUST-TAKEN" not in text


async def test_only_what_the_feed_tells_of_is_read_again_and_all_of_it_after_a_minute(one_service: Service) -> None:
    now = NOW
    store = one_service.store
    service = Service(store, clock=lambda: now)
    told_of, other = await child(store, "TOLD"), await child(store, "OTHER")
    assert "2 not back yet" in await board(service)
    for id in (told_of, other):
        await owes(store, id, "rhi", -1)
    await happened(store, told_of)
    assert "1 with something overdue" in await board(service)
    now += timedelta(minutes=1)
    assert "2 with something overdue" in await board(service)
    async with store.session() as session:
        row = await session.get(EpisodeTable, told_of)
        assert row is not None
        row.closed_at = NOW
    await happened(store, told_of)
    assert "1 not back yet" in await board(service)


async def test_a_child_who_becomes_need_to_know_is_hidden_at_once_whatever_was_read_before(service: Service) -> None:
    id = await child(service.store, "C-1")
    assert "C-1" in await board(service)
    async with service.store.session() as session:
        row = await session.get(EpisodeTable, id)
        assert row is not None
        row.need_to_know = True
    assert "C-1" not in await board(service)


async def test_fifty_are_on_a_page(service: Service) -> None:
    for number in range(53):
        await owes(service.store, await child(service.store, f"N{number:02}"), "rhi", number + 1, role=None)
    first, second = await board(service), await board(service, "?page=2&status=missing")
    assert (len(rows(first)), len(rows(second))) == (50, 3)
    assert 'href="/now?page=2"' in first
    assert 'href="/now?status=missing"' in second
    assert len(rows(await board(service, "?page=9"))) == 3


async def test_the_page_is_kept_up_to_date_with_and_without_scripts(service: Service) -> None:
    text = await board(service, "?status=missing")
    assert '<noscript><meta http-equiv="refresh" content="60; url=/now?status=missing&amp;by_itself=yes">' in text
    assert 'data-changes="/now/changes?status=missing&amp;by_itself=yes"' in text
    assert "Updated" in text
    assert "13:00:00" in text


async def test_nobody_is_named_in_the_title_or_address(service: Service, one_service: Service) -> None:
    await child(service.store, "C-1")
    text = await board(service)
    assert "<title>Now - Homeward</title>" in text
    assert not [link for link in re.findall(r'href="([^"]*)"', text) if "C-1" in link]


async def test_the_store_is_asked_no_more_often_for_many_rows(service: Service) -> None:
    store, asked = service.store, list[str]()
    event.listen(store._engine.sync_engine, "before_cursor_execute", lambda *said: asked.append(said[2]))
    await people(store, "sw")
    counts: list[int] = []
    for number in range(41):
        id = await child(store, f"C{number}", need_to_know=number % 4 == 0, team="North")
        await owes(store, id, "rhi", number)
        if number in (4, 40):
            async with Service(store, clock=lambda: NOW).caller(AccessRole.MANAGER, person="sw") as manager:
                counts.append(await _statements(manager, asked))
    assert counts[0] == counts[1]


async def _statements(client: httpx.AsyncClient, asked: list[str]) -> int:
    asked.clear()
    assert (await client.get("/now")).status_code == 200
    return len(asked)


async def test_children_without_a_number_are_told_apart_by_what_was_reported_of_them(service: Service) -> None:
    store = service.store
    words = {"Kit Invented, girl, 14": await child(store, None), "Lee Invented " * 9: await child(store, None)}
    unsaid = await child(store, None)
    for identity, episode in words.items():
        report = {"child": {}, "answers": {"identity": identity}}
        item = {"id": str(uuid4()), "authority": HERE, "kind": "report", "episode_id": episode}
        async with store.session() as session:
            about = {"body": {"report": report}, "urgency": 0, "received_at": NOW}
            await inbox.keep(session, inbox.InboxItem.model_validate(item | about | {"state": "applied"}))
    text = await board(service)
    named = dict(re.findall(r'<h3[^>]*><a[^>]*href="/episodes/([^"]*)">([^<]*)</a></h3>', text))
    first, second = words.values()
    assert named[first] == "No number yet: Kit Invented, girl, 14"
    assert named[second].endswith("…")
    assert len(named[second]) < 80
    assert named[unsaid] == "A child without a number yet"
