"""A system that mirrors episodes from their events alone, and the same picture taken from the store."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from activities.store import Store
from activities.store.events import EventPage, read_events
from activities.store.tables import ClockTable, EpisodeTable, FactTable, NoticeTable, TaskTable
from workflows.clocks import Clock
from workflows.instants import to_rfc3339
from workflows.vocabulary import ClockState

Picture = dict[str, dict[str, dict[str, Any]]]
FAMILIES = ("episode", "fact", "clock", "task", "notice")
_EPISODE = ("status", "missing_since", "returned_at", "closed_at", "policy", "policy_version", "calendar_version")
_CLOCK = ("kind", "state", "start", "due", "first_due", "settled_at", "settled_by", "provisional")
_TASK = ("clock", "role", "state", "due", "opened_at", "closed_at", "taken", "done_by")


class Mirror:
    """What a receiver keeps: how each thing stands, by the latest event of it, and how far it has read the feed."""

    def __init__(self) -> None:
        self.picture: Picture = {family: {} for family in FAMILIES}
        self.cursor = 0
        self._seen: set[str] = set()
        self._latest: dict[tuple[str, str], int] = {}

    def take(self, event: Mapping[str, Any]) -> None:
        """Take an event, by the feed or a webhook: once, however often it comes, and never an older over a newer."""
        if event["id"] in self._seen:
            return
        self._seen.add(event["id"])
        family, _, what = event["type"].removeprefix("homeward.").partition(".")
        data, number = event["data"], int(event["sequence"])
        thing = f"{event['subject']}/{data['clock']}" if family == "clock" else data.get(family, event["subject"])
        if self._latest.get((family, thing), 0) >= number:
            return
        self._latest[family, thing] = number
        if what == "withdrawn" and family == "clock":
            self.picture[family].pop(thing, None)
            return
        self.picture[family][thing] = _shown(family, data)

    async def read_on(self, store: Store, authority: str, limit: int = 7) -> None:
        """Read the feed from its cursor to its end."""
        from activities.cloud_events import as_object

        more = True
        while more:
            async with store.snapshot() as session:
                page = await read_events(session, authority, self.cursor, limit)
            assert isinstance(page, EventPage)
            for event in page.events:
                self.take(as_object(event))
            self.cursor, more = page.cursor, page.more


def _shown(family: str, data: Mapping[str, Any]) -> dict[str, Any]:
    names = {"episode": _EPISODE, "clock": _CLOCK, "task": _TASK, "fact": ("kind", "at", "recorded_at", "corrects")}
    return {name: data[name] for name in names.get(family, ("clock", "rung", "role", "answered_at"))}


async def picture_of(store: Store, authority: str) -> Picture:
    """The same picture, from the store's own tables."""
    picture: Picture = {family: {} for family in FAMILIES}
    async with store.snapshot() as session:
        episodes = (await session.scalars(select(EpisodeTable).where(EpisodeTable.authority == authority))).all()
        ids = [one.id for one in episodes]
        facts = (await session.scalars(select(FactTable).where(FactTable.episode_id.in_(ids)))).all()
        clocks = (await session.scalars(select(ClockTable).where(ClockTable.episode_id.in_(ids)))).all()
        tasks = (await session.scalars(select(TaskTable).where(TaskTable.authority == authority))).all()
        notices = (await session.scalars(select(NoticeTable).where(NoticeTable.authority == authority))).all()
    for row in episodes:
        picture["episode"][row.id] = {name: _plain(getattr(row, name)) for name in _EPISODE}
    for row in facts:
        body: dict[str, Any] = row.body
        corrects = body["details"].get("fact") if row.kind == "withdrawn" else body["replaces"]
        shown = {"kind": row.kind, "at": _plain(row.at), "recorded_at": _plain(row.recorded_at)}
        picture["fact"][row.id] = {**shown, "corrects": corrects}
    for row in clocks:
        if row.state != ClockState.NOT_STARTED.value:
            clock = Clock.model_validate(row.body).model_dump(mode="json", include=set(_CLOCK))
            picture["clock"][f"{row.episode_id}/{row.id}"] = clock
    for row in tasks:
        task = {name: _plain(getattr(row, name)) for name in _TASK if name != "taken"}
        picture["task"][row.key] = {**task, "taken": row.holder is not None}
    for row in notices:
        shown = {"clock": row.clock, "rung": row.rung, "role": row.role, "answered_at": _plain(row.acknowledged_at)}
        picture["notice"][row.key] = shown
    return picture


def _plain(value: Any) -> Any:
    return to_rfc3339(value) if hasattr(value, "astimezone") else value
