"""Words for tests of agreement: an authority of its own, its episodes, what breaks them, and what a run finds."""

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import select, update
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import DeleteWorkflowExecutionRequest
from temporalio.client import WorkflowHandle, WorkflowQueryFailedError
from temporalio.service import RPCError, RPCStatusCode

from activities.reconcile.engine import EngineAsked
from activities.reconcile.parts import Parts, Timing
from activities.reconcile.run import Reconciler
from activities.store import disagreements
from activities.store.disagreements import Found
from activities.store.episodes import EpisodeView, episode_view
from activities.store.tables import EpisodeTable
from starter.applying import Outcome
from starter.beginning import first_input
from starter.client import Episodes
from starter.commands import Commands
from starter.relay import Relay
from starter.upkeep import HandRun, reconcile_by_hand
from tests.engine.conftest import ANSWERS_IN, AT_ONCE, Theatre
from tests.engine.correspondence import until
from workflows.agreement import Disagreement
from workflows.contracts import EpisodeInput
from workflows.instants import to_rfc3339
from workflows.names import QUERY_CARRIED, workflow_id

PAUSE = 0.4
LOOKED_AFTER = {
    **{"born": "2012-03-01", "allocated": True, "looked_after": True, "out_of_area": True},
    "setting": "placed_with_parents",
}


def hours_ago(hours: float) -> str:
    """A time so many hours before now, as people write it."""
    return to_rfc3339(datetime.now(UTC) - timedelta(hours=hours))


class Town:
    """An authority of its own on the stage that all tests share."""

    def __init__(self, theatre: Theatre, authority: str | None = None) -> None:
        self.theatre = theatre
        self.store = theatre.store
        self.client = theatre.environment.client
        self.authority = authority or f"town-{uuid4().hex[:8]}"
        self.commands = Commands(theatre.store, theatre.policies, self.authority, self.engine)
        self.parts = Parts(
            theatre.store,
            EngineAsked(self.client, ANSWERS_IN),
            theatre.policies,
            first_input,
            theatre.post,
            (),
            AT_ONCE,
        )

    async def engine(self) -> Episodes:
        return Episodes(self.client, 20)

    def reconciler(self, timing: Timing = AT_ONCE, **other: Any) -> Reconciler:
        return Reconciler(replace(self.parts, timing=timing, **other))

    async def episode(self, **more: Any) -> str:
        """An episode of a child who was away for a day, once it has been written and its first notices lie in trays."""
        when = {"last_seen": hours_ago(31), "reported": hours_ago(30), "returned": hours_ago(5)}
        said = {"child": LOOKED_AFTER, **when, **more}
        _, outcome = await self.commands.report({"report_id": str(uuid4()), **said}, datetime.now(UTC))
        assert outcome.state == "applied", outcome
        await self.settled(outcome.episode_id)
        return outcome.episode_id

    async def record(self, episode: str, kind: str, hours: float = 1, **details: Any) -> Outcome:
        said = {"kind": kind, "at": hours_ago(hours), **details}
        outcome = await self.commands.record(episode, said, datetime.now(UTC))
        assert outcome.state == "applied", outcome
        await self.settled(episode)
        return outcome

    async def settled(self, episode: str) -> None:
        """Wait until an episode's rows and its workflow agree."""

        async def is_so() -> bool:
            view, knows = await self.view(episode), await self.knows(episode)
            carried = knows.carried if knows else None
            notices = {n["key"] for n in view.notices} if view else set[str]()
            return (
                view is not None
                and carried is not None
                and view.episode["turn"] == carried.turn
                and {sent.key for sent in carried.sent} <= notices
            )

        await until(is_so)

        await self.idle(episode)

    async def idle(self, episode: str) -> None:
        """Wait until the engine is not at work on an episode, and its worker answers for it."""

        async def is_so() -> bool:
            described = await self.handle(episode).describe()
            return not described.raw_description.HasField("pending_workflow_task") and bool(await self.knows(episode))

        await until(is_so)

    async def view(self, episode: str) -> EpisodeView | None:
        async with self.store.snapshot() as session:
            return await episode_view(session, self.authority, episode)

    async def seen(self, episode: str) -> EpisodeView:
        view = await self.view(episode)
        assert view is not None
        return view

    async def knows(self, episode: str) -> EpisodeInput | None:
        try:
            return await self.handle(episode).query(QUERY_CARRIED, result_type=EpisodeInput)
        except (RPCError, WorkflowQueryFailedError):
            return None

    def handle(self, episode: str) -> WorkflowHandle[Any, Any]:
        return self.client.get_workflow_handle(workflow_id(episode))

    async def change(self, episode: str, table: Any = EpisodeTable, *where: Any, **values: Any) -> None:
        """Change rows behind the episode's back."""
        key = table.id if table is EpisodeTable else table.episode_id
        async with self.store.session() as session:
            await session.execute(update(table).where(key == episode, *where).values(**values))

    async def first(self, table: Any, episode: str, *where: Any) -> Any:
        """A row of an episode."""
        async with self.store.session() as session:
            return (await session.scalars(select(table).where(table.episode_id == episode, *where).limit(1))).one()

    async def lose(self, episode: str) -> None:
        """Have the engine lose the workflow, as if it had been restored from a backup before it began."""
        service, id = self.client.workflow_service, workflow_id(episode)
        execution = WorkflowExecution(workflow_id=id)
        await service.delete_workflow_execution(
            DeleteWorkflowExecutionRequest(namespace=self.client.namespace, workflow_execution=execution)
        )

        async def is_gone() -> bool:
            try:
                await self.handle(episode).describe()
            except RPCError as error:
                return error.status is RPCStatusCode.NOT_FOUND
            return False

        await until(is_gone)

    async def relay(self) -> None:
        """Put what waits in the inbox to the engine, once."""
        await Relay(self.store, self.commands, self.engine).relay_once(await self.engine())

    async def run(self, reconciler: Reconciler | None = None, **more: Any) -> HandRun:
        """A run by hand."""
        return await reconcile_by_hand(reconciler or self.reconciler(), self.authority, pause_seconds=PAUSE, **more)

    async def agrees(self, reconciler: Reconciler | None = None) -> None:
        """Wait until a run finds nothing and nothing is open."""
        async with asyncio.timeout(30):
            while (await self.run(reconciler)).found or await self.open():  # noqa: ASYNC110 - the engine mends meanwhile
                await asyncio.sleep(PAUSE)

    async def open(self) -> list[Found]:
        async with self.store.session() as session:
            return await disagreements.open_disagreements(session, self.authority)

    async def ever(self) -> list[Found]:
        async with self.store.session() as session:
            return await disagreements.all_disagreements(session, self.authority)


def kinds(found: Iterable[Any]) -> set[Disagreement]:
    return {one.kind for one in found}
