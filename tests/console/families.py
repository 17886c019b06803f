"""Children in an invented authority, as their workflows would have written them: what is owed, and facts."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import select

from activities.store import Store, inbox
from activities.store.events import feed_of
from activities.store.statements import upsert
from activities.store.tables import (
    ChildTeamTable,
    ClockTable,
    EpisodeTable,
    EventFeedTable,
    EventTable,
    FactTable,
    RecipientTable,
    TaskTable,
)
from tests.api.callers import HERE
from tests.api.town import NOW, episode
from workflows.fact_kinds import FactKind
from workflows.facts import Fact

__all__ = ["NOW", "child", "fact", "happened", "owes"]


async def child(
    store: Store,
    reference: str | None,
    status: str = "missing",
    *,
    gone_hours: float = 2,
    team: str | None = None,
    need_to_know: bool = False,
    authority: str = HERE,
) -> str:
    """A child's open episode; its id."""
    id = await episode(store, reference, authority=authority, need_to_know=need_to_know)
    gone = NOW - timedelta(hours=gone_hours)
    async with store.session() as session:
        row = await session.get(EpisodeTable, id)
        assert row is not None
        row.status, row.missing_since = status, gone
        row.returned_at = NOW - timedelta(hours=gone_hours / 2) if status == "returned" else None
        if team and row.child_id:
            await upsert(session, ChildTeamTable, {"child_id": row.child_id, "team": team})
    return id


async def owes(
    store: Store,
    of_episode: str,
    clock: str,
    in_hours: float | None,
    *,
    role: str | None = "social_worker",
    holder: str | None = None,
    kind: str = "due_by",
    title: str | None = None,
    authority: str = HERE,
) -> None:
    """A clock that runs, or is overdue, with its task unless it has no role."""
    due = None if in_hours is None else NOW + timedelta(hours=in_hours)
    state = "overdue" if due is not None and due < NOW else "running"
    row: dict[str, Any] = {"episode_id": of_episode, "id": clock, "kind": kind, "state": state, "due": due}
    row |= {"start": NOW - timedelta(hours=48), "body": {"title": title or f"Invented {clock}"}}
    async with store.session() as session:
        await upsert(session, ClockTable, row)
        if role:
            task: dict[str, Any] = {"key": f"{of_episode}/{clock}", "episode_id": of_episode, "authority": authority}
            task |= {"clock": clock, "role": role, "do": f"Do invented {clock}", "state": "open", "due": due}
            await upsert(session, TaskTable, task | {"opened_at": NOW - timedelta(hours=1), "holder": holder})


async def fact(store: Store, of_episode: str, kind: FactKind, at_hours: float, **details: str) -> str:
    """A fact so many hours after NOW; its id. `note` and `replaces` are the fact's own."""
    at = NOW + timedelta(hours=at_hours)
    more = {name: details.pop(name) for name in ("note", "replaces", "recorded_by") if name in details}
    said = Fact.model_validate(
        {"id": str(uuid4()), "kind": kind, "at": at, "recorded_at": at, "details": details, **more}
    )
    row: dict[str, Any] = {"episode_id": of_episode, "id": said.id, "kind": said.kind.value, "at": said.at}
    async with store.session() as session:
        await upsert(session, FactTable, row | {"recorded_at": said.recorded_at, "body": said.model_dump(mode="json")})
    return said.id


async def happened(store: Store, *episodes: str) -> None:
    """Have the authority's feed tell of these episodes, or of all there are."""
    async with store.session() as session:
        last = (await feed_of(session, HERE)).last
        told = episodes or (await session.scalars(select(EpisodeTable.id))).all()
        for place, id in enumerate(told, start=1):
            row: dict[str, Any] = {"authority": HERE, "number": last + place, "id": str(uuid4()), "at": NOW}
            await upsert(session, EventTable, row | {"kind": "homeward.invented", "episode_id": id, "data": {}})
        await upsert(session, EventFeedTable, {"authority": HERE, "last": last + len(told), "dropped": 0})


async def kept(
    store: Store, reference: str | None, received: datetime, taken: datetime | None = None, **about: Any
) -> str:
    """A report that is kept and which the engine has not answered, or has `taken`; the id of its episode."""
    said = {"child": {"reference": reference, **about}}
    row: dict[str, Any] = {"id": str(uuid4()), "authority": HERE, "kind": "report", "episode_id": str(uuid4())}
    row |= {"digest": str(uuid4()), "body": {"report": said, "child_id": None}, "urgency": 0, "received_at": received}
    async with store.session() as session:
        await inbox.keep(session, inbox.InboxItem.model_validate(row))
        if taken is not None:
            await inbox.settle(session, str(row["id"]), "applied", None, taken)
    return str(row["episode_id"])


async def reached(store: Store, notice: str, person_id: str) -> None:
    """That a notice lies in somebody's tray."""
    lies = {"notice_key": notice, "person_id": person_id, "cover": "holder", "of_absence": False, "in_digest": False}
    async with store.session() as session:
        await upsert(session, RecipientTable, lies)
