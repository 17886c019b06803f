"""Rehearsals: the real workflow and activities on the real server, with time skipped.

Facts are given to the episode at their own times, and what happens is read
from the store afterwards. The engine's clock starts at the real present, so
the episode is told how far its own time runs ahead of (or behind) it.
"""

import os
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final
from uuid import uuid4

from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession
from temporalio.client import WorkflowExecutionStatus, WorkflowHandle
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import TimeSkippingConfig, WorkflowEnvironment

from activities.policies import Policies
from activities.registry import Activities
from activities.store import Store, inbox
from activities.store.directory import PersonEntry, add, person_id, put_person
from activities.store.episodes import EpisodeView, episode_view
from activities.store.statements import upsert
from activities.store.tables import ClockTable, EpisodeTable, HoldingTable
from starter.client import Episodes
from starter.engine_binary import engine_binary
from starter.episode_worker import episode_worker
from starter.rehearsed_post import RehearsedMessage, RehearsedPost
from starter.scenarios import Scenario, earlier_episodes, plan_scenario
from workflows.clocks import Clock
from workflows.contracts import EpisodeInput
from workflows.facts import Fact
from workflows.instants import Instant
from workflows.names import INTERVIEW_CLOCK, workflow_id
from workflows.policy import Pack
from workflows.repeats import EarlierEpisode
from workflows.vocabulary import ROLE_WORDS, ClockKind, ClockState, Role

PATIENCE_SECONDS: Final = 30.0
REHEARSAL: Final = "rehearsal"

_WOKEN: Final = (
    Role.TEAM_MANAGER,
    Role.SERVICE_MANAGER,
    Role.SENIOR_LEADER,
    Role.DUTY_MANAGER,
    Role.OUT_OF_HOURS_TEAM,
)

# A fact is given to the episode a moment early, and takes effect at its own time: so nothing that falls due at that
# same time is decided without it.
EARLY: Final = timedelta(seconds=1)

SKIPPING: Final = [
    "--dynamic-config-value",
    "frontend.WorkflowTimeSkippingEnabled=true",
    # Only where time is skipped: it makes skips quick, and would make long timers late in production.
    "--dynamic-config-value",
    'history.timerProcessorMaxTimeShift="1ms"',
]


class RehearsedEvent(BaseModel):
    """One thing that happened. `at` is UTC."""

    at: Instant
    kind: str
    text: str
    clock: str | None = None
    rung: str | None = None
    role: str | None = None
    channel: str | None = None
    state: str | None = None


class Rehearsal(BaseModel):
    """All that happened, in order, and the clocks at the end; the messages too, where channels were rehearsed."""

    events: list[RehearsedEvent]
    clocks: tuple[Clock, ...]
    messages: list[RehearsedMessage] = []


@asynccontextmanager
async def skipping_engine() -> AsyncGenerator[WorkflowEnvironment]:
    """A real server of its own whose workflows' time can be skipped."""
    with _stdout_kept_clean():
        environment = await WorkflowEnvironment.start_time_skipping_v2(
            # Time stands still until it is told to move.
            ts_config=TimeSkippingConfig(enabled=False),
            dev_server_existing_path=str(engine_binary()),
            dev_server_extra_args=SKIPPING,
            # "error" would let the server complain, on our standard error, of what it has not begun yet.
            dev_server_log_level="never",
            data_converter=pydantic_data_converter,
        )
    async with environment:
        yield environment


@contextmanager
def _stdout_kept_clean() -> Generator[None]:
    """The server greets on the standard output it inherits; ours is for answers."""
    kept = os.dup(1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 1)
        yield
    finally:
        os.dup2(kept, 1)
        os.close(nowhere)
        os.close(kept)


