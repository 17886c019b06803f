"""What an episode costs: its history, its rows, and the work of worker, engine and database, beside a bare workflow's.

    make growing-bench                    # 200 lives
    make growing-bench EPISODES=1000      # more

Each life is reported, told seven more facts and closed by its interview, as
those who wait for the answer tell it; then as many episodes are left open. The
floor, in the same run, is a workflow that takes as many facts and does nothing.
What it comes to for a county and for England is worked out in docs/growing.md.
"""

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any, Final
from uuid import uuid4

from sqlalchemy import text
from temporalio import workflow
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from activities.policies import Policies
from activities.store import Store
from activities.store.tables import Table
from starter.client import Episodes, Reached
from starter.commands import Commands
from tests.benchmarks.filled import percentile
from tests.conftest import fresh_server
from tests.faults.machine import Machine
from workflows import names
from workflows.instants import to_rfc3339

EPISODES: Final = int(os.environ.get("EPISODES", "200"))
AT_ONCE: Final = 8
LOOK_SECONDS: Final = 3.0
IDLE_SHARE: Final = 0.1
"""What was told is done, messages and all, once nobody works more than this share of a core between two looks."""

TICKS: Final = os.sysconf("SC_CLK_TCK")
PAGE: Final = os.sysconf("SC_PAGE_SIZE")
FLOOR_QUEUE: Final = "floor"

CHILD: Final = {"looked_after": True, "setting": "foster", "out_of_area": False, "born": "2011-02-03"}
LIFE: Final[Sequence[tuple[str, float, dict[str, Any]]]] = (
    ("told", 1.0, {"role": "iro"}),
    ("told", 1.2, {"role": "parent"}),
    ("risk_assessed", 2.0, {"view": "authority", "scheme": "Invented", "grade": "medium"}),
    ("returned", 6.0, {}),
    ("prevention_check", 8.0, {"by": "police"}),
    ("rhi_offered", 9.0, {}),
    ("rhi_done", 20.0, {"interviewer": "independent"}),
)
"""What is told of each child after the report: the kind, how many hours later it happened, and its details."""


@workflow.defn(name="Floor")
class Floor:
    """Takes facts, and does nothing."""

    def __init__(self) -> None:
        self.taken = 0

    @workflow.run
    async def run(self, at_most: int) -> None:
        """Wait until all is told."""
        await workflow.wait_condition(lambda: self.taken >= at_most)

    @workflow.update
    async def record(self, _fact: dict[str, Any]) -> int:
        """Count one more."""
        self.taken += 1
        return self.taken


@dataclass(frozen=True)
class Work:
    """What processes have done: seconds of a core, and the bytes of memory they hold."""

    seconds: float
    memory: int

    def since(self, before: "Work") -> "Work":
        """The difference."""
        return Work(self.seconds - before.seconds, self.memory - before.memory)


