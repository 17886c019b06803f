"""How long the board and a search take with 50,000 episodes, beside a page of the same service that reads nothing.

    make console-bench                    # on an SQLite file and on a PostgreSQL of its own
    make console-bench EPISODES=5000      # fewer

With 400 episodes open, and then with 5,000: each owes some fifteen things.
"""

import asyncio
import os
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter, process_time
from typing import Any, Final
from uuid import uuid4

import httpx
from sqlalchemy import event, insert, text

from activities.store import Store
from activities.store.events import feed_of
from activities.store.statements import upsert
from activities.store.tables import EventFeedTable, EventTable
from starter.access import AccessRole
from tests.api.callers import HERE, Service
from tests.benchmarks.filled import NOW, Filling, percentile
from tests.conftest import fresh_server

EPISODES: Final = int(os.environ.get("EPISODES", "50000"))
REALISTIC: Final = 400
HARSH: Final = 5000
REQUESTS: Final = 200
FEWER: Final = 40

PAGES: Final = (
    ("/account", REQUESTS, False),
    ("/now", REQUESTS, False),
    ("/now", REQUESTS, True),
    ("/now?page=4", FEWER, False),
    ("/now?status=missing&due=overdue", FEWER, False),
    ("/now?team=Team+3", FEWER, False),
    ("/now?risk=high", FEWER, False),
    ("/now?authority=other", FEWER, False),
    ("/now?mine=yes", FEWER, False),
    ("/handover", FEWER, False),
)
"""What is asked for, how often, and whether something happens to an episode before each."""

SEARCHES: Final = (
    {"child": "inv 4999"},
    {"child": "inv"},
    {"police_reference": "Invented/4999"},
    {"police_reference": "inv"},
)
"""What is looked for: a reference that few begin with, and one that all do."""


class Times:
    """How long something took, each time, and how long of it this process worked."""

    def __init__(self) -> None:
        self.wall: list[float] = []
        self.own: list[float] = []

    @contextmanager
    def once_more(self) -> Generator[None]:
        """Take the time of what is done within."""
        began, worked = perf_counter(), process_time()
        yield
        self.wall.append(perf_counter() - began)
        self.own.append(process_time() - worked)

    def line(self, name: str) -> str:
        """In milliseconds: half of the times, 95 of 100, and half of the process's own."""
        shares = (percentile(self.wall, 0.5), percentile(self.wall, 0.95), percentile(self.own, 0.5))
        return f"  {name:48}" + "".join(f"{one:9.1f}" for one in shares)


async def _asked(store: Store, client: httpx.AsyncClient, path: str, times: int, *, busy: bool) -> Times:
    found = Times()
    for _ in range(times):
        if busy:
            await something_happens(store)
        with found.once_more():
            answer = await client.get(path)
        if answer.status_code != 200:
            raise SystemExit(f"{path}: {answer.status_code}")
    return found


async def _looked_for(client: httpx.AsyncClient, sought: dict[str, str]) -> Times:
    found = Times()
    for _ in range(FEWER):
        with found.once_more():
            answer = await client.post("/episodes", data={"key": str(uuid4()), **sought})
        if answer.status_code != 200:
            raise SystemExit(f"{sought}: {answer.status_code}")
    return found


async def _bare(store: Store) -> Times:
    found = Times()
    for _ in range(REQUESTS):
        with found.once_more():
            async with store.snapshot() as session:
                await session.execute(text("SELECT 1"))
    return found


async def something_happens(store: Store) -> None:
    """Have the feed tell of one open episode."""
    async with store.session() as session:
        number = (await feed_of(session, HERE)).last + 1
        about = {"authority": HERE, "number": number, "id": str(uuid4()), "kind": "homeward.invented", "at": NOW}
        await session.execute(insert(EventTable), [about | {"episode_id": f"episode-{number % 400:06}", "data": {}}])
        await upsert(session, EventFeedTable, {"authority": HERE, "last": number, "dropped": 0})


async def measure(store: Store, title: str) -> None:
    """Print how long each page takes."""
    service = Service(store, clock=lambda: NOW, a_minute=1_000_000)
    print(f"{title}\n  {'':48}{'p50':>9}{'p95':>9}{'own p50':>9}  ms")
    print((await _bare(store)).line("SELECT 1"))
    async with service.caller(AccessRole.MANAGER, person="W3") as client:
        for path, times, busy in PAGES:
            await client.get(path)
            found = await _asked(store, client, path, times, busy=busy)
            print(found.line(f"GET {path}{', after something happened' if busy else ''}"))
            sys.stdout.flush()
        for sought in SEARCHES:
            found = await _looked_for(client, sought)
            print(found.line(f"POST /episodes {' '.join(sought.values())}"))


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
