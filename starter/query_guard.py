"""A guard at the worker: a query is answered from what a workflow has lived through, and never carries it on.

The engine hands a worker a query together with the workflow's history, and reads
that history when a worker takes the query. What was signalled while the query
waited for a worker is in it then, though no task has begun over it. The worker
would live through that too, and keep the workflow so; the task that the engine
begins in time may hold more, and both together are a course that no replay can
follow: the workflow stands still for good. It takes a worker that restarts, or
has too much to do, and anybody's query, were it that of the engine's own pages.
"""

from collections.abc import Sequence
from typing import Any, Final

from temporalio.bridge.proto.workflow_activation import WorkflowActivation
from temporalio.bridge.proto.workflow_completion import WorkflowActivationCompletion
from temporalio.converter import SerializationContext, StorageDriverStoreContext
from temporalio.worker import WorkflowInstance, WorkflowInstanceDetails, WorkflowRunner
from temporalio.workflow import Info

NOT_BEGUN: Final = "since the query was asked, something came that no task has begun over yet; ask again"
"""What a query is answered that would have carried its workflow on."""

_BRINGS_NOTHING: Final = frozenset({"query_workflow", "remove_from_cache"})


class QueryGuard(WorkflowRunner):
    """Runs workflows as another runner does, but for what no task of theirs has begun over."""

    def __init__(self, runner: WorkflowRunner) -> None:
        self._runner = runner

    def prepare_workflow(self, defn: Any) -> None:
        """Prepare a kind of workflow."""
        self._runner.prepare_workflow(defn)

    def create_instance(self, det: WorkflowInstanceDetails) -> WorkflowInstance:
        """A workflow to be run."""
        return Guarded(self._runner.create_instance(det))

    def set_worker_level_failure_exception_types(self, types: Sequence[type[BaseException]]) -> None:
        """Set which exceptions end a workflow."""
        self._runner.set_worker_level_failure_exception_types(types)


class Guarded(WorkflowInstance):
    """A workflow that goes on by tasks alone.

    A task's beginning is an event that says when it was and how large the history
    had become. What is new in the history while both are as they were has no task.
    To fail it fails the query, and has the worker forget the workflow as it is
    here: it is called back to mind, as far as its tasks go, by the next of them.
    """

    def __init__(self, instance: WorkflowInstance) -> None:
        self._instance = instance
        self._events = 0
        self._task: tuple[int, int, int] | None = None

    def activate(self, act: WorkflowActivation) -> WorkflowActivationCompletion:
        """Have the workflow live through what is new; fails what no task has begun over."""
        task = act.timestamp.seconds, act.timestamp.nanos, act.history_size_bytes
        if self._has_no_task(act, task):
            refused = WorkflowActivationCompletion(run_id=act.run_id)
            refused.failed.failure.message = NOT_BEGUN
            return refused
        self._events, self._task = act.history_length, task
        return self._instance.activate(act)

    def _has_no_task(self, act: WorkflowActivation, task: tuple[int, int, int]) -> bool:
        if act.is_replaying or all(job.WhichOneof("variant") in _BRINGS_NOTHING for job in act.jobs):
            return False
        # An engine that does not say how large a history is says 0.
        return act.history_size_bytes > 0 and act.history_length > self._events and task == self._task

    def get_serialization_context(self, command_info: Any) -> SerializationContext | None:
        """How what a command carries is written."""
        return self._instance.get_serialization_context(command_info)

    def get_external_store_context(self, command_info: Any) -> StorageDriverStoreContext:
        """Where what a command carries is kept."""
        return self._instance.get_external_store_context(command_info)

    def get_info(self) -> Info:
        """What is known of the workflow."""
        return self._instance.get_info()

    def get_thread_id(self) -> int | None:
        """The thread that it runs on."""
        return self._instance.get_thread_id()
