"""An engine that has lost everything, and a worker killed while it compares: in real time, with real processes."""

import time

import pytest

from tests.faults.machine import Machine, wait_until
from tests.faults.test_crashes import CHILD, ago


@pytest.mark.long
def test_episodes_that_the_engine_lost_are_there_again_and_nobody_is_told_twice(machine: Machine) -> None:
    machine.environment["HOMEWARD_RECONCILE_GRACE_SECONDS"] = "0"
    machine.start_engine()
    machine.start_worker()
    episode = machine.report(child=CHILD, reported=ago(hours=30))
    wait_until(lambda: machine.notices(episode, "iro_notice") == ["escalate"], "the notices are sent")
    before = machine.answer("show", episode)
    machine.kill("worker", "engine")
    for file in machine.folder.glob("engine.sqlite*"):
        file.unlink()
    machine.start_engine()
    assert machine.homeward("record", episode, "returned", "--at", ago(hours=1)).returncode == 3
    dry = machine.answer("reconcile", "--dry-run")
    schedules = [("schedule_otherwise", "digest-local"), ("schedule_otherwise", "reconcile-local")]
    assert dry["workers"] == 0
    assert [(one["kind"], one["subject"]) for one in dry["disagreements"]] == [("episode_lost", episode), *schedules]
    assert machine.answer("reconcile", "findings") == []
    alone = machine.homeward("reconcile")
    assert (alone.returncode, "no worker asks for work" in alone.stderr) == (0, True)
    assert "begun again with what its rows remember" in alone.stdout
    for _ in range(3):
        machine.start_worker()
        time.sleep(1)
        machine.kill("worker")
    machine.start_worker()
    wait_until(lambda: machine.answer("list")["kept_not_applied"] == 0, "what was said meanwhile is applied")
    wait_until(lambda: machine.answer("reconcile")["disagreements"] == [], "all agrees")
    after = machine.answer("show", episode)
    assert {one["key"] for one in before["notices"]} <= {one["key"] for one in after["notices"]}
    assert {f["kind"] for f in after["facts"]} == {"reported", "returned"}
    assert machine.notices(episode, "iro_notice") == ["escalate"]
    found = machine.answer("reconcile", "findings", "--all")
    assert sorted((one["kind"], one["subject"]) for one in found) == [("episode_lost", episode), *schedules]
    assert all(one["mended_at"] for one in found)
    assert "0 disagreements between database and engine open, last compared" in machine.homeward("doctor").stdout
