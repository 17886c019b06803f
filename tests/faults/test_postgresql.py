"""The whole stack on PostgreSQL, in real time, with real processes: and the database goes away in between."""

import signal
import subprocess
from collections.abc import Generator

import httpx
import pytest

from tests.conftest import fresh_server
from tests.faults.machine import HOMEWARD, Machine, wait_until
from tests.faults.test_crashes import CHILD, ago
from tests.postgres import APPLICATION, PASSWORD, Postgres


@pytest.fixture
def own_postgres() -> Generator[Postgres]:
    """A server of the test's own, with an empty database 'homeward'."""
    with fresh_server() as server:
        server.run("CREATE DATABASE homeward")
        yield server


@pytest.fixture
def on_postgres(machine: Machine, own_postgres: Postgres) -> Machine:
    """A machine whose processes work as the application's user, who is not the owner of the tables."""
    own_postgres.create_role(APPLICATION)
    machine.environment["HOMEWARD_DATABASE_URL"] = own_postgres.url("homeward", APPLICATION)
    machine.environment["HOMEWARD_COMMAND_ROLES"] = "manager,operator,auditor"
    return machine


def refused(machine: Machine, *words: str) -> str:
    """The one line in which a command says that it cannot be done now."""
    done = machine.homeward(*words)
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
    assert PASSWORD not in done.stderr
    return done.stderr


def health(machine: Machine) -> int:
    return httpx.get(f"{machine.service}/health", timeout=30, trust_env=False).status_code


def returns_and_loses_the_database(machine: Machine, postgres: Postgres, episode: str) -> bytes:
    """The return is recorded, and the database is gone before the worker can write the turn; what the command says."""
    worker = machine.processes["worker"]
    worker.send_signal(signal.SIGSTOP)
    saying = subprocess.Popen(
        [HOMEWARD, "record", episode, "returned", "--at", ago(minutes=1)],
        env={**machine.environment, "HOMEWARD_ENGINE_PATIENCE_SECONDS": "60"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    wait_until(lambda: machine.answer("list")["kept_not_applied"] == 1, "what was said is kept")
    postgres.stop()
    worker.send_signal(signal.SIGCONT)
    complaint = saying.communicate(timeout=90)[1]
    assert saying.returncode == 2
    return complaint


@pytest.mark.long
def test_an_episode_lives_through_the_loss_of_its_database(on_postgres: Machine, own_postgres: Postgres) -> None:
    machine, behind = on_postgres, "run 'homeward database upgrade'"
    assert behind in refused(machine, "list")
    assert machine.start("worker", [str(HOMEWARD), "worker"]).wait(60) == 2
    machine.wait_for_line("worker", behind)
    assert "permission denied" in refused(machine, "database", "upgrade")
    owner = {"HOMEWARD_DATABASE_URL": own_postgres.url("homeward")}
    for words in (("upgrade",), ("grant", APPLICATION)):
        done = machine.homeward("database", *words, environment=owner)
        assert done.returncode == 0, done.stderr
    machine.start_engine()
    machine.start_worker()
    machine.start_service()
    episode = machine.report(child=CHILD, reported=ago(hours=3))
    wait_until(lambda: machine.notices(episode, "iro_notice") == ["ask"], "the first notice is sent")
    assert machine.homeward("record", episode, "found", "--at", ago(hours=2)).returncode == 0
    before = machine.answer("show", episode)
    assert health(machine) == 204

    away = returns_and_loses_the_database(machine, own_postgres, episode).decode()
    for said in (away, refused(machine, "list"), refused(machine, "record", episode, "returned")):
        assert said.startswith("homeward: the database cannot be used now: ")
        assert said.count("\n") == 1
    assert health(machine) == 503
    assert all(process.poll() is None for process in machine.processes.values()), "they wait for it to come back"

    own_postgres.start()
    wait_until(lambda: machine.answer("show", episode)["episode"]["status"] == "returned", "the turn is written")
    wait_until(lambda: machine.notices(episode, "rhi_offer") == ["ask"], "its notices are there")
    wait_until(lambda: machine.answer("list")["kept_not_applied"] == 0, "the relay knows that it was applied")
    shown = machine.answer("show", episode)
    assert [fact["kind"] for fact in shown["facts"]].count("returned") == 1
    for part in ("facts", "notices"):
        assert all(one in shown[part] for one in before[part]), part
    keys = [notice["key"] for notice in shown["notices"]]
    assert len(keys) == len(set(keys))
    assert health(machine) == 204
    assert machine.homeward("doctor").returncode == 0
    assert PASSWORD not in (machine.folder / "worker.log").read_text(encoding="utf-8")
