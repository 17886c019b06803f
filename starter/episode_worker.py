"""How a worker for episodes is put together, in production and in rehearsals alike."""

import pkgutil
from collections.abc import Callable
from datetime import timedelta
from secrets import token_hex
from typing import Final

from temporalio.client import Client
from temporalio.worker import PatchActivationInput, Worker, WorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

import workflows
from activities.registry import HEARTBEAT_SECONDS, Activities, ReconcileActivities
from starter.query_guard import QueryGuard
from starter.settings import WORKFLOWS_IN_MEMORY
from workflows import changes
from workflows.episode import MissingEpisode
from workflows.names import TASK_QUEUE
from workflows.post import Message, Postbox
from workflows.upkeep import Digest, Reconcile

WORKFLOWS: Final = (MissingEpisode, Postbox, Message, Digest, Reconcile)
SENDS_AT_ONCE: Final = 64
"""How many messages may be with providers at once: each may take as long as a slow provider's answer does."""

DRAIN: Final = timedelta(seconds=70)
"""Longer than the longest activity, so that a stopping worker finishes what it began."""


def sandboxed() -> WorkflowRunner:
    """The runner for workflows: sandboxed, with pydantic and the pure modules of `workflows` passed through.

    Those hold no state; loading them anew for each episode would double its memory. No query carries a workflow on.
    """
    pure = [f"workflows.{module.name}" for module in pkgutil.iter_modules(workflows.__path__)]
    for engines in WORKFLOWS:
        if engines.__module__ in pure:
            pure.remove(engines.__module__)
    restrictions = SandboxRestrictions.default.with_passthrough_modules("pydantic", "pydantic_core", *pure)
    return QueryGuard(SandboxedWorkflowRunner(restrictions=restrictions))


def new_name() -> str:
    """A name for a worker. The engine keeps it in plain text; the client's default would tell the machine's."""
    return f"homeward-worker-{token_hex(4)}"


def episode_worker(
    client: Client,
    activities: Activities,
    upkeep: ReconcileActivities | None = None,
    *,
    begins: Callable[[str], bool] = changes.begins,
    name: str | None = None,
    workflows_in_memory: int = WORKFLOWS_IN_MEMORY,
) -> Worker:
    """A worker for episodes over these activities; without `upkeep` it leaves comparing to others, as in rehearsals.

    `begins` says which changes of workflows it begins, by their names; `name` is how the engine calls it. Beyond
    `workflows_in_memory` it calls those back to mind, from their histories, that something happens to.
    """

    def begins_it(asked: PatchActivationInput) -> bool:
        return begins(asked.patch_id)

    return Worker(
        client,
        task_queue=TASK_QUEUE,
        identity=name or new_name(),
        workflows=WORKFLOWS,
        activities=[*activities.all(), *(upkeep.all() if upkeep else ())],
        workflow_runner=sandboxed(),
        patch_activation_callback=begins_it,
        max_cached_workflows=workflows_in_memory,
        max_concurrent_workflow_tasks=50,
        max_concurrent_local_activities=20,
        max_concurrent_activities=SENDS_AT_ONCE,
        graceful_shutdown_timeout=DRAIN,
        # The client would save signs of life up until nearly too late.
        max_heartbeat_throttle_interval=timedelta(seconds=HEARTBEAT_SECONDS),
    )
