"""How many rows a second are taken in, one at a time and in batches: python -m tests.starter.measure_intake [LINES].

Both over one database and one real engine without a worker, one after the other, each with rows of its own.
"""

import asyncio
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from activities.policies import Policies
from activities.store import Store
from starter.client import Episodes, Reached
from starter.commands import Commands, ReadReport
from starter.engine_at import EngineAt
from starter.intake.runs import BATCH
from starter.intake.table import read_export
from tests.faults.machine import Machine
from tests.starter.exports import MAPPING
from tests.starter.exports_at_length import long_export


def rows(lines: int, team: str) -> list[ReadReport]:
    verdicts = read_export(long_export(lines).replace("Team 0", team), MAPPING, datetime.now(UTC))
    return [ReadReport(v.report, v.facts) for v in verdicts if v.report is not None]


async def measure(folder: Path, engine: EngineAt, lines: int) -> tuple[float, float]:
    """Rows a second: one at a time, then in batches."""
    store = Store(f"sqlite+aiosqlite:///{folder / 'measured.sqlite'}")
    await store.make_ready()
    reached = Reached(engine, "default", 10)

    async def connect() -> Episodes:
        return Episodes(await reached.client(), 10)

    commands = Commands(store, Policies.load(), "local", connect)
    await connect()
    single, many = rows(lines, "Team 1"), rows(lines, "Team 2")
    began = time.monotonic()
    for one in single:
        assert (await commands.take_in(one.report, one.later, datetime.now(UTC))).state == "applied"
    middle = time.monotonic()
    for start in range(0, len(many), BATCH):
        outcomes = await commands.take_in_all(many[start : start + BATCH], datetime.now(UTC))
        assert {outcome.state for outcome in outcomes} == {"applied"}
    end = time.monotonic()
    await store.close()
    return len(single) / (middle - began), len(many) / (end - middle)


def main(lines: int) -> None:
    """Measure and say."""
    with TemporaryDirectory() as folder:
        machine = Machine(Path(folder))
        try:
            machine.start_engine()
            one, many = asyncio.run(measure(machine.folder, machine.settings.engine, lines))
        finally:
            machine.stop_all()
    sys.stdout.write(f"one at a time: {one:.0f} rows a second; in batches of {BATCH}: {many:.0f} rows a second\n")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 500)
