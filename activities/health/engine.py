"""The engine as it is asked what stands still: who asks it for work, which workflows fail, why one does not move."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from google.protobuf.timestamp_pb2 import Timestamp
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import (
    EventType,
    PendingActivityState,
    PendingWorkflowTaskState,
    TaskQueueType,
    TimeoutType,
    WorkerStatus,
    WorkflowTaskFailedCause,
)
from temporalio.api.failure.v1 import Failure
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflow.v1 import PendingActivityInfo, PendingWorkflowTaskInfo
from temporalio.api.workflowservice.v1 import (
    DescribeTaskQueueRequest,
    GetWorkflowExecutionHistoryReverseRequest,
    ListWorkersRequest,
    ResetActivityRequest,
)
from temporalio.client import Client, RPCError, WorkflowExecutionDescription
from temporalio.common import SearchAttributeKey
from temporalio.service import RPCStatusCode

from activities.health.findings import KINDS, About, LastFailure, Stuck, StuckKind, stuck
from workflows import names
from workflows.changes import CHANGES

DESCRIBED_AT_ONCE: Final = 8

_ASKS_EVERY: Final = timedelta(seconds=75)
"""A worker that waits for work asks again each minute; the engine lists those that ask no more for some minutes."""

_LATEST_WORKERS: Final = 1000

_FAILING: Final = "TemporalReportedProblems IS NOT NULL AND ExecutionStatus = 'Running'"
_LATEST_EVENTS: Final = 50

_SAYS_NO_NAME: Final = frozenset(
    {"NotSentYet", "StoreUnavailableError", "SchemaError", "RefusedByDatabaseError", "UnknownPolicyError"}
)
"""The types of our own failures whose words name nobody; the words of any other are not shown."""

_CHANGES_TAKEN: Final = SearchAttributeKey.for_keyword_list("TemporalChangeVersion")

_IN_PLAIN_WORDS: Final[Mapping[WorkflowTaskFailedCause.ValueType, str]] = {
    WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_NON_DETERMINISTIC_ERROR: "does not fit what was done before",
}
_KINDS_OF_WORK: Final = (
    (TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW, "episodes' turns"),
    (TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY, "what is sent out"),
)


@dataclass(frozen=True)
class Suspect:
    """A workflow that may stand still, and as what people know it."""

    workflow_id: str
    about: About
    subject: str


class EngineWatched:
    """The engine, asked with a patience; `identity` is the name under which it keeps what is done here."""

    def __init__(self, client: Client, patience: timedelta, identity: str = "homeward") -> None:
        self._client = client
        self._patience = patience
        self._identity = identity

    async def queues(self, slack: timedelta) -> list[Stuck]:
        """Whether somebody asks for each kind of work, and what has waited longer than the slack."""
        ended = await self._ended()
        return [one for kind in _KINDS_OF_WORK for one in await self._queue(*kind, slack, ended)]

    async def _ended(self) -> set[str]:
        """The names of the workers that have said that they end, where the engine keeps a list of them."""
        mine = f"TaskQueue = '{names.TASK_QUEUE}'"
        request = ListWorkersRequest(namespace=self._client.namespace, query=mine, page_size=_LATEST_WORKERS)
        try:
            answer = await self._client.workflow_service.list_workers(request, timeout=self._patience)
        except RPCError as error:
            if error.status in (RPCStatusCode.UNIMPLEMENTED, RPCStatusCode.INVALID_ARGUMENT):
                return set()
            raise
        signs = [one.worker_heartbeat for one in answer.workers_info]
        run = {one.worker_identity for one in signs if one.status == WorkerStatus.WORKER_STATUS_RUNNING}
        return {one.worker_identity for one in signs} - run

    async def _queue(self, kind: TaskQueueType.ValueType, what: str, slack: timedelta, ended: set[str]) -> list[Stuck]:
        request = DescribeTaskQueueRequest(
            namespace=self._client.namespace,
            task_queue=TaskQueue(name=names.TASK_QUEUE),
            task_queue_type=kind,
            report_stats=True,
        )
        answer = await self._client.workflow_service.describe_task_queue(request, timeout=self._patience)
        count, age = answer.stats.approximate_backlog_count, answer.stats.approximate_backlog_age.ToTimedelta()
        waiting = f"{what}; about {count} wait" if count else what
        now = datetime.now(UTC)
        subject, since = f"{names.TASK_QUEUE}: {what}", now - age if count else None
        lately = [one for one in answer.pollers if one.last_access_time.ToDatetime(UTC) > now - _ASKS_EVERY]
        if all(one.identity in ended for one in lately):
            return [stuck(StuckKind.NOBODY_WORKS, "queue", subject, since=since, detail=waiting)]
        if count and age > slack:
            return [stuck(StuckKind.WORK_WAITS, "queue", subject, since=since, detail=waiting)]
        return []

    async def failing(self, limit: int) -> list[str]:
        """The ids of running workflows whose turns the engine reports as failing; none where it keeps no such list."""
        try:
            listed = self._client.list_workflows(_FAILING, limit=limit, page_size=limit, rpc_timeout=self._patience)
            return [one.id async for one in listed]
        except RPCError as error:
            if error.status is RPCStatusCode.INVALID_ARGUMENT:
                return []
            raise

    async def of_schedules(self, authority: str, began_before: datetime, limit: int) -> list[str]:
        """The ids of an authority's comparing and digests that began before an instant (UTC) and still run."""
        own = " OR ".join(f"WorkflowId STARTS_WITH '{one(authority)}'" for one in (names.reconcile_id, names.digest_id))
        query = f"ExecutionStatus = 'Running' AND StartTime < '{began_before.isoformat()}' AND ({own})"
        listed = self._client.list_workflows(query, limit=limit, page_size=limit, rpc_timeout=self._patience)
        return [one.id async for one in listed]

    async def look_at(self, suspects: Iterable[Suspect], slack: timedelta, now: datetime) -> list[Stuck]:
        """What stands still of these workflows for longer than the slack. One the engine does not run stands not.

        Turns that a worker took and did not answer are its own trouble, and not
        their workflows': all those of a worker are one.
        """
        few = asyncio.Semaphore(DESCRIBED_AT_ONCE)

        async def look(one: Suspect) -> list[Stuck]:
            async with few:
                return await self._look(one, slack, now)

        looked = [found for each in await asyncio.gather(*map(look, suspects)) for found in each]
        hang = [one for one in looked if one.kind is StuckKind.WORKER_HANGS]
        return [one for one in looked if one not in hang] + _by_worker(hang)

    async def _look(self, suspect: Suspect, slack: timedelta, now: datetime) -> list[Stuck]:
        described = await self.describe(suspect.workflow_id)
        if described is None:
            return []
        raw = described.raw_description
        about: dict[str, Any] = {"about": suspect.about, "subject": suspect.subject, "run_id": described.run_id}
        found = [one for pending in raw.pending_activities if (one := _of_activity(pending, about))]
        if raw.HasField("pending_workflow_task"):
            task = raw.pending_workflow_task
            since, failure = await self._last_failure(suspect.workflow_id, described.run_id)
            more: dict[str, Any] = {"since": since or _instant(task.original_scheduled_time), "attempts": task.attempt}
            if isinstance(failure, str):
                found.append(stuck(StuckKind.WORKER_HANGS, "worker", failure, **more))
            elif task.attempt > 1:
                unknown = _changes_of(described) - CHANGES.keys()
                kind = StuckKind.CHANGE_UNKNOWN if unknown else StuckKind.WORKFLOW_FAILING
                detail = f"the change is called {', '.join(sorted(unknown))}" if unknown else None
                deeds = KINDS[kind].deeds if suspect.about == "episode" else ()
                found.append(stuck(kind, **about, **more, failure=failure, detail=detail, deeds=deeds))
            elif _is_at_one_step(task, slack, now):
                found.append(stuck(StuckKind.STEP_FAILING, **about, since=_instant(task.original_scheduled_time)))
        return found

    async def describe(self, workflow_id: str) -> WorkflowExecutionDescription | None:
        """A workflow that runs, as the engine has it; None when it runs none of that id."""
        handle: Any = self._client.get_workflow_handle(workflow_id)
        try:
            described: WorkflowExecutionDescription = await handle.describe(rpc_timeout=self._patience)
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return None
            raise
        return described if described.close_time is None else None

    async def _last_failure(self, workflow_id: str, run_id: str) -> tuple[datetime | None, LastFailure | str | None]:
        """Since when (UTC) a workflow's turns fail, and how: the engine writes the first failure of a row.

        The name of the worker that took the turn and did not answer; neither
        where the last turn that ended was well.
        """
        request = GetWorkflowExecutionHistoryReverseRequest(
            namespace=self._client.namespace,
            execution=WorkflowExecution(workflow_id=workflow_id, run_id=run_id),
            maximum_page_size=_LATEST_EVENTS,
        )
        service = self._client.workflow_service
        answer = await service.get_workflow_execution_history_reverse(request, timeout=self._patience)
        unanswered_at: datetime | None = None
        for event in answer.history.events:
            at = _instant(event.event_time)
            if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED:
                failed = event.workflow_task_failed_event_attributes
                cause = _words_of(WorkflowTaskFailedCause.Name(failed.cause), "WORKFLOW_TASK_FAILED_CAUSE_")
                kind = failed.failure.application_failure_info.type or cause
                return at, LastFailure(type=kind, says=_IN_PLAIN_WORDS.get(failed.cause, cause))
            if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT:
                how = event.workflow_task_timed_out_event_attributes.timeout_type
                # One that was kept for a worker which is gone was taken by nobody.
                if how == TimeoutType.TIMEOUT_TYPE_START_TO_CLOSE:
                    unanswered_at = at
            if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_STARTED and unanswered_at:
                return unanswered_at, event.workflow_task_started_event_attributes.identity
            if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED:
                break
        return None, None

    async def try_activities_now(self, workflow_id: str, settled_before: datetime) -> int:
        """Have what a workflow waits for tried now, and paused no more; how many activities.

        Left alone is what is being tried at this moment, and what was tried
        after `settled_before` (UTC): a provider may not yet show what it took.
        """
        described = await self.describe(workflow_id)
        if described is None:
            return 0
        count = 0
        for pending in described.raw_description.pending_activities:
            ended_at = _instant(pending.last_attempt_complete_time)
            rests = pending.state != PendingActivityState.PENDING_ACTIVITY_STATE_STARTED
            if not rests or (ended_at is not None and ended_at > settled_before):
                continue
            request = ResetActivityRequest(
                namespace=self._client.namespace,
                execution=WorkflowExecution(workflow_id=workflow_id, run_id=described.run_id),
                id=pending.activity_id,
                identity=self._identity,
            )
            await self._client.workflow_service.reset_activity(request, timeout=self._patience)
            count += 1
        return count


