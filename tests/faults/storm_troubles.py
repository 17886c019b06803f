"""What goes wrong in a storm, as it goes wrong in truth: processes killed and stopped, the database, the network."""

import itertools
import os
import resource
import signal
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import psycopg

from starter.local import CANNOT_BEGIN, engine_command, service_command, worker_command
from tests.faults.machine import Machine
from tests.faults.tcp_proxy import TcpProxy
from tests.postgres import USER, Postgres
from tests.standins.faults import LOST, STORED_BUT_LOST, STORED_BUT_SILENT, refuses, slow
from tests.standins.notify import NotifyStandIn
from tests.standins.smtp import SmtpStandIn

FILLED: Final = ("inbox", "episode", "notice", "timeline")
BEYOND_LOCK_PATIENCE: Final = 24.0
"""Seconds for which a lock is held now and then: longer than anybody waits for one."""

OF_NOTIFY: Final = (
    None,
    slow(2),
    refuses(500),
    refuses(503, stored=True),
    STORED_BUT_SILENT,
    STORED_BUT_LOST,
    LOST,
    refuses(429, "RateLimitError"),
    refuses(400, "BadRequestError"),
)
OF_MAIL: Final = (None, slow(2), refuses(451), refuses(550), STORED_BUT_LOST, LOST)


@dataclass(frozen=True)
class Trouble:
    """Something that goes wrong: how it begins, how it is over, and for how many seconds it lasts."""

    name: str
    begin: Callable[[], None]
    end: Callable[[], None]
    shortest: float
    longest: float


def nothing() -> None:
    """What a trouble does that is over by itself."""


