"""The engine as it is asked when rows are compared with workflows: briefly, in bulk where it can be, and counted.

Lists are what the engine's visibility store says, which lags behind by moments:
they only ever raise a suspicion. What is done rests on what the engine says of
the one workflow.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from temporalio.client import (
    Client,
    RPCError,
    WorkflowExecutionStatus,
    WorkflowHandle,
    WorkflowQueryFailedError,
    WorkflowUpdateFailedError,
)
from temporalio.client import WorkflowUpdateRPCTimeoutOrCancelledError as UpdateUnansweredError
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCStatusCode

from workflows import names
from workflows.agreement import Standing
from workflows.contracts import EpisodeInput, Recorded, WriteAgain
from workflows.facts import Fact
from workflows.post_contracts import MessageInput

_PAGE: Final = 1000

_STANDING: Final[dict[WorkflowExecutionStatus, Standing]] = {
    WorkflowExecutionStatus.RUNNING: "running",
    WorkflowExecutionStatus.CONTINUED_AS_NEW: "running",
    WorkflowExecutionStatus.COMPLETED: "completed",
}

Taken = Literal["taken", "refused", "unanswered"]


@dataclass(frozen=True)
class Described:
    """How the engine stands to a workflow. `busy`: it is at work on it now. `began_at` is UTC, None without one."""

    standing: Standing
    busy: bool = False
    began_at: datetime | None = None


class EngineAsked:
    """The engine. `asks_workers` False: without a worker nothing is asked that only a worker can answer."""

    def __init__(self, client: Client, patience: timedelta, *, asks_workers: bool = True) -> None:
        self._client = client
        self._patience = patience
        self._asks_workers = asks_workers
        self.calls = 0

    async def running(self, kind: str) -> dict[str, datetime]:
        """The ids of the running workflows of a kind, and since when (UTC) each runs. One call for each thousand."""
        found: dict[str, datetime] = {}
        query = f"WorkflowType = '{kind}' AND ExecutionStatus = 'Running'"
        async for one in self._client.list_workflows(query, page_size=_PAGE, rpc_timeout=self._patience):
            found[one.id] = one.start_time
        self.calls += 1 + len(found) // _PAGE
        return found

    async def describe(self, workflow_id: str) -> Described:
        """How the engine stands to a workflow."""
        self.calls += 1
        try:
            described = await self._handle(workflow_id).describe(rpc_timeout=self._patience)
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return Described("none")
            raise
        standing = _STANDING.get(described.status, "ended") if described.status else "none"
        busy = described.raw_description.HasField("pending_workflow_task")
        return Described(standing, busy=busy, began_at=described.start_time)

    async def knows(self, episode_id: str) -> EpisodeInput | None:
        """All that an episode knows, running or closed; None when it has not begun to, or no worker answers for it."""
        if not self._asks_workers:
            return None
        self.calls += 1
        try:
            return await self._handle(names.workflow_id(episode_id)).query(
                names.QUERY_CARRIED, result_type=EpisodeInput, rpc_timeout=self._patience
            )
        except (RPCError, WorkflowQueryFailedError):
            return None

    async def begin(self, start: EpisodeInput) -> bool:
        """Begin an episode that does not run; False when it runs by now. There is never a second one."""
        return await self._begin(names.EPISODE_WORKFLOW, start, names.workflow_id(start.episode_id))

    async def begin_message(self, start: MessageInput) -> bool:
        """Begin the workflow of a message that has none; False when it runs by now."""
        return await self._begin(names.MESSAGE_WORKFLOW, start, names.message_workflow_id(start.message.message))

    async def _begin(self, kind: str, start: object, workflow_id: str) -> bool:
        self.calls += 1
        try:
            await self._client.start_workflow(
                kind,
                start,
                id=workflow_id,
                task_queue=names.TASK_QUEUE,
                id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
                id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
                rpc_timeout=self._patience,
            )
        except WorkflowAlreadyStartedError:
            return False
        return True

    async def write_again(self, episode_id: str, there: WriteAgain) -> None:
        """Have a running episode write all it knows again."""
        await self._signal(names.workflow_id(episode_id), names.SIGNAL_WRITE_AGAIN, there)

    async def look_again(self, episode_id: str) -> None:
        """Have a running episode read its calendar anew."""
        await self._signal(names.workflow_id(episode_id), names.SIGNAL_LOOK_AGAIN)

    async def receipt(self, message: str, way: str, whereabouts: str) -> None:
        """Tell a message where it is."""
        await self._signal(names.message_workflow_id(message), names.SIGNAL_RECEIPT, way, whereabouts)

    async def _signal(self, workflow_id: str, signal: str, *args: object) -> None:
        """Signal a workflow; one that has closed meanwhile is looked at by the next run."""
        self.calls += 1
        try:
            await self._handle(workflow_id).signal(signal, args=args, rpc_timeout=self._patience)
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise

    async def record(self, episode_id: str, fact: Fact) -> Taken:
        """Give an episode a fact under its own id, by the same way as those that people record."""
        if not self._asks_workers:
            return "unanswered"
        self.calls += 1
        try:
            await self._handle(names.workflow_id(episode_id)).execute_update(  # pyright: ignore[reportUnknownMemberType]
                names.UPDATE_RECORD, fact, id=fact.id, result_type=Recorded, rpc_timeout=self._patience
            )
        except WorkflowUpdateFailedError:
            return "refused"
        except (UpdateUnansweredError, RPCError):
            return "unanswered"
        return "taken"

    def _handle(self, workflow_id: str) -> WorkflowHandle[Any, Any]:
        return self._client.get_workflow_handle(workflow_id)
