"""The page after a report: what was refused is said to be so, and whom no message has reached."""

import html
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import select

from activities.store import Store, inbox
from activities.store.statements import upsert
from activities.store.tables import DispatchTable, MessageTable, RecipientTable
from starter.access import AccessRole, Principal
from starter.reports import Report
from tests.api.callers import HERE, Service, principal
from tests.api.town import NOW, people, told
from tests.console.absences import absence, said

REFERENCE = "INVENTED-7"


def words_of(answer: httpx.Response) -> str:
    assert answer.status_code == 200, answer.text
    return html.unescape(answer.text)


@asynccontextmanager
async def signed_in(service: Service, who: Principal) -> AsyncGenerator[httpx.AsyncClient]:
    async with service.caller() as client:
        client.headers["Authorization"] = f"Bearer {service.identity.token(who)}"
        yield client


async def keep(store: Store, who: Principal, episode: str, *items: dict[str, Any]) -> None:
    """What somebody said of an episode, as the inbox has it."""
    about = {"authority": HERE, "episode_id": episode, "urgency": 1, "said_by": who.id, "state": "applied"}
    async with store.session() as session:
        for item in items:
            values = {"id": str(uuid4()), "received_at": NOW, **about, **item}
            await inbox.keep(session, inbox.InboxItem.model_validate(values))


def report(**more: Any) -> dict[str, Any]:
    made = Report.model_validate({"child": {"reference": REFERENCE}, "answers": {"identity": "Robin"}})
    return {"kind": "report", "body": {"report": made.model_dump(mode="json"), "child_id": None}, **more}


def fact(hours: float, **more: Any) -> dict[str, Any]:
    at = NOW - timedelta(hours=hours)
    return {"kind": "fact", "body": said("returned", hours).model_dump(mode="json"), "received_at": at, **more}


async def test_a_report_that_was_refused_says_so_at_once_and_not_that_it_is_kept(service_then: Service) -> None:
    who, episode = principal(AccessRole.DUTY), str(uuid4())
    just_now = NOW - timedelta(seconds=2)
    refused = report(received_at=just_now, state="refused", reason="child.born: is invented")
    await keep(service_then.store, who, episode, refused)
    async with signed_in(service_then, who) as client:
        paths = (f"/report/{episode}/started", f"/episodes/{episode}", "/report")
        started, front, listed = [words_of(await client.get(path)) for path in paths]
    for page, says in (
        (started, "Refused: no clock runs"),
        (front, "The report was refused: NO CLOCK RUNS for this child"),
        (listed, "refused: no clock runs"),
    ):
        assert says in page
        for otherwise in ("ept, not yet applied", "is safe", "being worked out"):
            assert otherwise not in page, says
    assert "/add" not in started, "there is nothing to add to"
    assert "Child.born: is invented" in started
    assert "Child.born: is invented" in front


async def test_what_was_added_and_refused_when_nobody_waited_is_said_until_it_is_said_again(
    service_then: Service,
) -> None:
    store, who = service_then.store, principal(AccessRole.REPORTER)
    episode = await absence(store)
    refused = {"state": "refused", "reason": "at: it cannot be so"}
    await keep(store, who, episode, report(), fact(3, **refused), fact(2, **refused, attempts=1))
    async with signed_in(service_then, who) as client:
        page = words_of(await client.get(f"/report/{episode}/started"))
        await keep(store, who, episode, fact(1))
        mended = words_of(await client.get(f"/report/{episode}/started"))
    assert "Not taken: something you added" in page
    assert "Returned, which you sent Wed 10 Jun 2026 11:00 BST. It cannot be so." in page
    assert "Not taken" not in mended


@pytest.mark.parametrize(
    ("letter", "says"),
    [
        ("none", "Nobody has been sent a text message or an e-mail.</strong>"),
        ("waits", "Nobody has been sent a text message or an e-mail yet.</strong>"),
        ("taken", ""),
    ],
)
async def test_that_nobody_was_sent_a_message_is_said_plainly(service_then: Service, letter: str, says: str) -> None:
    store, who = service_then.store, principal(AccessRole.DUTY)
    await people(store, "sw")
    episode = await absence(store)
    await keep(store, who, episode, report())
    await letters(store, await told(store, episode, "sw", "rhi"), letter)
    async with signed_in(service_then, who) as client:
        page = words_of(await client.get(f"/report/{episode}/started"))
    assert "Invented rhi" in page
    assert (says in page) if says else ("Nobody has been sent" not in page)


async def letters(store: Store, notice: str, how: str) -> None:
    """That a notice waits to go out, or that an e-mail with it was taken."""
    async with store.session() as session:
        row = (await session.scalars(select(RecipientTable).where(RecipientTable.notice_key == notice))).one()
        row.ready_at = NOW + timedelta(minutes=1) if how == "waits" else None
        if how != "taken":
            return
        message: dict[str, Any] = {"id": str(uuid4()), "authority": HERE, "person_id": row.person_id, "ways": "smtp"}
        await upsert(session, MessageTable, message | {"gathered_at": NOW, "state": "reached", "state_at": NOW})
        tried: dict[str, Any] = {"message_id": message["id"], "way": "smtp", "reference": "invented", "attempts": 1}
        await upsert(session, DispatchTable, tried | {"in_doubt": False, "first_tried_at": NOW, "taken_at": NOW})
        row.message_id = message["id"]
