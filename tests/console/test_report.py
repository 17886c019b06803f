"""The report's form over a store with no engine: drafts, once, whose, what is said when no clock runs."""

import html
import re
import shutil
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio
from sqlalchemy import select

from activities.store import Store, inbox
from activities.store.tables import DraftTable, InboxTable
from starter.access import AccessRole
from starter.console.report_fields import STEPS
from tests.api.callers import HERE, Service

MAY_REPORT = (
    AccessRole.PRACTITIONER,
    AccessRole.DUTY,
    AccessRole.MANAGER,
    AccessRole.LEADER,
    AccessRole.HOST_AUTHORITY,
    AccessRole.CASE_SYSTEM,
    AccessRole.REPORTER,
)
REFERENCE = "INVENTED-7"
ME = "p-invented"
NOW = datetime(2026, 11, 28, 21, 15, 40, tzinfo=UTC)


@pytest_asyncio.fixture
async def one_service(sqlite_template: Path, tmp_path: Path) -> AsyncGenerator[Service]:
    """The service at one moment, over an SQLite file."""
    file = shutil.copy(sqlite_template, tmp_path / "console.sqlite")
    store = Store(f"sqlite+aiosqlite:///{file}")
    yield Service(store, clock=lambda: NOW)
    await store.close()


class Writer:
    """Somebody before the form."""

    def __init__(self, client: httpx.AsyncClient, draft: str | None = None) -> None:
        self.client = client
        self.draft = draft or str(uuid4())

    async def send(self, step: str = "when", go: str = "on", **fields: str) -> httpx.Response:
        data = {"key": str(uuid4()), "go": go, **fields}
        return await self.client.post(f"/report/{self.draft}/{step}", data=data)

    async def page(self, step: str = "when") -> str:
        answer = await self.client.get(f"/report/{self.draft}/{step}")
        assert answer.status_code == 200
        return words_of(answer)


def words_of(answer: httpx.Response) -> str:
    return html.unescape(answer.text)


@asynccontextmanager
async def writer(service: Service, *roles: AccessRole, **who: str) -> AsyncGenerator[Writer]:
    async with service.caller(*(roles or (AccessRole.DUTY,)), **who) as client:
        yield Writer(client)


async def rows(service: Service, table: Any) -> list[Any]:
    async with service.store.snapshot() as session:
        return list((await session.scalars(select(table))).all())


async def reported(service: Service) -> Mapping[str, Any]:
    """The one report that was taken in."""
    (row,) = await rows(service, InboxTable)
    return row.body


@pytest.mark.parametrize("role", MAY_REPORT)
async def test_who_may_report_does_and_is_told_plainly_that_no_clock_runs(
    one_service: Service, role: AccessRole
) -> None:
    async with writer(one_service, role) as one:
        assert (await one.send(reference=REFERENCE, identity="Robin")).headers["location"].endswith("/child")
        for step in STEPS:
            await one.page(step.id)
        answer = await one.send("reporter", "report", actions_taken="Rang friends")
        assert answer.status_code == 303
        started = await one.client.get(answer.headers["location"])
        page = words_of(started)
        assert "Kept, not yet applied: no clock runs yet" in page
        assert "ring the police on 101, or 999" in page
        assert '<noscript><meta http-equiv="refresh"' in page
        assert REFERENCE not in re.search("<title>.*</title>", page)[0]  # pyright: ignore[reportOptionalSubscript]
        assert "kept, not yet applied: no clock runs yet" in words_of(await one.client.get("/report"))
    body = await reported(one_service)
    assert body["report"]["answers"]["actions_taken"] == "Rang friends"
    assert await rows(one_service, DraftTable) == []


async def test_what_is_pressed_twice_or_sent_again_is_one_report_and_what_is_new_is_not_lost(
    one_service: Service,
) -> None:
    async with writer(one_service) as one:
        first = await one.send(go="report", identity="Robin", last_seen="now")
        again = await one.send(go="report", identity="Robin", last_seen="now")
        assert first.headers["location"] == again.headers["location"]
        saved = await one.send(save="1", identity="Robin")
        assert saved.json()["reported"] == first.headers["location"]
        more = await one.send("finding", "report", mobile_number="07700 900123")
        assert more.headers["location"].endswith("/add")
        assert "07700 900123" in words_of(await one.client.get(more.headers["location"]))
        assert (await one.client.get(f"/report/{one.draft}/when")).headers["location"] == first.headers["location"]
    assert len(await rows(one_service, InboxTable)) == 1
    assert [draft.kind for draft in await rows(one_service, DraftTable)] == ["answers"]


async def goes_on_at(one: Writer) -> str:
    """The part at which a draft is gone on with."""
    found = re.search(rf'href="/report/{one.draft}/(\w+)">Go on', words_of(await one.client.get("/report")))
    assert found
    return found[1]


