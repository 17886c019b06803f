"""What stands still, as a person at the shell sees it: no engine, no worker, and then all moves."""

import json
from typing import Any

import pytest

from tests.faults.machine import Machine, wait_until
from tests.faults.test_crashes import CHILD, ago


def stuck(machine: Machine) -> tuple[int, dict[str, Any]]:
    done = machine.homeward("stuck", "--json")
    return done.returncode, json.loads(done.stdout)


def kinds(machine: Machine) -> list[str]:
    return list(dict.fromkeys(one["kind"] for one in stuck(machine)[1]["stuck"]))


@pytest.mark.long
def test_the_engine_away_then_no_worker_then_all_moves(machine: Machine) -> None:
    episode = machine.report(child=CHILD, reported=ago(hours=30))
    status, found = stuck(machine)
    assert (status, found["engine_answers"], found["stuck"][0]["kind"]) == (1, False, "engine_silent")
    machine.start_engine()
    assert kinds(machine)[0] == "nobody_works"
    away = machine.homeward("stuck", "do", "put_to_engine", "everything")
    assert (away.returncode, "reason" in away.stderr) == (2, True)
    put = machine.homeward("stuck", "do", "put_to_engine", "everything", "--reason", "the engine is back")
    assert put.stdout == "1 applied, 0 refused, 0 still waiting.\n"
    wait_until(lambda: "about 1 wait" in machine.homeward("stuck").stdout, "what waits is counted by the engine")
    words = machine.homeward("stuck").stdout
    assert "No worker asks for work" in words
    assert str(CHILD["born"]) not in words
    assert '"the engine is back"' in machine.homeward("audit", "list", "--json").stdout
    machine.start_worker()
    wait_until(lambda: kinds(machine) == ["role_unheld"], "all moves but what nobody holds")
    assert [one["subject"] for one in stuck(machine)[1]["stuck"]] == [episode]
    wrong = machine.homeward("stuck", "do", "terminate", episode, "--reason", "invented")
    assert (wrong.returncode, wrong.stderr.startswith("homeward: DEED: must be one of")) == (2, True)
    compared = machine.homeward("episode", "reconcile", episode[:8], "--reason", "invented")
    assert compared.stdout == "Compared: its records and the engine agree.\n"
    nothing = machine.homeward("episode", "resend", episode[:8], "--reason", "invented")
    assert (nothing.returncode, "no such message" in nothing.stderr) == (2, True)
    none = machine.homeward("stuck", "all", "reconcile", "apart", "--dry-run", "--reason", "invented")
    assert (none.returncode, none.stdout.endswith("0 done.\n")) == (0, True)