def _changes_of(described: WorkflowExecutionDescription) -> set[str]:
    """The names of the changes that a workflow has taken."""
    return set(described.typed_search_attributes.get(_CHANGES_TAKEN) or ())


def _by_worker(unanswered: Sequence[Stuck]) -> list[Stuck]:
    """One for each worker, of those for each turn that one took and did not answer."""
    found: list[Stuck] = []
    for worker in dict.fromkeys(one.subject for one in unanswered):
        mine = [one for one in unanswered if one.subject == worker]
        says = f"{len(mine)} turn{'' if len(mine) == 1 else 's'} taken and not answered"
        more = {"since": min(one.since for one in mine if one.since), "detail": says}
        found.append(stuck(StuckKind.WORKER_HANGS, "worker", worker, **more))
    return found


def _of_activity(pending: PendingActivityInfo, about: dict[str, Any]) -> Stuck | None:
    paused = pending.paused or pending.state == PendingActivityState.PENDING_ACTIVITY_STATE_PAUSED
    if not paused and pending.attempt < 2:
        return None
    more: dict[str, Any] = {
        "since": _first_scheduled(pending) or _instant(pending.last_started_time) or _instant(pending.scheduled_time),
        "attempts": pending.attempt,
        "detail": pending.activity_type.name.replace("_", " "),
        "failure": last_failure(pending.last_failure) if pending.HasField("last_failure") else None,
    }
    if paused:
        return stuck(StuckKind.ACTIVITY_PAUSED, **about, **more)
    next_try_at = _instant(pending.next_attempt_schedule_time)
    return stuck(StuckKind.ACTIVITY_FAILING, **about, **more, next_try_at=next_try_at)


