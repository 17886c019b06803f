"""How long the board takes with 50,000 episodes, beside what the same service takes for a page that reads nothing.

    make console-bench                    # on an SQLite file and on a PostgreSQL of its own
    make console-bench EPISODES=5000      # fewer

With 400 episodes open, and then with 5,000: each owes some fifteen things.
"""

import asyncio
import os
import sys
import tempfile
from pathlib import Path
from time import perf_counter
from typing import Any, Final

import httpx
from sqlalchemy import event, text

from activities.store import Store
from starter.access import AccessRole
from tests.api.callers import Service
from tests.benchmarks.filled import NOW, Filling, percentile
from tests.conftest import fresh_server

EPISODES: Final = int(os.environ.get("EPISODES", "50000"))
REALISTIC: Final = 400
HARSH: Final = 5000
REQUESTS: Final = 200

PAGES: Final = (
    ("GET /account", "/account"),
    ("GET /now", "/now"),
    ("GET /now?page=4", "/now?page=4"),
    ("GET /now?status=missing&due=overdue", "/now?status=missing&due=overdue"),
    ("GET /now?team=Team 3", "/now?team=Team+3"),
    ("GET /now?risk=high", "/now?risk=high"),
    ("GET /now?mine=yes", "/now?mine=yes"),
    ("GET /handover", "/handover"),
)


async def _timed(client: httpx.AsyncClient, path: str) -> list[float]:
    found: list[float] = []
    for _ in range(REQUESTS):
        began = perf_counter()
        answer = await client.get(path)
        found.append(perf_counter() - began)
        if answer.status_code != 200:
            raise SystemExit(f"{path}: {answer.status_code}")
    return found


async def _bare(store: Store) -> list[float]:
    found: list[float] = []
    for _ in range(REQUESTS):
        began = perf_counter()
        async with store.snapshot() as session:
            await session.execute(text("SELECT 1"))
        found.append(perf_counter() - began)
    return found


async def measure(store: Store, title: str) -> None:
    """Print how long each page takes: half of the requests, and 95 of 100."""
    service = Service(store, clock=lambda: NOW, a_minute=1_000_000)
    print(f"{title}\n  {'':42}{'p50':>8}{'p95':>8}  ms")
    async with service.caller(AccessRole.MANAGER, person="W3") as client:
        lines = [("SELECT 1", await _bare(store))]
        for name, path in PAGES:
            await client.get(path)
            lines.append((name, await _timed(client, path)))
    for name, seconds in lines:
        print(f"  {name:42}{percentile(seconds, 0.5):8.1f}{percentile(seconds, 0.95):8.1f}")
    sys.stdout.flush()


def _without_waiting_for_the_disk(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA synchronous = OFF")
    cursor.close()


async def compare(url: str, name: str) -> None:
    """Fill a database, and measure with few and with many open."""
    store = Store(url)
    await store.upgrade()
    if store._engine.dialect.name == "sqlite":
        # What is filled in may be lost with the machine; what is read afterwards is read as ever.
        event.listen(store._engine.sync_engine, "connect", _without_waiting_for_the_disk)
    filling = Filling(store, Service(store).policies)
    began = perf_counter()
    await filling.with_workers()
    await filling.fill(range(REALISTIC, EPISODES), closed=True)
    await filling.fill(range(REALISTIC), closed=False)
    await filling.settle()
    print(f"{name}: filled in {perf_counter() - began:.0f} s")
    await measure(store, f"{name}: {EPISODES} episodes, {REALISTIC} of them open")
    await filling.fill(range(EPISODES, EPISODES + HARSH - REALISTIC), closed=False)
    await filling.settle()
    await measure(store, f"{name}: {EPISODES + HARSH - REALISTIC} episodes, {HARSH} of them open")
    await store.close()


def main() -> None:
    """On both databases, or on the one that is named."""
    wanted = sys.argv[1:] or ["sqlite", "postgresql"]
    if "sqlite" in wanted:
        with tempfile.TemporaryDirectory() as folder:
            asyncio.run(compare(f"sqlite+aiosqlite:///{Path(folder) / 'bench.sqlite'}", "SQLite"))
    if "postgresql" in wanted:
        with fresh_server() as server:
            server.run("CREATE DATABASE bench TEMPLATE template0")
            asyncio.run(compare(server.url("bench"), "PostgreSQL"))


if __name__ == "__main__":
    main()
