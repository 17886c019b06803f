"""Everything is lost but a backup of Homeward's own rows: restored beside an empty engine, every clock goes on.

By the commands of deploy/runbook.md, on both databases, with real processes.
"""

import asyncio
import shutil
import subprocess
import time
from collections.abc import Generator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol

import pytest

from activities.store import Store
from activities.store.episodes import episode_view
from tests.conftest import fresh_server
from tests.faults.machine import HOMEWARD, Machine, wait_until
from tests.faults.test_crashes import CHILD, ago
from tests.postgres import APPLICATION, Postgres, program

TOLD_AFTER_A_DAY = ("iro_notice", "leadership_alert", "parent_notice", "return_plan", "strategy_meeting")
"""The clocks of which somebody is told about a child who has been away for more than a day."""


class Kept(Protocol):
    """A database that can be backed up, lost and restored."""

    def back_up(self) -> None: ...
    def lose(self) -> None: ...
    def restore(self) -> None: ...
    def set_up(self) -> None: ...


@dataclass
class SqliteKept:
    machine: Machine
    copy: Path

    def back_up(self) -> None:
        assert self.machine.homeward("backup", str(self.copy)).returncode == 0

    def lose(self) -> None:
        for file in self.machine.folder.glob("homeward.sqlite*"):
            file.unlink()

    def restore(self) -> None:
        shutil.copy(self.copy, self.machine.folder / "homeward.sqlite")

    def set_up(self) -> None:
        assert self.machine.homeward("setup", "--upgrade", "--wait", "60").returncode == 0


@dataclass
class PostgresKept:
    machine: Machine
    server: Postgres
    copy: Path

    def _run(self, name: str, *words: str) -> None:
        done = subprocess.run([program(name), *words], capture_output=True, text=True, check=False, timeout=60)
        assert (done.returncode, done.stderr) == (0, "")

    def back_up(self) -> None:
        self._run("pg_dump", "--format=custom", f"--file={self.copy}", self.server.url("homeward"))

    def lose(self) -> None:
        self.server.drop("homeward")

    def restore(self) -> None:
        self.server.run("CREATE DATABASE homeward ENCODING 'UTF8' TEMPLATE template0")
        whole = ("--no-owner", "--no-privileges", "--single-transaction", "--exit-on-error")
        self._run("pg_restore", *whole, f"--dbname={self.server.url('homeward')}", str(self.copy))

    def set_up(self) -> None:
        owner = {"HOMEWARD_DATABASE_URL": self.server.url("homeward")}
        done = self.machine.homeward("setup", "--upgrade", "--grant", APPLICATION, "--wait", "60", environment=owner)
        assert done.returncode == 0, done.stderr


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.long)])
def kept(request: pytest.FixtureRequest, machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> Generator[Kept]:
    copy = tmp_path_factory.mktemp("elsewhere") / "backup"
    if request.param == "sqlite":
        yield SqliteKept(machine, copy)
        return
    with fresh_server() as server:
        server.run("CREATE DATABASE homeward")
        server.create_role(APPLICATION)
        machine.environment["HOMEWARD_DATABASE_URL"] = server.url("homeward", APPLICATION)
        machine.environment["HOMEWARD_COMMAND_ROLES"] = "manager,operator,auditor"
        yield PostgresKept(machine, server, copy)


def clocks(machine: Machine, episode: str) -> dict[str, tuple[Any, Any]]:
    """When each clock of an episode began and falls due."""

    async def read() -> dict[str, tuple[Any, Any]]:
        store = Store(machine.settings.database)
        async with store.snapshot() as session:
            view = await episode_view(session, machine.settings.authority, episode)
        await store.close()
        return {clock.id: (clock.start, clock.due) for clock in view.clocks} if view else {}

    return asyncio.run(read())


def told(machine: Machine, episode: str) -> list[str]:
    return sorted(notice["key"] for notice in asyncio.run(machine._notices(episode)))


def start_apart(machine: Machine) -> None:
    machine.start_engine()
    machine.environment["HOMEWARD_ENGINE_ADDRESS"] = f"127.0.0.1:{machine.environment['HOMEWARD_ENGINE_PORT']}"


def test_rows_alone_bring_every_episode_back_and_what_is_overdue_is_told_once(machine: Machine, kept: Kept) -> None:
    machine.environment["HOMEWARD_RECONCILE_GRACE_SECONDS"] = "0"
    start_apart(machine)
    kept.set_up()
    machine.start_worker()
    machine.wait_for_line("worker", "worker ready")
    due = time.monotonic() + 31
    nearly_a_day = timedelta(hours=24) - timedelta(seconds=30)
    falls_due = machine.report(child=CHILD, reported=ago(seconds=nearly_a_day.total_seconds()))
    was_told = machine.report(child=CHILD, reported=ago(hours=30))
    wait_until(lambda: machine.notices(falls_due, "leadership_alert") == ["warn"], "the warning is sent")
    wait_until(lambda: len(told(machine, was_told)) == len(TOLD_AFTER_A_DAY), "all that is overdue is told")
    machine.kill("worker")
    no_rows = machine.report(child=CHILD, reported=ago(hours=40))
    machine.kill("engine")
    not_applied = machine.report(child=CHILD, reported=ago(hours=50))
    began, told_before = clocks(machine, falls_due), told(machine, was_told)
    assert machine.notices(falls_due, "leadership_alert") == ["warn"]
    kept.back_up()

    kept.lose()
    for file in machine.folder.glob("engine.sqlite*"):
        file.unlink()
    wait_until(lambda: time.monotonic() > due, "the alert falls due while there is nothing")

    kept.restore()
    start_apart(machine)
    kept.set_up()
    dry = machine.answer("reconcile", "--dry-run")["disagreements"]
    assert sorted((one["kind"], one["subject"]) for one in dry) == [
        *(("episode_lost", one) for one in sorted([falls_due, was_told])),
        ("report_not_applied", no_rows),
    ]
    done = machine.homeward("reconcile")
    assert done.stdout.count("begun again with what its rows remember") == 2, done.stdout + done.stderr
    machine.start("worker", [str(HOMEWARD), "worker"])
    for episode in (falls_due, no_rows, not_applied):
        expected = ["warn", "alert"] if episode == falls_due else ["escalate"]
        wait_until(lambda e=episode, x=expected: machine.notices(e, "leadership_alert") == x, "the alert is sent")
    wait_until(lambda: machine.answer("reconcile")["disagreements"] == [], "all agrees")
    time.sleep(2)
    assert machine.notices(falls_due, "leadership_alert") == ["warn", "alert"]
    now = clocks(machine, falls_due)
    assert {one: now[one] for one, (start, _) in began.items() if start} == {
        one: (start, due) for one, (start, due) in began.items() if start
    }, "clocks start from what happened, and not from the restoring"
    assert now["strategy_meeting"][0] == began["leadership_alert"][1]
    assert told(machine, was_told) == told_before, "nobody is told twice"
    assert [key.split("/")[1] for key in told_before] == list(TOLD_AFTER_A_DAY)
    for episode in (falls_due, was_told, no_rows, not_applied):
        keys = told(machine, episode)
        assert len(keys) == len(set(keys))
    verified = machine.homeward("audit", "verify")
    assert verified.returncode == 0, verified.stdout
    listed = machine.homeward("audit", "list").stdout
    assert "homeward reconcile" in listed
