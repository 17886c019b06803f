"""An invented authority in the store, as its workflows would have written it: people, children, episodes, tasks."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from activities.store import Store, inbox
from activities.store.directory import PersonEntry, add, person_id, put_person
from activities.store.statements import upsert
from activities.store.tables import EpisodeTable, HoldingTable, NoticeTable, RecipientTable, TaskTable
from tests.api.callers import HERE

NOW = datetime(2026, 6, 10, 12, tzinfo=UTC)


async def people(store: Store, *references: str, authority: str = HERE) -> None:
    """People of an authority, each with an address and a number."""
    async with store.session() as session:
        for number, reference in enumerate(references):
            entry = PersonEntry(reference=reference, name=f"Invented {reference}")
            more = {"email": f"{reference}@invented.example", "mobile": f"+447700900{number:03}"}
            await put_person(session, authority, entry.model_copy(update=more))


async def holds(store: Store, person: str, role: str, child: str | None = None, authority: str = HERE) -> None:
    """Have a person hold a role: for a child by its reference, or for the authority."""
    async with store.session() as session:
        who = await person_id(session, authority, person)
        held: dict[str, Any] = {"authority": authority, "role": role, "person_id": who}
        held |= {"scope": "child" if child else "authority", "held_for": ""}
        if child:
            held["held_for"] = await inbox.child_id(session, authority, child, NOW)
        await add(session, HoldingTable, held)


async def episode(
    store: Store, child: str | None = None, *, authority: str = HERE, need_to_know: bool = False, closed: bool = False
) -> str:
    """An episode that has been written; its id."""
    row: dict[str, Any] = {"id": str(uuid4()), "authority": authority, "policy": "homeward"}
    row |= {"policy_version": "2026.2", "calendar_version": "1", "status": "missing", "turn": 1, "written_at": NOW}
    row |= {"need_to_know": need_to_know, "closed_at": NOW if closed else None, "missing_since": NOW}
    async with store.session() as session:
        row["child_id"] = await inbox.child_id(session, authority, child, NOW) if child else None
        await upsert(session, EpisodeTable, row)
    return row["id"]


async def task(store: Store, of_episode: str, duty: str, authority: str = HERE, **more: Any) -> str:
    """A task of an episode, due an hour from then unless said otherwise; its path."""
    row: dict[str, Any] = {"key": f"{of_episode}/{duty}", "episode_id": of_episode, "authority": authority}
    row |= {"clock": duty, "role": "social_worker", "do": f"Invented {duty}", "state": "open"}
    row |= {"due": NOW + timedelta(hours=1), "opened_at": NOW - timedelta(hours=1), **more}
    async with store.session() as session:
        await upsert(session, TaskTable, row)
    return f"/v1/episodes/{of_episode}/tasks/{duty}"


async def told(
    store: Store, of_episode: str, person: str, clock: str, authority: str = HERE, *, asks: bool = True
) -> str:
    """A notice in a person's tray that asks for an answer, unless said otherwise; its key."""
    key = f"{of_episode}/{clock}/alert/1/{person}"
    row: dict[str, Any] = {"key": key, "episode_id": of_episode, "authority": authority, "clock": clock}
    row |= {"rung": "alert", "role": "social_worker", "channel": None, "needs_ack": asks, "escalates": asks}
    row |= {"says": f"Invented {clock}", "at": NOW, "sent_at": NOW}
    async with store.session() as session:
        await upsert(session, NoticeTable, row)
        who = await person_id(session, authority, person)
        lies = {"notice_key": key, "person_id": who, "cover": "holder", "of_absence": False, "in_digest": False}
        await upsert(session, RecipientTable, lies)
    return key
