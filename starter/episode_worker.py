"""How a worker for episodes is put together, in production and in rehearsals alike."""

import pkgutil
from datetime import timedelta
from typing import Final

from temporalio.client import Client
from temporalio.worker import Worker, WorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

import workflows
from activities.registry import HEARTBEAT_SECONDS, Activities, ReconcileActivities
from workflows.episode import MissingEpisode
from workflows.names import TASK_QUEUE
from workflows.post import Message, Postbox
from workflows.upkeep import Digest, Reconcile

WORKFLOWS: Final = (MissingEpisode, Postbox, Message, Digest, Reconcile)
EPISODES_IN_MEMORY: Final = 2000
SENDS_AT_ONCE: Final = 64
"""How many messages may be with providers at once: each may take as long as a slow provider's answer does."""

DRAIN: Final = timedelta(seconds=70)
"""Longer than the longest activity, so that a stopping worker finishes what it began."""


def sandboxed() -> WorkflowRunner:
    """The runner for workflows: sandboxed, with pydantic and the pure modules of `workflows` passed through.

    Those hold no state; loading them anew for each episode would double its memory.
    """
    pure = [f"workflows.{module.name}" for module in pkgutil.iter_modules(workflows.__path__)]
    for engines in WORKFLOWS:
        if engines.__module__ in pure:
            pure.remove(engines.__module__)
    restrictions = SandboxRestrictions.default.with_passthrough_modules("pydantic", "pydantic_core", *pure)
    return SandboxedWorkflowRunner(restrictions=restrictions)


def episode_worker(client: Client, activities: Activities, upkeep: ReconcileActivities | None = None) -> Worker:
    """A worker for episodes over these activities; without `upkeep` it leaves comparing to others, as in rehearsals."""
    return Worker(
        client,
        task_queue=TASK_QUEUE,
        # The engine keeps this in plain text; the default would tell the machine's name.
        identity="homeward-worker",
        workflows=WORKFLOWS,
        activities=[*activities.all(), *(upkeep.all() if upkeep else ())],
        workflow_runner=sandboxed(),
        max_cached_workflows=EPISODES_IN_MEMORY,
        max_concurrent_workflow_tasks=50,
        max_concurrent_local_activities=20,
        max_concurrent_activities=SENDS_AT_ONCE,
        graceful_shutdown_timeout=DRAIN,
        # The client would save signs of life up until nearly too late.
        max_heartbeat_throttle_interval=timedelta(seconds=HEARTBEAT_SECONDS),
    )
