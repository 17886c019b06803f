"""What an overdue review asks, on the real engine: the worker wakes a moment late, as every worker does."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from activities.registry import Activities
from starter.episode_worker import episode_worker
from starter.rehearsal import Stage
from tests.engine.correspondence import until
from tests.engine.own_engine import Machine
from tests.engine.plays import NOON, fact, live, told
from tests.engine.town import LOOKED_AFTER
from workflows import changes
from workflows.instants import to_rfc3339

pytestmark = pytest.mark.asyncio(loop_scope="session")

REVIEW = "absence_review"


async def test_each_step_of_a_review_is_taken(stage_at: Callable[[datetime], Stage]) -> None:
    view = await live(stage_at(NOON), 5, fact("noticed", 0))
    assert told(view, REVIEW) == [("warn", "social_worker", 2), ("escalate", "duty_manager", 3)]


async def test_a_review_that_was_done_asks_again_when_the_next_is_due(stage_at: Callable[[datetime], Stage]) -> None:
    view = await live(stage_at(NOON), 5.6, fact("noticed", 0), fact("absence_reviewed", 2.5, decision="wait"))
    steps = [("warn", "social_worker", 2), ("warn", "social_worker", 4.5), ("escalate", "duty_manager", 5.5)]
    assert told(view, REVIEW) == steps


async def _noticed_two_hours_ago(machine: Machine, in_seconds: float) -> str:
    """An episode whose review comes to be due in a moment."""
    due = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=in_seconds)
    said = {"report_id": str(uuid4()), "child": LOOKED_AFTER, "noticed": to_rfc3339(due - timedelta(hours=2))}
    _, outcome = await machine.commands.report(said, datetime.now(UTC))
    return outcome.episode_id


async def _asked(machine: Machine, episode: str) -> list[str]:
    view = await machine.view(episode)
    return [one["rung"] for one in view.notices if one["clock"] == REVIEW] if view else []


async def _is_overdue(machine: Machine, episode: str) -> bool:
    view = await machine.view(episode)
    return view is not None and any(one.id == REVIEW and one.state == "overdue" for one in view.clocks)


@pytest.mark.parametrize("begun", [True, False])
async def test_a_worker_that_wakes_a_moment_late_asks_all_the_same(machine: Machine, begun: bool) -> None:
    """And one of the version before, which knows the change and does not begin it, goes on as it did."""

    def begins(name: str) -> bool:
        return begun and changes.begins(name)

    async with episode_worker(machine.client, Activities(machine.store, machine.policies), begins=begins):
        episode = await _noticed_two_hours_ago(machine, 3)
        await until(lambda: _is_overdue(machine, episode), 30)
        if begun:
            await until(lambda: _has_asked(machine, episode), 10)
    assert await _asked(machine, episode) == (["warn"] if begun else [])


async def _has_asked(machine: Machine, episode: str) -> bool:
    return bool(await _asked(machine, episode))
