"""An engine of a test's own, for what no other test's worker may mend; workers that the test begins."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from temporalio import workflow
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from activities.policies import Policies
from activities.reconcile.engine import EngineAsked
from activities.reconcile.parts import Parts
from activities.reconcile.run import Reconciler
from activities.store import Store
from activities.store.episodes import EpisodeView, episode_view
from starter.beginning import first_input
from starter.client import Episodes
from starter.commands import Commands
from starter.engine_binary import engine_binary
from starter.engine_room import EngineRoom
from starter.local import engine_command
from starter.operating import Operator
from starter.settings import Settings
from tests.engine.conftest import ANSWERS_IN
from tests.engine.town import LOOKED_AFTER, hours_ago
from workflows import names

SECRET_WORDS = "Invented Child, born 2011"


class Machine:
    """An engine with the settings of the embedded one, a store, and workers that the test begins."""

    def __init__(self, client: Client, store: Store, policies: Policies) -> None:
        self.client, self.store, self.policies = client, store, policies
        self.authority = f"town-{uuid4().hex[:8]}"
        self.commands = Commands(store, policies, self.authority, self.engine)

    async def engine(self) -> Episodes:
        return Episodes(self.client, 20)

    async def report(self) -> str:
        said = {"child": {"reference": SECRET_WORDS, **LOOKED_AFTER}, "reported": hours_ago(30)}
        _, outcome = await self.commands.report({"report_id": str(uuid4()), **said}, datetime.now(UTC))
        assert outcome.state == "applied"
        return outcome.episode_id

    async def view(self, episode: str) -> EpisodeView | None:
        async with self.store.snapshot() as session:
            return await episode_view(session, self.authority, episode)

    def operator(self) -> Operator:
        """Whoever operates it. What is young is left alone, as in the field."""

        async def reach() -> Client:
            return self.client

        def reconciler(_: Client, asks_workers: bool) -> Reconciler:
            engine = EngineAsked(self.client, timedelta(seconds=2), asks_workers=asks_workers)
            return Reconciler(Parts(self.store, engine, self.policies, first_input))

        room = EngineRoom(reach, reconciler, patience=ANSWERS_IN)
        return Operator(self.store, room, self.commands, self.authority)


@workflow.defn(name=names.EPISODE_WORKFLOW)
class DoesNotFit:
    """An episode whose code fails, as one that does not fit its history does."""

    @workflow.run
    async def run(self, _start: Any) -> None:
        raise RuntimeError(SECRET_WORDS)


def worker_whose_code_fails(client: Client) -> Worker:
    runner = UnsandboxedWorkflowRunner()
    return Worker(client, task_queue=names.TASK_QUEUE, workflows=[DoesNotFit], workflow_runner=runner)


@asynccontextmanager
async def own_engine(folder: Path) -> AsyncGenerator[Machine]:
    command = engine_command(Settings())
    two_tries = command[command.index("--dynamic-config-value") :]
    environment = await WorkflowEnvironment.start_local(  # pyright: ignore[reportUnknownMemberType]
        dev_server_existing_path=str(engine_binary()),
        dev_server_extra_args=two_tries,
        dev_server_log_level="never",
        data_converter=pydantic_data_converter,
    )
    store = Store(f"sqlite+aiosqlite:///{folder / 'store.sqlite'}")
    await store.make_ready()
    async with environment:
        yield Machine(environment.client, store, Policies.load())
    await store.close()