class Stage:
    """One episode whose time is driven by hand."""

    def __init__(self, environment: WorkflowEnvironment, store: Store, policies: Policies, begins_at: datetime) -> None:
        self.environment = environment
        self.policies = policies
        self.store = store
        self.episode_id = str(uuid4())
        self.episodes = Episodes(environment.client, PATIENCE_SECONDS)
        self.authority = REHEARSAL
        self._begins_at = begins_at
        self._skipped = timedelta(0)
        self._really_began = datetime.now(UTC)

    @property
    def now(self) -> datetime:
        """The episode's own time (UTC)."""
        return self._begins_at + self._skipped + (datetime.now(UTC) - self._really_began)

    @property
    def handle(self) -> WorkflowHandle[Any, Any]:
        """The episode's workflow."""
        return self.environment.client.get_workflow_handle(workflow_id(self.episode_id))

    async def lived_before(self, scenario: Scenario) -> str:
        """Write the child's earlier episodes into the store, as their own workflows would have; the child's id."""
        async with self.store.session() as session:
            child_id = await inbox.child_id(session, REHEARSAL, "rehearsed", self._begins_at)
            pack = self.policies.pack(scenario.policy)
            for other in earlier_episodes(scenario):
                await _write_earlier(session, other, child_id, pack, self._begins_at)
        return child_id

    async def begin(self, scenario: Scenario, facts: tuple[Fact, ...], **more: Any) -> None:
        """Begin the episode at its own time, with the facts known by then."""
        self._really_began = datetime.now(UTC)
        async with self.store.session() as session:
            await cast_everyone(session)
        start = EpisodeInput(
            episode_id=self.episode_id,
            authority=self.authority,
            child=scenario.child,
            policy=scenario.policy,
            facts=facts,
            ahead=self._begins_at - self._really_began,
            **more,
        )
        await self.episodes.begin(start)

    async def record(self, fact: Fact) -> None:
        """Give the episode a fact now. Raises FactRefusedError."""
        await self.episodes.record(self.episode_id, fact)

    async def advance_to(self, moment: datetime) -> None:
        """Skip to the moment (UTC) unless it has passed; whatever falls due on the way happens at its own time."""
        ahead = moment - self.now
        if ahead > timedelta(0):
            if (await self.handle.describe()).status is not WorkflowExecutionStatus.RUNNING:
                self._skipped += ahead
                return
            self._skipped += ahead
            began = datetime.now(UTC)
            await self.environment.fast_forward(self.handle, ahead)
            self._skipped -= datetime.now(UTC) - began

    async def view(self) -> EpisodeView:
        """What the store holds about the episode."""
        async with self.store.snapshot() as session:
            view = await episode_view(session, self.authority, self.episode_id)
        if view is None:
            raise RuntimeError("the episode has not been written")
        return view


async def cast_everyone(session: AsyncSession, authority: str = REHEARSAL, *, reached: bool = False) -> None:
    """Have an invented person hold each role, so that what is rehearsed is the episode and not a bare directory.

    With `reached` each has an e-mail address, and managers and leaders a number that is tried first.
    """
    if await person_id(session, authority, Role.OPERATOR.value):
        return
    for number, role in enumerate(Role):
        entry = PersonEntry(reference=role.value, name=f"Invented {ROLE_WORDS[role]}")
        if reached:
            mobile = f"+447700900{number:03}" if role in _WOKEN else ""
            email = f"{role.value.replace('_', '.')}@invented.example"
            entry = entry.model_copy(
                update={"email": email, "mobile": mobile, "channels": "sms;email" if mobile else "email"}
            )
        await put_person(session, authority, entry)
        holder = await person_id(session, authority, role.value)
        held = {"authority": authority, "role": role.value, "scope": "authority", "held_for": "", "person_id": holder}
        await add(session, HoldingTable, held)