class Processes:
    """The three processes: whoever watches over them starts again what was killed, and what ended by itself."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.ended: list[str] = []
        self.could_not_begin = 0
        self._commands = {
            "engine": engine_command(machine.settings),
            "worker": worker_command(),
            "service": service_command(),
        }

    def troubles(self) -> list[Trouble]:
        """Each killed, with `kill -9`, and started again some seconds later; the engine stopped and let go on."""
        killed = [
            Trouble(f"kill -9 of the {name}", self._killer(name), self._starter(name), 0.0, longest)
            for name, longest in (("worker", 4.0), ("service", 3.0), ("engine", 5.0))
        ]
        stop, let_go = self._signaller(signal.SIGSTOP), self._signaller(signal.SIGCONT)
        return [*killed, Trouble("the engine stopped (SIGSTOP)", stop, let_go, 3.0, 12.0)]

    def start(self, name: str) -> None:
        """Start one that does not run."""
        if name not in self.machine.processes:
            self.machine.start(name, self._commands[name])

    def mind(self) -> None:
        """Start again what ended by itself, and remember that it did."""
        for name, process in list(self.machine.processes.items()):
            status = process.poll()
            if status == CANNOT_BEGIN:
                # So it says where the database is away when it begins: whoever watches over it tries again.
                self.could_not_begin += 1
            elif status not in (None, -signal.SIGKILL):
                self.ended.append(f"{name} ended by itself, status {status}, at {datetime.now(UTC):%H:%M:%S}")
            if status not in (None, -signal.SIGKILL):
                self.machine.processes.pop(name, None)
                self.start(name)

    def _killer(self, name: str) -> Callable[[], None]:
        def kill() -> None:
            if name in self.machine.processes:
                self.machine.kill(name)

        return kill

    def _starter(self, name: str) -> Callable[[], None]:
        return lambda: self.start(name)

    def _signaller(self, which: signal.Signals) -> Callable[[], None]:
        def send() -> None:
            if process := self.machine.processes.get("engine"):
                with suppress(ProcessLookupError):
                    os.kill(process.pid, which)

        return send


class SqliteTroubles:
    """An SQLite file locked, slow and full. It cannot be gone: who has it open keeps it, and a new one is another."""

    def __init__(self, machine: Machine, file: Path) -> None:
        self._machine = machine
        self._file = file
        self._holding: sqlite3.Connection | None = None

    def troubles(self) -> list[Trouble]:
        """The troubles of a file."""
        return [
            Trouble("the database locked", self._lock, self._let_go, 3.0, 10.0),
            Trouble("the database locked beyond all patience", self._lock, self._let_go, BEYOND_LOCK_PATIENCE, 26.0),
            Trouble("the database slow: another writes nearly all the time", self._busy, nothing, 0.0, 0.0),
            Trouble("the database full: no file may grow (RLIMIT_FSIZE)", self._fill, self._empty, 3.0, 10.0),
        ]

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self._file, isolation_level=None, timeout=60, check_same_thread=False)

    def _lock(self) -> None:
        self._holding = self._connect()
        self._holding.execute("BEGIN EXCLUSIVE")

    def _let_go(self) -> None:
        if self._holding:
            self._holding.execute("ROLLBACK")
            self._holding.close()
            self._holding = None

    def _busy(self) -> None:
        until = time.monotonic() + 6
        with closing(self._connect()) as connection:
            while time.monotonic() < until:
                connection.execute("BEGIN IMMEDIATE")
                time.sleep(0.3)
                connection.execute("ROLLBACK")
                time.sleep(0.03)

    def _fill(self) -> None:
        self._limit(0)

    def _empty(self) -> None:
        self._limit(resource.RLIM_INFINITY)

    def _limit(self, most: int) -> None:
        for name in ("worker", "service"):
            if process := self._machine.processes.get(name):
                with suppress(ProcessLookupError):
                    _, hard = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
                    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (most, hard))


class PostgresTroubles:
    """A PostgreSQL locked, gone, slow and full, reached through a proxy."""

    def __init__(self, server: Postgres, proxy: TcpProxy, database: str) -> None:
        self._server = server
        self._proxy = proxy
        self._database = database
        self._holding: psycopg.Connection[Any] | None = None
        self._tables = itertools.cycle(("inbox", "episode", "notice", "event"))
        # The server ends with the thread that started it.
        self._starts = ThreadPoolExecutor(1)

    def troubles(self) -> list[Trouble]:
        """The troubles of a server. Full: it refuses new rows by the code that it gives when its disk is full."""
        proxy = self._proxy
        return [
            Trouble("the database locked", self._lock, self._let_go, 3.0, 10.0),
            Trouble("the database locked beyond all patience", self._lock, self._let_go, BEYOND_LOCK_PATIENCE, 26.0),
            Trouble("the database gone", self._server.stop, self._start, 2.0, 8.0),
            Trouble("the database cut off", lambda: proxy.set("cut"), lambda: proxy.set("open"), 2.0, 8.0),
            Trouble("the database slow", lambda: proxy.set("slow"), lambda: proxy.set("open"), 4.0, 10.0),
            Trouble("the database full (53100)", self._fill, self._empty, 3.0, 10.0),
        ]

    def end(self) -> None:
        """Let go of the thread that started the server, which ends with it."""
        self._starts.shutdown()

    def _start(self) -> None:
        self._starts.submit(self._server.start).result()

    def _lock(self) -> None:
        about: dict[str, Any] = {"host": "127.0.0.1", "port": self._server.port, "user": USER, "dbname": self._database}
        self._holding = psycopg.connect(**about)
        # One table each time: to wait for several while others hold them is a deadlock, and one of the two gives way.
        self._holding.execute(f"LOCK TABLE {next(self._tables)} IN ACCESS EXCLUSIVE MODE".encode())

    def _let_go(self) -> None:
        if self._holding:
            self._holding.close()
            self._holding = None

    def _fill(self) -> None:
        self._server.run(
            "CREATE OR REPLACE FUNCTION disk_is_full() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$",
            self._database,
        )
        for table in FILLED:
            self._server.run(
                f"CREATE TRIGGER full_{table} BEFORE INSERT OR UPDATE ON {table} EXECUTE FUNCTION disk_is_full()",
                self._database,
            )

    def _empty(self) -> None:
        for table in FILLED:
            self._server.run(f"DROP TRIGGER IF EXISTS full_{table} ON {table}", self._database)


def of_the_network(engine: TcpProxy) -> list[Trouble]:
    """The way to the engine cut off, silent and slow, while the engine itself runs."""
    return [
        Trouble("the engine cut off", lambda: engine.set("cut"), lambda: engine.set("open"), 3.0, 12.0),
        Trouble("the engine silent", lambda: engine.set("stopped"), lambda: engine.set("open"), 3.0, 12.0),
        Trouble("the engine slow", lambda: engine.set("slow"), lambda: engine.set("open"), 4.0, 10.0),
    ]


def of_the_providers(notify: NotifyStandIn, smtp: SmtpStandIn) -> list[Trouble]:
    """Both providers going wrong in each way they know, then away altogether."""

    def go_wrong() -> None:
        notify.sends.next(*OF_NOTIFY)
        notify.look_ups.next(None, refuses(500), LOST)
        smtp.letters.next(*OF_MAIL)

    def away() -> None:
        notify.sends.always = notify.look_ups.always = LOST
        smtp.letters.always = refuses(451)

    def back() -> None:
        notify.sends.always = notify.look_ups.always = smtp.letters.always = None

    return [
        Trouble("the providers wrong in every way", go_wrong, nothing, 0.0, 0.0),
        Trouble("the providers away", away, back, 3.0, 12.0),
    ]
