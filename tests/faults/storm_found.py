"""What is found after a storm: every row that tells of episodes and notices, and what the engine itself remembers."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import select
from temporalio.client import Client, RPCError, WorkflowQueryFailedError

from activities.policies import Policies
from activities.store import Store
from activities.store.tables import (
    ChildTable,
    DispatchTable,
    EpisodeTable,
    FactTable,
    InboxTable,
    MessageTable,
    NoticeTable,
    RecipientTable,
    Table,
    TimelineTable,
)
from starter.client import connect
from starter.reports import Report
from tests.faults.machine import Machine
from tests.faults.storm_expected import Arrived, Story
from workflows.contracts import EpisodeInput, RulesAsked
from workflows.facts import Fact
from workflows.names import EPISODE_WORKFLOW, QUERY_CARRIED, workflow_id

TABLES: Final[tuple[type[Table], ...]] = (
    ChildTable,
    DispatchTable,
    EpisodeTable,
    FactTable,
    InboxTable,
    MessageTable,
    NoticeTable,
    RecipientTable,
    TimelineTable,
)
ENGINE_PATIENCE_SECONDS: Final = 60.0
QUERIES_AT_ONCE: Final = 8
TRIES: Final = 5


@dataclass(frozen=True)
class Found:
    """All rows, by their table, as of one moment; and of each episode what its workflow remembers."""

    rows: dict[type[Table], list[Any]]
    workflows: int
    remembered: dict[str, EpisodeInput]
    receipts: Counter[str] = field(default_factory=Counter[str])

    def of(self, table: type[Table]) -> list[Any]:
        """The rows of a table."""
        return self.rows[table]

    def facts(self) -> dict[str, list[Fact]]:
        """The facts in the rows, by episode."""
        found: dict[str, list[Fact]] = defaultdict(list)
        for row in self.of(FactTable):
            found[row.episode_id].append(Fact.model_validate(row.body))
        return found

    def lines(self) -> dict[str, list[Any]]:
        """The lines of the timelines, by episode."""
        found: dict[str, list[Any]] = defaultdict(list)
        for row in self.of(TimelineTable):
            found[row.episode_id].append(row)
        return found

    def stories(self, policies: Policies) -> list[Story]:
        """Each episode as it may be lived again: its facts, each with when it reached the episode."""
        reports = {row.episode_id: row for row in self.of(InboxTable) if row.kind == "report"}
        facts, lines = self.facts(), self.lines()
        stories: list[Story] = []
        for row in self.of(EpisodeTable):
            report = Report.model_validate(reports[row.id].body["report"])
            learned = learned_at(lines[row.id])
            arrived = tuple(Arrived(learned[fact.id], fact) for fact in facts[row.id])
            asked = RulesAsked(
                policy=row.policy,
                version=row.policy_version,
                since=min(fact.at for fact in facts[row.id]),
                now=row.written_at,
            )
            rules = policies.rules(asked)
            stories.append(Story(row.id, report.circumstances(), row.policy, rules, arrived))
        return stories


def learned_at(lines: Sequence[Any]) -> dict[str, datetime]:
    """When each fact reached its episode (UTC), by the lines of its timeline.

    A line of a task that the engine lost may be there still, before the one that counts.
    """
    told = [(line.body["fact_id"], line.recorded_at) for line in lines if line.body.get("fact_id")]
    return dict(sorted(told, key=lambda one: one[1]))


async def find(machine: Machine) -> Found:
    """Read everything, while nothing goes wrong any more.

    What episodes remember comes first, since to ask all of them takes minutes: what one has decided by then stands
    in the rows when they are read, and chases go on meanwhile.
    """
    store, settings = Store(machine.settings.database), machine.settings
    client = await connect(settings.engine, settings.engine_namespace, ENGINE_PATIENCE_SECONDS)
    try:
        async with store.snapshot() as session:
            episodes = (await session.scalars(select(EpisodeTable.id))).all()
        counted = await client.count_workflows(f"WorkflowType = '{EPISODE_WORKFLOW}'")
        remembered = await _remembered(client, episodes)
        rows = await rows_of(store)
    finally:
        await store.close()
    return Found(rows, counted.count, remembered)


async def rows_of(store: Store) -> dict[type[Table], list[Any]]:
    """Every row of every table that tells of episodes and notices, as of one moment."""
    async with store.snapshot() as session:
        return {table: list((await session.scalars(select(table))).all()) for table in TABLES}


@dataclass(frozen=True)
class Left:
    """What is still to come: how much of what was said waits for the engine, how many episodes should be awake."""

    said: int
    asleep: int


async def waits(machine: Machine, by: datetime) -> Left:
    """What is still to come of what was said, and of what episodes were to wake for by an instant (UTC)."""
    store = Store(machine.settings.database)
    try:
        async with store.snapshot() as session:
            said = await session.scalars(select(InboxTable.id).where(InboxTable.state == "kept"))
            late = await session.scalars(select(EpisodeTable.id).where(EpisodeTable.next_wake_at < by))
            return Left(len(said.all()), len(late.all()))
    finally:
        await store.close()


async def _remembered(client: Client, episodes: Sequence[str]) -> dict[str, EpisodeInput]:
    """What each episode's workflow would carry over: asked of the engine, whatever the rows say.

    One that does not answer is not among them: it stands still, which the ledger says.
    """
    at_once = asyncio.Semaphore(QUERIES_AT_ONCE)

    async def ask(episode: str) -> EpisodeInput | None:
        handle = client.get_workflow_handle(workflow_id(episode))
        async with at_once:
            for _ in range(TRIES):
                # A worker that has a thousand of them to call back to mind is too slow for some the first time.
                with suppress(WorkflowQueryFailedError, RPCError):
                    return await handle.query(QUERY_CARRIED, result_type=EpisodeInput)
                await asyncio.sleep(1)
        return None

    answers = await asyncio.gather(*(ask(episode) for episode in episodes))
    return {episode: answer for episode, answer in zip(episodes, answers, strict=True) if answer}
