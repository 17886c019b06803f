"""Facts, corrections, signals and passing time, in whatever order: the real workflow keeps to the pure rules.

A model keeps the facts that were taken. After each step the workflow's clocks
are what the rules make of the model's facts, whatever was refused left no
trace among them, and nobody was told the same thing twice.
"""

import asyncio
from collections.abc import Coroutine, Generator
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID, uuid5

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from activities.registry import Activities
from activities.store import Store
from starter.client import FactRefusedError
from starter.episode_worker import episode_worker
from starter.rehearsal import Stage, skipping_engine
from tests.engine.plays import LOOKED_AFTER, NOON, scenario
from tests.workflows.builders import calendar, pack, policies
from workflows.clocks import plan
from workflows.fact_kinds import FactKind
from workflows.facts import Fact, fact_from_outside, impossibility
from workflows.instants import to_rfc3339
from workflows.rulings import against_policy

Answer = TypeVar("Answer")
NAMESPACE = UUID("00000000-0000-4000-8000-000000000000")
SAID: list[dict[str, str]] = [
    {"kind": "last_seen"},
    {"kind": "authority_told"},
    {"kind": "located"},
    {"kind": "returned"},
    {"kind": "told", "role": "iro"},
    {"kind": "told", "role": "parent"},
    {"kind": "rhi_offered"},
    {"kind": "rhi_declined"},
    {"kind": "rhi_completed", "interviewer": "independent"},
    {"kind": "rhi_completed", "interviewer": "parent"},
    {"kind": "prevention_check", "outcome": "done"},
    {"kind": "absence_reviewed", "decision": "wait"},
    {"kind": "risk_assessed", "view": "police", "grade": "low"},
    {"kind": "acknowledged", "clock": "leadership_alert", "role": "senior_leader"},
    {"kind": "clock_voided", "clock": "rhi", "reason": "x", "recorded_by": "A", "authorised_by": "B"},
    {"kind": "clock_voided", "clock": "rhi", "reason": "x", "recorded_by": "A"},
    {"kind": "rhi_allocated", "interviewer": "parent"},
    {"kind": "meeting_held", "meeting": "planning"},
    {"kind": "recorded_in_error", "reason": "x"},
    {"kind": "described", "out_of_area": "no"},
]


class World:
    """One real engine, worker and store for all the lives that are tried."""

    def __init__(self, folder: Path) -> None:
        self.loop = asyncio.new_event_loop()
        self.stack = AsyncExitStack()
        self.store = Store(f"sqlite+aiosqlite:///{folder / 'store.sqlite'}")
        self.policies = policies()
        self.environment = self.do(self._open())

    def do(self, work: Coroutine[Any, Any, Answer]) -> Answer:
        return self.loop.run_until_complete(work)

    async def _open(self) -> Any:
        await self.store.make_ready()
        environment = await self.stack.enter_async_context(skipping_engine())
        worker = episode_worker(environment.client, Activities(self.store, self.policies))
        await self.stack.enter_async_context(worker)
        return environment

    def close(self) -> None:
        self.do(self.stack.aclose())
        self.do(self.store.close())
        self.loop.close()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Generator[World]:
    opened = World(tmp_path_factory.mktemp("world"))
    yield opened
    opened.close()


async def _refusal(stage: Stage, fact: Fact) -> str | None:
    """Give the episode a fact; the reason when it refuses it."""
    try:
        await stage.record(fact)
    except FactRefusedError as refusal:
        return str(refusal)
    return None


class Life(RuleBasedStateMachine):
    """One episode beside its model."""

    world: World

    def __init__(self) -> None:
        super().__init__()
        self.stage = Stage(self.world.environment, self.world.store, self.world.policies, NOON)
        self.hour = 0.0
        self.taken: dict[str, Fact] = {}
        self.number = 0

    @property
    def now(self) -> Any:
        return NOON + timedelta(hours=self.hour)

    def _fact(self, said: dict[str, str], hours_ago: float, replaces: str | None = None) -> Fact:
        self.number += 1
        at = self.now - timedelta(hours=min(hours_ago, self.hour))
        more = {"replaces": replaces} if replaces else {}
        identity = str(uuid5(NAMESPACE, f"{self.stage.episode_id}/{self.number}"))
        times = {"at": to_rfc3339(at), "recorded_at": to_rfc3339(self.now)}
        return fact_from_outside({**said, **more, **times}, id=identity)

    def _give(self, fact: Fact) -> None:
        reason = impossibility(fact, self.taken.values(), LOOKED_AFTER, self.now) or against_policy(fact, pack())
        assert self.world.do(_refusal(self.stage, fact)) == reason
        if reason is None:
            self.taken[fact.id] = fact

    @initialize()
    def reported(self) -> None:
        fact = self._fact({"kind": "reported"}, 0)
        self.world.do(self.stage.begin(scenario(), (fact,)))
        # Saying it again waits until the episode has its rules.
        self.world.do(self.stage.record(fact))
        self.taken[fact.id] = fact

    @rule(said=st.sampled_from(SAID), hours_ago=st.sampled_from([0, 0.5, 3, 30]))
    def record(self, said: dict[str, str], hours_ago: float) -> None:
        self._give(self._fact(said, hours_ago))

    @rule(number=st.integers(0, 40))
    def withdraw(self, number: int) -> None:
        target = list(self.taken)[number % len(self.taken)]
        self._give(self._fact({"kind": "withdrawn", "fact": target, "reason": "invented"}, 0))

    @rule(number=st.integers(0, 40), hours_ago=st.sampled_from([1, 10]))
    def replace(self, number: int, hours_ago: float) -> None:
        target = self.taken[list(self.taken)[number % len(self.taken)]]
        if target.kind is not FactKind.WITHDRAWN:
            said = {"kind": target.kind.value, "recorded_by": target.recorded_by, **target.details}
            self._give(self._fact(said, hours_ago, replaces=target.id))

    @rule(number=st.integers(0, 40))
    def say_again(self, number: int) -> None:
        self.world.do(self.stage.record(self.taken[list(self.taken)[number % len(self.taken)]]))

    @rule(hours=st.sampled_from([1, 5, 24, 24 * 9]))
    @precondition(lambda self: self.hour < 24 * 25)
    def wait(self, hours: float) -> None:
        self.hour += hours
        self.world.do(self.stage.advance_to(self.now))
        self.nobody_is_told_twice()

    @invariant()
    def clocks_are_what_the_rules_say(self) -> None:
        as_of = self.now + timedelta(seconds=2)
        engine = self.world.do(self.stage.episodes.clocks(self.stage.episode_id, as_of))
        rules = plan(self.taken.values(), LOOKED_AFTER, pack(), calendar(), as_of)
        assert [(c.id, c.start, c.due, c.state) for c in engine] == [(c.id, c.start, c.due, c.state) for c in rules]

    def nobody_is_told_twice(self) -> None:
        view = self.world.do(self.stage.view())
        keys = [notice["key"] for notice in view.notices]
        assert len(keys) == len(set(keys))
        assert [line.number for line in view.timeline] == list(range(1, len(view.timeline) + 1))


def test_whatever_is_said_in_whatever_order_the_workflow_keeps_to_the_rules(world: World) -> None:
    Life.world = world
    few = settings(
        max_examples=12,
        stateful_step_count=14,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )
    run_state_machine_as_test(Life, settings=few)
