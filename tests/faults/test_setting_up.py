"""The parts run apart: what they need is made once, by whoever may, and found again; then a child's clocks run."""

import asyncio
import os
import signal
import time
from collections.abc import Generator

import psycopg
import pytest

from activities.store.schema import HEAD, REVISIONS
from starter.client import connect
from starter.timetables import described
from tests.conftest import fresh_server
from tests.faults.machine import HOMEWARD, Machine, wait_until
from tests.faults.test_crashes import CHILD, ago
from tests.postgres import APPLICATION, Postgres
from worker import ALIVE_EVERY_SECONDS

NAMESPACE = "invented-town"
DATABASE_MADE = f"made     database: its schema, by the revisions {', '.join(REVISIONS)}"
DATABASE_THERE = f"there    database: its schema is at {HEAD}"
GRANTED = f"made     database: what the role {APPLICATION} may do"
OF_THE_ENGINE = (
    f"engine: namespace '{NAMESPACE}', closed histories kept for 3650 days",
    f"engine: namespace '{NAMESPACE}' works for this database",
    "engine: search attributes HomewardAuthority",
    "engine: schedule digest-local, as the settings say",
    "engine: schedule reconcile-local, as the settings say",
)


@pytest.fixture
def own_postgres() -> Generator[Postgres]:
    with fresh_server() as server:
        server.run("CREATE DATABASE homeward")
        server.create_role(APPLICATION)
        yield server


@pytest.fixture
def apart(machine: Machine, own_postgres: Postgres) -> Machine:
    """A machine whose engine is somebody else's: it has a server, and no namespace of ours."""
    port = machine.environment["HOMEWARD_ENGINE_PORT"]
    machine.environment |= {
        "HOMEWARD_ENGINE_ADDRESS": f"127.0.0.1:{port}",
        "HOMEWARD_ENGINE_NAMESPACE": NAMESPACE,
        "HOMEWARD_DATABASE_URL": own_postgres.url("homeward", APPLICATION),
        "HOMEWARD_COMMAND_ROLES": "manager,operator",
    }
    return machine


def lines(done: str, *of_the_engine: str) -> list[str]:
    return [f"{done:<7}  {line}" for line in of_the_engine]


def test_setup_makes_what_is_not_there_and_the_parts_run(apart: Machine, own_postgres: Postgres) -> None:
    machine, owner = apart, {"HOMEWARD_DATABASE_URL": own_postgres.url("homeward")}

    def sets_up(*words: str) -> tuple[int, list[str], str]:
        done = machine.homeward("setup", *words, environment=owner)
        return done.returncode, done.stdout.splitlines(), done.stderr

    status, said, complaint = sets_up("--dry-run")
    silent = f"homeward: the engine at {machine.settings.engine} does not answer\n"
    assert (status, said[0][:8], complaint) == (2, "to make ", silent)
    machine.start_engine()
    status, said, _ = sets_up("--dry-run", "--grant", APPLICATION)
    assert status == 1
    assert [line[:9] for line in said] == ["to make  "] * 7
    assert sets_up("--grant", APPLICATION) == (2, [], (
        f"homeward: --upgrade: must be given to change the schema, which lacks {', '.join(REVISIONS)}; "
        "of a database that is in use take a backup before\n"
    ))  # fmt: skip
    made = [DATABASE_MADE, GRANTED, *lines("made", *OF_THE_ENGINE)]
    assert sets_up("--upgrade", "--grant", APPLICATION, "--wait", "30") == (0, made, "")
    there = [DATABASE_THERE, GRANTED, *lines("there", *OF_THE_ENGINE)]
    assert sets_up("--upgrade", "--grant", APPLICATION) == (0, there, "")
    assert machine.homeward("setup", "--dry-run").returncode == 0, "whoever works may look"
    assert "--grant: there is no such role" in sets_up("--grant", "nobody")[2]

    alive = machine.folder / "alive"
    machine.environment["HOMEWARD_WORKER_ALIVE_FILE"] = str(alive)
    machine.start("worker", [str(HOMEWARD), "worker"])
    machine.start("service", [str(HOMEWARD), "serve"])
    episode = machine.report(child=CHILD, reported=ago(hours=1))
    wait_until(lambda: machine.notices(episode, "iro_notice") == ["ask"], "the first notice is sent")
    wait_until(lambda: machine.homeward("doctor").returncode == 0, "all is well")
    os.utime(alive, (0, 0))
    wait_until(lambda: alive.stat().st_mtime > 0, "the worker shows that it does not hang", ALIVE_EVERY_SECONDS + 5)
    machine.processes["worker"].send_signal(signal.SIGSTOP)
    os.utime(alive, (0, 0))
    time.sleep(ALIVE_EVERY_SECONDS + 2)
    assert alive.stat().st_mtime == 0, "one that hangs does not"
    as_application = psycopg.connect(own_postgres.url("homeward", APPLICATION))
    with as_application, pytest.raises(psycopg.errors.InsufficientPrivilege):
        as_application.execute("UPDATE audit SET way = 'another'")


@pytest.mark.long
def test_a_schedule_of_other_times_is_made_as_the_settings_say(machine: Machine) -> None:
    machine.environment["HOMEWARD_ENGINE_ADDRESS"] = f"127.0.0.1:{machine.environment['HOMEWARD_ENGINE_PORT']}"
    machine.start_engine()
    assert machine.homeward("setup", "--upgrade").returncode == 0
    often = {"HOMEWARD_RECONCILE_MINUTES": "5", "HOMEWARD_DIGEST_AT": ""}
    said = machine.homeward("setup", environment=often).stdout
    assert "there    engine: namespace 'default'" in said
    assert "made     engine: schedule reconcile-local" in said
    never = {"HOMEWARD_RECONCILE_MINUTES": "0", "HOMEWARD_DIGEST_AT": ""}
    assert machine.homeward("setup", environment=never).returncode == 0

    async def schedules() -> list[object]:
        client = await connect(machine.settings.engine, "default", 5)
        return [await described(client, one) for one in ("digest-local", "reconcile-local")]

    assert asyncio.run(schedules()) == [None, None]


@pytest.mark.long
def test_a_namespace_that_works_for_one_database_is_not_worked_by_another(machine: Machine) -> None:
    machine.environment["HOMEWARD_ENGINE_ADDRESS"] = f"127.0.0.1:{machine.environment['HOMEWARD_ENGINE_PORT']}"
    machine.start_engine()
    assert "works for this database" in machine.homeward("setup", "--upgrade").stdout
    another = {"HOMEWARD_DATABASE_URL": f"sqlite:///{machine.folder / 'another-town.sqlite'}"}
    refused = machine.homeward("setup", "--upgrade", environment=another)
    assert (refused.returncode, "works for another database" in refused.stderr) == (2, True)
    intruder = machine.start_with("intruder", another)
    assert intruder.wait(60) == 2
    machine.wait_for_line("intruder", "HOMEWARD_ENGINE_NAMESPACE: the engine's namespace 'default' works for another")
    claimed = machine.homeward("setup", "--claim-namespace", environment=another)
    assert "made     engine: namespace 'default' works for this database" in claimed.stdout
    machine.start_worker()
    machine.wait_for_line("worker", "worker ready")