async def _write_earlier(
    session: AsyncSession, other: EarlierEpisode, child_id: str, pack: Pack, now: datetime
) -> None:
    """Write an earlier episode in outline, with its interview owed or not."""
    row = {
        "id": other.episode_id,
        "authority": REHEARSAL,
        "child_id": child_id,
        "policy": pack.policy,
        "policy_version": pack.version,
        "calendar_version": "",
        "status": other.status.value,
        "missing_since": other.missing_since,
        "returned_at": other.returned_at,
        "turn": 1,
        "written_at": now,
    }
    await upsert(session, EpisodeTable, row)
    if other.interview_owed:
        clock: dict[str, Any] = {"episode_id": other.episode_id, "id": INTERVIEW_CLOCK, "body": {}}
        standing = {"kind": ClockKind.DUE_BY.value, "state": ClockState.OVERDUE.value}
        await upsert(session, ClockTable, clock | standing)


async def rehearse(scenario: Scenario, policies: Policies, post: RehearsedPost | None = None) -> Rehearsal:
    """Live through a scenario up to its as_of, and write its messages where there is a post to be rehearsed.

    Raises UnknownPolicyError or BadInputError before anything starts.
    """
    plan_scenario(scenario, policies)
    with TemporaryDirectory(prefix="homeward-rehearsal-") as folder:
        store = Store(f"sqlite+aiosqlite:///{Path(folder) / 'rehearsal.sqlite'}")
        await store.make_ready()
        if post is not None:
            async with store.session() as session:
                await cast_everyone(session, reached=True)
        activities = Activities(store, policies, post.post if post else None)
        async with skipping_engine() as environment, episode_worker(environment.client, activities):
            rehearsal = await _play(scenario, environment, store, policies)
        begins = min((fact.at for fact in scenario.facts), default=scenario.as_of)
        messages = await post.messages(store, REHEARSAL, begins, scenario.as_of) if post else []
        await store.close()
    return rehearsal.model_copy(update={"messages": messages})


async def _play(scenario: Scenario, environment: WorkflowEnvironment, store: Store, policies: Policies) -> Rehearsal:
    facts = sorted(scenario.facts, key=lambda fact: (fact.recorded_at, fact.at, fact.id))
    begins_at = min(facts[0].recorded_at, scenario.as_of) if facts else scenario.as_of
    stage = Stage(environment, store, policies, begins_at)
    first = tuple(fact for fact in facts if fact.recorded_at <= begins_at)
    child_id = await stage.lived_before(scenario) if scenario.earlier else None
    await stage.begin(scenario, first, child_id=child_id)
    for fact in facts[len(first) :]:
        await stage.advance_to(min(fact.recorded_at, scenario.as_of) - EARLY)
        await stage.record(fact)
    await stage.advance_to(scenario.as_of)
    clocks = await stage.episodes.clocks(stage.episode_id, scenario.as_of)
    view = await stage.view()
    return Rehearsal(events=[e for e in events_of(view) if e.at <= scenario.as_of], clocks=clocks)


def events_of(view: EpisodeView) -> list[RehearsedEvent]:
    """Everything that happened in an episode, in order of time: facts, turns of clocks, notices and tasks."""
    events = [
        RehearsedEvent(
            at=line.at,
            kind=line.kind,
            text=line.text,
            clock=line.clock,
            rung=line.rung,
            role=line.role,
            state=line.state,
        )
        for line in view.timeline
    ]
    for notice in view.notices:
        kind = "escalation" if notice["escalates"] else "notice"
        about = {name: notice[name] for name in ("at", "clock", "rung", "role", "channel")}
        events.append(RehearsedEvent(kind=kind, text=notice["says"], **about))
    for task in view.tasks:
        about = {"clock": task["clock"], "role": task["role"], "text": task["do"]}
        events.append(RehearsedEvent(at=task["opened_at"], kind="task_opened", **about))
        if task["closed_at"]:
            closed = "task_done" if task["state"] == "done" else "task_withdrawn"
            events.append(RehearsedEvent(at=task["closed_at"], kind=closed, **about))
    return sorted(events, key=lambda event: event.at)
