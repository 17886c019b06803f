"""The client of the engine, and what its silence and its refusals mean."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from temporalio.client import Client, Interceptor, RPCError, WorkflowUpdateFailedError
from temporalio.client import WorkflowUpdateRPCTimeoutOrCancelledError as UpdateUnansweredError
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError
from temporalio.runtime import Runtime
from temporalio.service import RPCStatusCode

from starter.engine_at import EngineAt
from starter.search_attributes import Labels
from workflows.clocks import Clock
from workflows.contracts import EpisodeInput, Recorded
from workflows.facts import Fact
from workflows.names import (
    EPISODE_WORKFLOW,
    QUERY_CARRIED,
    QUERY_CLOCKS,
    RECONCILE_WORKFLOW,
    SIGNAL_DIRECTORY_CHANGED,
    SIGNAL_FACT,
    TASK_QUEUE,
    UPDATE_RECORD,
    reconcile_id,
    workflow_id,
)
from workflows.reconcile_contracts import ReconcileInput


class EngineSilentError(Exception):
    """The engine did not answer: what was asked may or may not happen, and must be asked again with the same id."""


class FactRefusedError(Exception):
    """The episode refuses the fact, for the reason given."""


class EpisodeNotRunningError(Exception):
    """The engine runs no such episode: it never began, or it is closed."""


class EpisodeForgottenError(Exception):
    """The engine has no history of the episode: it kept it for as long as it keeps closed ones, or has lost it."""


@dataclass(frozen=True)
class EngineWatch:
    """How a client of the engine is watched: what counts its calls, what carries traces; by default nothing does."""

    runtime: Runtime | None = None
    interceptors: Sequence[Interceptor] = ()


UNWATCHED: Final = EngineWatch()


async def connect(engine: EngineAt, namespace: str, patience_seconds: float, watch: EngineWatch = UNWATCHED) -> Client:
    """Connect to the engine. Raises EngineSilentError when it does not answer in time."""
    try:
        async with asyncio.timeout(patience_seconds):
            return await Client.connect(
                engine.address,
                namespace=namespace,
                tls=engine.tls or False,
                data_converter=pydantic_data_converter,
                identity="homeward",
                runtime=watch.runtime,
                interceptors=[Labels(), *watch.interceptors],
            )
    except (RuntimeError, RPCError, TimeoutError) as error:
        fails = ", or TLS with it fails" if engine.tls else ""
        raise EngineSilentError(f"the engine at {engine} does not answer{fails}") from error


class Reached:
    """The engine, connected to when it is first needed and kept."""

    def __init__(
        self, engine: EngineAt, namespace: str, patience_seconds: float, watch: EngineWatch = UNWATCHED
    ) -> None:
        self._where = (engine, namespace, patience_seconds, watch)
        self._client: Client | None = None

    async def client(self) -> Client:
        """The client. Raises EngineSilentError when the engine does not answer in time."""
        if self._client is None:
            self._client = await connect(*self._where)
        return self._client


class Episodes:
    """Episodes as the engine runs them."""

    def __init__(self, client: Client, patience_seconds: float) -> None:
        self._client = client
        self._patience = patience_seconds

    async def begin(self, start: EpisodeInput) -> bool:
        """Begin an episode; False when it had begun (or ended) already. Raises EngineSilentError."""
        try:
            async with asyncio.timeout(self._patience):
                await self._client.start_workflow(
                    EPISODE_WORKFLOW,
                    start,
                    id=workflow_id(start.episode_id),
                    task_queue=TASK_QUEUE,
                    id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                    id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
                )
        except WorkflowAlreadyStartedError:
            return False
        except (RPCError, TimeoutError) as error:
            raise EngineSilentError("the engine did not answer") from error
        return True

    async def record(self, episode_id: str, fact: Fact) -> Recorded:
        """Record a fact by an Update whose id is the fact's.

        Raises FactRefusedError, EpisodeNotRunningError, or EngineSilentError when
        the answer is not known.
        """
        handle = self._client.get_workflow_handle(workflow_id(episode_id))
        try:
            return await handle.execute_update(  # pyright: ignore[reportUnknownMemberType]
                UPDATE_RECORD,
                fact,
                id=fact.id,
                result_type=Recorded,
                rpc_timeout=timedelta(seconds=self._patience),
            )
        except WorkflowUpdateFailedError as error:
            raise _meaning(error) from error
        except UpdateUnansweredError as error:
            raise EngineSilentError("the engine did not answer in time") from error
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                raise EpisodeNotRunningError("the engine runs no such episode, or it is closed") from error
            raise EngineSilentError("the engine did not answer") from error

    async def begin_again(self, episode_id: str, fact: Fact, knew: EpisodeInput | None = None) -> None:
        """Begin a closed episode again, with all it knew, by itself or as somebody else remembers, and one more fact.

        Raises EpisodeForgottenError, or EngineSilentError.
        """
        handle = self._client.get_workflow_handle(workflow_id(episode_id))
        patience = timedelta(seconds=self._patience)
        try:
            all_known = knew or await handle.query(QUERY_CARRIED, result_type=EpisodeInput, rpc_timeout=patience)
            await self._client.start_workflow(
                EPISODE_WORKFLOW,
                all_known.model_copy(update={"facts": (*all_known.facts, fact)}),
                id=handle.id,
                task_queue=TASK_QUEUE,
                id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
                id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
                rpc_timeout=patience,
            )
        except WorkflowAlreadyStartedError:
            return
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                raise EpisodeForgottenError("the engine knows nothing of this episode any more") from error
            raise EngineSilentError("the engine did not answer") from error

    async def show_refusal(self, episode_id: str, fact: dict[str, Any]) -> None:
        """Signal a fact that was refused while nobody waited for the answer, so that it stays visible on its episode.

        The episode refuses it again, writes it on the timeline and opens an
        operator's task. A closed episode has nobody to show it to.
        """
        flat = {name: value for name, value in fact.items() if name != "details" and value is not None}
        handle = self._client.get_workflow_handle(workflow_id(episode_id))
        try:
            await handle.signal(SIGNAL_FACT, flat | fact["details"], rpc_timeout=timedelta(seconds=self._patience))
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise EngineSilentError("the engine did not answer") from error

    async def directory_changed(self, episode_id: str) -> None:
        """Have an episode look again at who holds each role; a closed one need not. Raises EngineSilentError."""
        handle = self._client.get_workflow_handle(workflow_id(episode_id))
        try:
            await handle.signal(SIGNAL_DIRECTORY_CHANGED, rpc_timeout=timedelta(seconds=self._patience))
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise EngineSilentError("the engine did not answer") from error

    async def reconcile(self, authority: str, run: str) -> bool:
        """Have an authority's rows compared with its workflows now; False when that run was begun before.

        `run` is an id of its own for each. Raises EngineSilentError.
        """
        try:
            async with asyncio.timeout(self._patience):
                await self._client.start_workflow(
                    RECONCILE_WORKFLOW,
                    ReconcileInput(authority=authority),
                    id=f"{reconcile_id(authority)}-{run}",
                    task_queue=TASK_QUEUE,
                    id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                    id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
                )
        except WorkflowAlreadyStartedError:
            return False
        except (RPCError, TimeoutError) as error:
            raise EngineSilentError("the engine did not answer") from error
        return True

    async def clocks(self, episode_id: str, as_of: datetime) -> tuple[Clock, ...]:
        """An episode's clocks at a moment (UTC). Raises EngineSilentError, EpisodeNotRunningError."""
        handle = self._client.get_workflow_handle(workflow_id(episode_id))
        try:
            return tuple(
                await handle.query(
                    QUERY_CLOCKS,
                    as_of,
                    result_type=list[Clock],
                    rpc_timeout=timedelta(seconds=self._patience),
                )
            )
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                raise EpisodeNotRunningError("the engine runs no such episode") from error
            raise EngineSilentError("the engine did not answer") from error


def _meaning(error: WorkflowUpdateFailedError) -> Exception:
    cause = error.cause
    if isinstance(cause, ApplicationError) and cause.type == "FactRefused":
        return FactRefusedError(cause.message)
    if isinstance(cause, ApplicationError) and cause.type == "AcceptedUpdateCompletedWorkflow":
        return EpisodeNotRunningError("the episode closed while the fact was on its way")
    return EngineSilentError(f"the episode could not take the fact: {type(cause).__name__}")