async def test_a_draft_is_gone_on_with_where_its_writer_was(one_service: Service) -> None:
    async with writer(one_service) as one:
        await one.send(save="1", identity="Robin")
        assert await goes_on_at(one) == "when"
        await one.send(identity="Robin", last_seen="at")
        assert await goes_on_at(one) == "when", "a mistake holds them there"
        await one.send(identity="Robin")
        assert await goes_on_at(one) == "child"
        await one.send("child", "finding", setting="foster")
        assert await goes_on_at(one) == "finding"
        await one.send("finding", "leave", description="Tall")
        assert await goes_on_at(one) == "finding"
        assert "You were at part 3: How to know them" in words_of(await one.client.get("/report"))


async def test_a_draft_is_kept_as_it_is_written_and_nobody_else_sees_it(one_service: Service) -> None:
    async with writer(one_service) as one, writer(one_service) as another:
        saved = await one.send(save="1", identity="Robin <b>", last_seen="at", last_seen_time="25:99")
        assert re.fullmatch(r"Saved \d\d:\d\d", saved.json()["said"])
        mine = await one.page()
        assert "Robin <b>" in mine
        assert 'value="25:99"' in mine
        assert f"/report/{one.draft}/when" in words_of(await one.client.get("/report"))
        another.draft = one.draft
        assert "Robin" not in await another.page()
        assert one.draft not in words_of(await another.client.get("/report"))
        await another.client.post(f"/report/{one.draft}/throw-away", data={"key": str(uuid4())})
        assert "Robin" in await one.page()
        await one.client.post(f"/report/{one.draft}/throw-away", data={"key": str(uuid4())})
        assert "Robin" not in await one.page()


async def test_a_page_that_was_only_opened_or_sent_empty_leaves_nothing(one_service: Service) -> None:
    async with writer(one_service) as one:
        await one.page()
        assert (await one.send()).status_code == 303
        refused = await one.send("reporter", "report")
        assert refused.status_code == 422
        assert 'href="#identity"' in refused.text
        assert "Part 4" not in refused.text
        assert (await one.client.get(f"/report/{one.draft}/nowhere")).status_code == 404
    assert await rows(one_service, DraftTable) == []
    assert await rows(one_service, InboxTable) == []


async def test_a_mistake_keeps_all_that_was_written_and_a_report_waits_for_it_wherever_it_is(
    one_service: Service,
) -> None:
    tomorrow = f"{NOW + timedelta(days=1):%Y-%m-%d}"
    async with writer(one_service) as one:
        answer = await one.send(identity="Robin", last_seen="at", last_seen_day=tomorrow, last_seen_time="10:00")
        page = words_of(answer)
        assert answer.status_code == 422
        assert 'href="#last_seen-day"' in page
        assert "Last seen: " in page
        assert "lies in the future" in page
        assert tomorrow in page
        # Another part is not held up by it; the report is, and leads there.
        assert (await one.send("child", setting="foster")).status_code == 303
        held = words_of(await one.send("finding", "report", health="asthma"))
        assert "Who is it, and what happened?" in held
        assert 'href="#last_seen-day"' in held
        assert (await one.send(go="leave", identity="Robin", last_seen="at")).headers["location"] == "/report"
        mended = await one.send(go="report", identity="Robin")
        assert mended.status_code == 303
    assert (await reported(one_service))["report"]["answers"]["health"] == "asthma"


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ({"identity": "Robin"}, True),
        ({"last_seen": "now"}, True),
        ({"noticed": "now"}, False),
        ({"reported": "now"}, False),
    ],
)
async def test_some_time_says_since_when_it_has_been_known(
    one_service: Service, written: dict[str, str], told: bool
) -> None:
    async with writer(one_service) as one:
        await one.send(go="report", **written)
    report = (await reported(one_service))["report"]
    assert (report["authority_told"] is not None) == told


@pytest.mark.parametrize(
    ("written", "category"),
    [
        ({"category": "missing", "noticed": "now"}, "missing"),
        ({"category": "away", "last_seen": "now"}, "away"),
        ({"category": "absent", "reported": "now"}, None),
        ({"noticed": "now"}, None),
    ],
)
async def test_what_is_made_of_the_absence_goes_with_the_report(
    one_service: Service, written: dict[str, str], category: str | None
) -> None:
    async with writer(one_service) as one:
        await one.send(go="report", **written)
    facts = (await reported(one_service))["facts"]
    assert [fact["details"]["category"] for fact in facts] == ([category] if category else [])


async def test_an_open_report_of_the_child_is_spoken_of_before_and_after_to_who_may_see_it(
    one_service: Service,
) -> None:
    async with writer(one_service) as first:
        there = (await first.send(go="report", reference=REFERENCE)).headers["location"].split("/")[2]
    async with writer(one_service) as one, writer(one_service, AccessRole.REPORTER) as outside:
        saved = (await one.send(save="1", reference=REFERENCE)).json()
        assert f"/episodes/{there}" in saved["alike"]
        assert f"/episodes/{there}" in await one.page("child")
        assert (await outside.send(save="1", reference=REFERENCE)).json()["alike"].strip() == ""
        for somebody, sees in ((one, True), (outside, False)):
            answer = await somebody.send(go="report", reference=REFERENCE)
            page = words_of(await somebody.client.get(answer.headers["location"]))
            assert (there in page) == sees