def _first_scheduled(pending: PendingActivityInfo) -> datetime | None:
    """When an activity was first to be done: known only of one that is given up in the end."""
    ends_at = _instant(pending.expiration_time)
    at_most = pending.activity_options.schedule_to_close_timeout.ToTimedelta()
    return ends_at - at_most if ends_at and at_most else None


def _is_at_one_step(task: PendingWorkflowTaskInfo, slack: timedelta, now: datetime) -> bool:
    """Whether a worker is at the same turn for long: it tries a step inside it again, and says that it lives."""
    began_at = _instant(task.original_scheduled_time)
    taken = task.state == PendingWorkflowTaskState.PENDING_WORKFLOW_TASK_STATE_STARTED
    return taken and began_at is not None and now - began_at > slack


def last_failure(failure: Failure) -> LastFailure:
    """How something failed: its type, and its words only where they can name nobody."""
    kind = failure.WhichOneof("failure_info")
    if kind == "application_failure_info":
        name = failure.application_failure_info.type or "an error without a name"
        return LastFailure(type=name, says=failure.message if name in _SAYS_NO_NAME else None)
    if kind == "timeout_failure_info":
        which = _words_of(TimeoutType.Name(failure.timeout_failure_info.timeout_type), "TIMEOUT_TYPE_")
        return LastFailure(type="Timeout", says=f"no answer in time ({which})")
    return LastFailure(type=(kind or "unknown").removesuffix("_failure_info").replace("_", " "))


def _words_of(name: str, prefix: str) -> str:
    return name.removeprefix(prefix).replace("_", " ").lower()


def _instant(at: Timestamp) -> datetime | None:
    return at.ToDatetime(UTC) if at.seconds else None