def work_of(pid: int) -> Work:
    """What a process and those that it began have done so far."""
    seconds, memory = 0.0, 0
    for one in [pid, *_children(pid)]:
        try:
            stat = Path(f"/proc/{one}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
        except OSError:
            continue
        seconds += sum(map(int, stat[11:15])) / TICKS
        memory += int(stat[21]) * PAGE
    return Work(seconds, memory)


def _children(pid: int) -> list[int]:
    try:
        own = [
            int(one)
            for task in Path(f"/proc/{pid}/task").iterdir()
            for one in (task / "children").read_text(encoding="utf-8").split()
        ]
    except OSError:
        return []
    return [grandchild for child in own for grandchild in (child, *_children(child))]


@dataclass(frozen=True)
class Told:
    """What came of telling lives: seconds until each answer, and the seconds of a core that each part worked."""

    answers: list[float]
    seconds: float
    work: dict[str, Work]


Life = Callable[[int], Awaitable[list[float]]]
"""Tells a life, by its number; how long each answer took, in seconds."""


async def telling(count: int, life: Life, pids: dict[str, int]) -> Told:
    """Tell so many lives, a few at once; each gives how long every answer took."""
    before = {name: work_of(pid) for name, pid in pids.items()}
    few, began = asyncio.Semaphore(AT_ONCE), time.monotonic()

    async def one(number: int) -> list[float]:
        async with few:
            return await life(number)

    answers = [took for lived in await asyncio.gather(*map(one, range(count))) for took in lived]
    seconds = time.monotonic() - began
    await _all_is_done(pids)
    return Told(answers, seconds, {name: work_of(pid).since(before[name]) for name, pid in pids.items()})


async def _all_is_done(pids: dict[str, int]) -> None:
    busy = sum(work_of(pid).seconds for pid in pids.values())
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        now = sum(work_of(pid).seconds for pid in pids.values())
        if now - busy < LOOK_SECONDS * IDLE_SHARE:
            return
        busy = now


class Bench:
    """Lives told to the real stack, and to the floor."""

    def __init__(self, store: Store, client: Client, commands: Commands) -> None:
        self.store, self.client, self.commands = store, client, commands
        self.lived: list[str] = []

    async def life(self, number: int, facts: Sequence[tuple[str, float, dict[str, Any]]] = LIFE) -> list[float]:
        """One child's life; how long each answer took."""
        now = datetime.now(UTC)
        began_at = now - timedelta(hours=21)
        report = {"report_id": str(uuid4()), "child": {"reference": f"BENCH-{number}-{uuid4().hex[:6]}", **CHILD}}
        took = list[float]()
        started = time.monotonic()
        _, outcome = await self.commands.report({**report, "reported": to_rfc3339(began_at)}, now)
        took.append(time.monotonic() - started)
        for kind, hours, details in facts:
            said = {"id": str(uuid4()), "kind": kind, "at": to_rfc3339(began_at + timedelta(hours=hours)), **details}
            started = time.monotonic()
            done = await self.commands.record(outcome.episode_id, said, datetime.now(UTC))
            took.append(time.monotonic() - started)
            if done.state != "applied":
                raise AssertionError(f"{kind}: {done.state}: {done.reason}")
        self.lived.append(outcome.episode_id)
        return took

    async def floor(self, _number: int) -> list[float]:
        """A bare workflow that is told as much."""
        took, id = list[float](), f"floor-{uuid4()}"
        started = time.monotonic()
        handle: Any = await self.client.start_workflow("Floor", len(LIFE), id=id, task_queue=FLOOR_QUEUE)
        took.append(time.monotonic() - started)
        for kind, _, details in LIFE:
            started = time.monotonic()
            await handle.execute_update("record", {"kind": kind, **details})
            took.append(time.monotonic() - started)
        return took

    async def called_to_mind(self, number: int) -> list[float]:
        """How long an episode takes to answer a worker's question that has to live through it first."""
        handle: Any = self.client.get_workflow_handle(names.workflow_id(self.lived[number]))
        started = time.monotonic()
        await handle.query(names.QUERY_STATE)
        return [time.monotonic() - started]

    async def histories(self) -> tuple[list[float], list[float]]:
        """Events and bytes of the histories of the episodes that were lived."""
        described = [
            (await self.client.get_workflow_handle(names.workflow_id(one)).describe()).raw_description
            for one in self.lived
        ]
        info = [one.workflow_execution_info for one in described]
        return [float(one.history_length) for one in info], [float(one.history_size_bytes) for one in info]

    async def rows(self) -> tuple[float, float]:
        """Rows and bytes of the database."""
        async with self.store.session() as session:
            tables = [one.name for one in Table.metadata.sorted_tables]
            counts = [await session.scalar(text(f"SELECT count(*) FROM {name}")) for name in tables]  # noqa: S608
            size = await session.scalar(text("SELECT pg_database_size(current_database())"))
        return float(sum(one or 0 for one in counts)), float(size or 0)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _say_told(what: str, told: Told, count: int) -> None:
    answers = f"{percentile(told.answers, 0.5):.0f} / {percentile(told.answers, 0.95):.0f} ms"
    _say(f"{what}: {count / told.seconds:.1f} a second; an answer {answers} (p50 / p95)")
    for name, work in told.work.items():
        _say(f"    {name}: {work.seconds / count * 1000:.0f} ms of a core each")


async def measure(machine: Machine, database: str, postgres: int) -> None:
    """Measure and say."""
    store = Store(database)
    reached = Reached(machine.settings.engine, "default", 30)
    client = await reached.client()

    async def engine() -> Episodes:
        return Episodes(client, 30)

    bench = Bench(store, client, Commands(store, Policies.load(), "local", engine))
    pids = {name: machine.processes[name].pid for name in ("worker", "engine")} | {"database": postgres}
    # The floor's worker is in this process, beside those who tell: their work is in its figure, and so it is no less.
    floors = pids | {"worker": os.getpid()}
    floor = Worker(client, task_queue=FLOOR_QUEUE, workflows=[Floor], workflow_runner=UnsandboxedWorkflowRunner())
    async with floor:
        await telling(AT_ONCE, bench.floor, floors)
        _say_told("A bare workflow", await telling(EPISODES, bench.floor, floors), EPISODES)
    await telling(AT_ONCE, bench.life, pids)
    bench.lived.clear()
    before = await bench.rows()
    _say_told("A life", await telling(EPISODES, bench.life, pids), EPISODES)
    events, size = await bench.histories()
    after = await bench.rows()
    rows, written = ((now - then) / EPISODES for now, then in zip(after, before, strict=True))
    long = f"{median(events):.0f} events (at most {max(events):.0f})"
    _say(f"    history: {long}, {median(size) / 1000:.0f} kB")
    _say(f"    database: {rows:.0f} rows, {written / 1000:.0f} kB")

    async def reported_only(number: int) -> list[float]:
        return await bench.life(number, ())

    opened = await telling(EPISODES, reported_only, pids)
    _say_told("A report", opened, EPISODES)
    _say(f"    the worker's memory: {opened.work['worker'].memory / EPISODES / 1000:.0f} kB for each that is open")
    machine.end("worker")
    machine.start_worker()
    machine.wait_for_line("worker", "worker ready", times=2)
    pids["worker"] = machine.processes["worker"].pid
    _say_told(
        "A life called back to mind by a new worker", await telling(EPISODES, bench.called_to_mind, pids), EPISODES
    )
    await store.close()


async def _make_ready(url: str) -> None:
    store = Store(url)
    await store.upgrade()
    await store.close()


def main() -> None:
    """Start the stack, measure, and stop it."""
    with tempfile.TemporaryDirectory() as folder, fresh_server() as server:
        machine = Machine(Path(folder))
        name = server.create()
        asyncio.run(_make_ready(server.url(name)))
        # The server is the test's own, and lets its owner in; rights of the application are tested elsewhere.
        database = server.url(name)
        machine.environment["HOMEWARD_DATABASE_URL"] = database
        try:
            machine.start_engine()
            machine.start_worker()
            machine.wait_for_line("worker", "worker ready")
            _say(f"{EPISODES} lives, {AT_ONCE} at once, {os.cpu_count()} cores, PostgreSQL, the embedded engine")
            asyncio.run(measure(machine, database, server.pid))
        finally:
            machine.stop_all()


if __name__ == "__main__":
    main()
