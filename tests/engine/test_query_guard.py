"""A query that waits for a worker while more is said leaves no workflow on a course that cannot be replayed."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest
from temporalio.client import WorkflowHandle
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer, Worker, WorkflowRunner

from activities.registry import Activities
from starter.episode_worker import WORKFLOWS, sandboxed
from starter.query_guard import NOT_BEGUN, QueryGuard
from tests.engine.own_engine import Machine
from tests.engine.town import hours_ago
from workflows import names

EPISODES = 12
ROUNDS = 5
STICKY = 6
"""As many seconds the engine keeps what a workflow's last worker was to do for that one alone, and one more."""


def worker(machine: Machine, runner: WorkflowRunner, at_once: int) -> Worker:
    return Worker(
        machine.client,
        task_queue=names.TASK_QUEUE,
        workflows=WORKFLOWS,
        workflow_runner=runner,
        activities=Activities(machine.store, machine.policies).all(),
        max_concurrent_workflow_tasks=at_once,
    )


async def say(episodes: list[WorkflowHandle[Any, Any]]) -> None:
    for one in episodes:
        fact = {"id": str(uuid4()), "kind": "searched", "at": hours_ago(1), "recorded_by": "W1"}
        await one.signal(names.SIGNAL_FACT, fact)


async def ask_while_no_worker_is_there(
    machine: Machine, runner: WorkflowRunner
) -> tuple[list[WorkflowHandle[Any, Any]], list[str]]:
    """Episodes asked before a worker was there, of which more was said before and after it came; what was not answered.

    A query that is not answered says why.
    """
    async with worker(machine, runner, 50):
        ids = await asyncio.gather(*(machine.report() for _ in range(EPISODES)))
    episodes = [machine.client.get_workflow_handle(names.workflow_id(one)) for one in ids]
    await asyncio.sleep(STICKY)
    asked = [asyncio.create_task(one.query(names.QUERY_STATE)) for one in episodes]
    await asyncio.sleep(0.5)
    await say(episodes)
    async with worker(machine, runner, 4):
        for _ in range(3):
            await say(episodes)
        answers = await asyncio.gather(*asked, return_exceptions=True)
        await asyncio.gather(*(one.query(names.QUERY_STATE) for one in episodes))
    return episodes, [str(one) for one in answers if isinstance(one, BaseException)]


async def that_cannot_be_replayed(episodes: list[WorkflowHandle[Any, Any]]) -> int:
    runner = sandboxed()
    replayer = Replayer(workflows=WORKFLOWS, data_converter=pydantic_data_converter, workflow_runner=runner)
    histories = [await one.fetch_history() for one in episodes]
    played = [await replayer.replay_workflow(one, raise_on_replay_failure=False) for one in histories]
    return sum(one.replay_failure is not None for one in played)


async def test_what_comes_while_a_query_waits_for_a_worker_can_be_replayed(machine: Machine) -> None:
    """Whether something comes between a query and a task is chance: it is tried until it has."""
    for _ in range(ROUNDS):
        episodes, unanswered = await ask_while_no_worker_is_there(machine, sandboxed())
        assert await that_cannot_be_replayed(episodes) == 0
        if NOT_BEGUN in unanswered:
            return
    pytest.fail("nothing came between a query and a task: this shows nothing")


@pytest.mark.long
async def test_without_the_guard_it_cannot(machine: Machine) -> None:
    """When this fails, the library has been mended: then the guard can go."""
    guard = sandboxed()
    assert isinstance(guard, QueryGuard)
    for _ in range(ROUNDS):
        episodes, _unanswered = await ask_while_no_worker_is_there(machine, guard._runner)
        if await that_cannot_be_replayed(episodes):
            return
    pytest.fail("without the guard all could be replayed")
