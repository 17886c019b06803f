"""A refusal is seen by whoever said the fact: by the answer, or on the episode where somebody was told it is kept."""

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from activities.store import Store, inbox
from activities.store.inbox import InboxItem
from starter.client import EngineSilentError, Episodes, FactRefusedError
from starter.commands import Commands
from tests.store.rows import AUTHORITY
from tests.workflows.builders import policies

NOW = datetime(2026, 6, 12, 12, tzinfo=UTC)
WHY = "at: cannot be"


class Refuses(Episodes):
    """An engine that refuses, for as long as it is silent to none: then it answers when it is let."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.may_answer = asyncio.Event()
        self.silent = False
        self.shown: list[str] = []

    async def record(self, episode_id: str, fact: Any) -> Any:
        """Refuse, or be silent."""
        del episode_id, fact
        if self.silent:
            raise EngineSilentError("the engine did not answer in time")
        self.asked.set()
        await self.may_answer.wait()
        raise FactRefusedError(WHY)

    async def show_refusal(self, episode_id: str, fact: dict[str, Any]) -> None:
        """Note that it is shown."""
        del episode_id
        self.shown.append(fact["id"])


async def known(store: Store) -> None:
    about: dict[str, Any] = {"authority": AUTHORITY, "kind": "report", "episode_id": "e1", "body": {}, "digest": "d"}
    async with store.session() as session:
        await inbox.keep(session, InboxItem(id="report", urgency=0, received_at=NOW, **about))
        await inbox.settle(session, "report", "applied", None, NOW)


def over(store: Store, engine: Refuses) -> Commands:
    async def connect() -> Episodes:
        return engine

    return Commands(store, policies(), AUTHORITY, connect, said_by="somebody")


def said(id: str) -> dict[str, object]:
    return {"id": id, "kind": "located", "at": "2026-06-12T11:00:00Z"}


async def refused_later(store: Store) -> list[str]:
    async with store.session() as session:
        return [one.id for one in await inbox.facts_refused_later(session, "e1", "somebody")]


async def test_whoever_waits_for_the_answer_is_told_and_it_is_shown_nowhere_else(store: Store) -> None:
    await known(store)
    engine = Refuses()
    engine.may_answer.set()
    outcome = await over(store, engine).record("e1", said(str(uuid4())), NOW)
    assert (outcome.state, outcome.reason) == ("refused", WHY)
    assert engine.shown == []
    assert await refused_later(store) == []


async def test_a_refusal_is_shown_where_another_was_told_that_the_fact_is_kept(store: Store) -> None:
    await known(store)
    engine, id = Refuses(), str(uuid4())
    first = asyncio.create_task(over(store, engine).record("e1", said(id), NOW))
    await engine.asked.wait()
    engine.silent = True
    assert (await over(store, engine).record("e1", said(id), NOW)).state == "kept"
    engine.may_answer.set()
    assert (await first).state == "refused"
    assert engine.shown == [id]
    assert await refused_later(store) == [id]


async def test_whom_the_engine_is_silent_to_is_told_of_a_refusal_that_another_had_meanwhile(store: Store) -> None:
    await known(store)
    engine, id = Refuses(), str(uuid4())
    engine.may_answer.set()

    class SilentOnceRefused(Refuses):
        async def record(self, episode_id: str, fact: Any) -> Any:
            """Be silent, after another has had the answer."""
            del episode_id, fact
            await over(store, engine).record("e1", said(id), NOW)
            raise EngineSilentError("the engine did not answer in time")

    outcome = await over(store, SilentOnceRefused()).record("e1", said(id), NOW)
    assert (outcome.state, outcome.reason) == ("refused", WHY)
    assert engine.shown == []