@pytest.mark.parametrize("role", [AccessRole.REPORTER, AccessRole.HOST_AUTHORITY])
async def test_who_sees_no_board_sees_what_they_reported_and_says_that_the_child_is_back(
    one_service: Service, role: AccessRole
) -> None:
    async with writer(one_service, role, person="p1") as one, writer(one_service, role) as another:
        place = (await one.send(go="report", reference=REFERENCE)).headers["location"]
        back = place.replace("/started", "/back")
        assert back in words_of(await one.client.get("/report"))
        assert (await another.client.get(place)).status_code == 404
        assert (await another.client.get(back)).status_code == 404
        form = {"key": str(uuid4()), "asked_at": "2026-11-28T21:15:00Z"}
        for wrong, field in (({}, "what"), ({"what": "returned"}, "when-how"), (at("when", "21:00", ""), "when-day")):
            answer = await one.client.post(back, data={**form, "note": "tired", **wrong})
            assert (answer.status_code, f'href="#{field}"' in answer.text) == (422, True), field
            assert "tired" in answer.text
        said = {**form, "what": "returned", "when": "now", "place": "home", "note": "tired"}
        for _ in range(2):
            assert (await one.client.post(back, data=said)).headers["location"] == place
        assert "2 things that were added since wait" in words_of(await one.client.get(place))
    facts = [row.body for row in await rows(one_service, InboxTable) if row.kind == "fact"]
    assert sorted((fact["kind"], fact["at"], fact["details"]["place"]) for fact in facts) == [
        ("located", "2026-11-28T21:15:00Z", "home"),
        ("returned", "2026-11-28T21:15:00Z", "home"),
    ]


def at(name: str, time: str, day: str) -> dict[str, str]:
    return {"what": "located", name: "at", f"{name}_day": day, f"{name}_time": time}


async def test_what_becomes_known_later_is_added_once_as_facts(one_service: Service) -> None:
    async with writer(one_service, AccessRole.REPORTER) as one:
        place = (await one.send(go="report", identity="Robin")).headers["location"]
        add = place.replace("/started", "/add")
        form = words_of(await one.client.get(add))
        assert 'id="health"' in form
        assert 'id="identity"' not in form
        empty = await one.client.post(add, data={"key": str(uuid4())})
        assert (empty.status_code, "Write what you have come to know" in empty.text) == (422, True)
        said = {"key": str(uuid4()), "asked_at": "2026-11-28T21:15:00Z", "health": "asthma", "looked_after": "yes"}
        police = {"reported": "at", "reported_day": "2026-11-28", "police_reference": "LOG 7"}
        untimed = await one.client.post(add, data={**said, **police})
        assert (untimed.status_code, 'href="#reported-time"' in untimed.text) == (422, True)
        assert "asthma" in untimed.text
        for _ in range(2):
            answer = await one.client.post(add, data={**said, **police, "reported_time": "20:00"})
            assert answer.headers["location"] == place
    facts = [row.body for row in await rows(one_service, InboxTable) if row.kind == "fact"]
    assert sorted((fact["kind"], fact["note"], str(fact["details"])) for fact in facts if fact["note"]) == [
        ("described", "Health, medication, well-being: asthma", "{}")
    ]
    assert [fact["details"] for fact in facts if not fact["note"]] == [
        {"looked_after": "yes"},
        {"police_ref": "LOG 7"},
    ]
    assert [fact["at"] for fact in facts if fact["kind"] == "reported"] == ["2026-11-28T20:00:00Z"]
    assert await rows(one_service, DraftTable) == []


async def test_another_authority_has_nothing_of_it(one_service: Service) -> None:
    async with writer(one_service) as one, writer(one_service, authority="elsewhere") as another:
        place = (await one.send(go="report", reference=REFERENCE)).headers["location"]
        for path in (place, place.replace("started", "add"), place.replace("started", "back")):
            assert (await another.client.get(path)).status_code == 404
        assert (await another.send(save="1", reference=REFERENCE)).json()["alike"].strip() == ""
    async with one_service.store.snapshot() as session:
        assert await inbox.count_waiting(session, HERE) == 1


@pytest.mark.parametrize(
    ("seconds", "says"), [(20, "the clocks are being worked out"), (21, "not yet applied: no clock runs")]
)
async def test_what_the_engine_took_and_does_not_begin_is_said_to_have_no_clock(
    one_service: Service, seconds: int, says: str
) -> None:
    async with writer(one_service, id=ME) as one:
        await one.send(reference=REFERENCE)
        started = (await one.send("reporter", "report")).headers["location"]
    (report,) = await rows(one_service, InboxTable)
    async with one_service.store.session() as session:
        await inbox.settle(session, report.id, "applied", None, NOW)
    later = Service(one_service.store, clock=lambda: NOW + timedelta(seconds=seconds))
    async with writer(later, id=ME) as one:
        assert says in words_of(await one.client.get("/report")).lower()
        for path in (started, f"/episodes/{report.episode_id}", f"/episodes/{report.episode_id}/clocks"):
            page = words_of(await one.client.get(path)).lower()
            assert says in page, path
            assert ("ring the police" in page or "ring whoever must know" in page) == (seconds > 20), path
