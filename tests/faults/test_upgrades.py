"""Versions follow one another while episodes are open, side by side and back again: nothing is lost or told twice."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from activities.health.findings import KINDS, StuckKind
from starter.client import connect
from tests.faults.breakages import look, standing
from tests.faults.machine import Machine, wait_until
from tests.faults.storm import Place, Storm, brought_down
from tests.faults.storm_ledger import drawn_up
from tests.faults.storm_lives import Scale
from tests.faults.test_crashes import CHILD, ago
from tests.faults.upgrades import CHANGE, Rollout, Versions, seen
from workflows.names import SIGNAL_FACT, workflow_id

EPISODES = 22


def test_each_version_runs_beside_the_one_before_and_can_be_taken_back(tmp_path: Path) -> None:
    said: list[str] = []
    rollouts: list[Rollout] = []

    def coursing(place: Place, say: Callable[[str], None]) -> Rollout:
        rollouts.append(Rollout(place, say, EPISODES))
        return rollouts[0]

    storm = Storm(seed=13, scale=Scale(EPISODES, reach=12, commands=0.0), spread=0, lasts=0, database="postgresql")
    ledger = drawn_up(brought_down(storm, tmp_path, said.append, coursing))
    assert ledger.well, "\n".join((*said, *ledger.lines()))
    histories = rollouts[0].histories
    assert len(histories) == EPISODES
    assert [one for one in histories if one.failed] == []
    assert {one.changed for one in histories} == {True, False}


def taken(machine: Machine, *episodes: str) -> bool:
    """Whether these episodes have taken the change."""
    changed = {one.workflow for one in asyncio.run(seen(machine)) if one.changed}
    return changed >= {workflow_id(one) for one in episodes}


def facts(machine: Machine, episode: str) -> list[str]:
    return sorted(fact["kind"] for fact in machine.answer("show", episode)["facts"])


def told(machine: Machine, episode: str) -> list[str]:
    return sorted(notice["key"] for notice in machine.answer("show", episode)["notices"])


async def _signal(machine: Machine, episode: str, kind: str, at: str) -> None:
    client = await connect(machine.settings.engine, machine.settings.engine_namespace, 10)
    await client.get_workflow_handle(workflow_id(episode)).signal(SIGNAL_FACT, {"kind": kind, "at": at})


@pytest.mark.long
def test_going_back_too_far_is_named_and_two_ways_lead_out(machine: Machine) -> None:
    """Workers meet a change that they do not know: nothing is lost, the version comes again, or the rows are enough."""
    versions = Versions.of(machine.folder)
    machine.start_engine()
    versions.begins.start_worker(machine)
    forth, back, other = (machine.report(child=CHILD, reported=ago(hours=3)) for _ in range(3))
    for one in (forth, back):
        assert machine.homeward("record", one, "returned", "--at", ago(hours=2)).returncode == 0
        wait_until(lambda one=one: machine.notices(one, "rhi_offer") == ["ask"], "the interview is asked for")
    assert machine.homeward("record", forth, "searched", "--also", back, "--at", ago(hours=1)).returncode == 0
    wait_until(lambda: taken(machine, forth, back), "both have taken the change")
    before = {one: told(machine, one) for one in (forth, back)}

    machine.end(versions.begins.name)
    versions.before.start_worker(machine)
    for one in (forth, back):
        assert machine.homeward("record", one, "rhi_offered", "--at", ago(minutes=1)).returncode == 3, "it is kept"
    assert machine.homeward("record", other, "returned", "--at", ago(hours=1)).returncode == 0, "others go on"
    unknown = {(StuckKind.CHANGE_UNKNOWN, one) for one in (forth, back)}
    wait_until(lambda: unknown <= standing(machine), "both are named", pause_seconds=1)
    said = look(machine)
    assert {one["subject"] for one in said.of(StuckKind.CHANGE_UNKNOWN)} == {forth, back}
    assert KINDS[StuckKind.CHANGE_UNKNOWN].helps in said.words
    assert f"the change is called {CHANGE}" in said.words

    asyncio.run(_signal(machine, back, "searched", ago(minutes=30)))
    done = machine.homeward("episode", "reset", back, "--reason", "that version cannot run here")
    assert "Begun again with what its rows remember. Facts that systems had signalled" in done.stdout
    wait_until(lambda: facts(machine, back).count("searched") == 2, "what another system signalled is applied")
    wait_until(lambda: "rhi_offered" in facts(machine, back), "what was said meanwhile is applied")

    machine.end(versions.before.name)
    versions.begins.start_worker(machine)
    wait_until(lambda: "rhi_offered" in facts(machine, forth), "it goes on where it was")
    wait_until(lambda: not {kind for kind, _ in standing(machine)} - {StuckKind.ROLE_UNHELD}, "all moves")
    for one in (forth, back):
        signalled = ["searched"] if one == back else []
        assert facts(machine, one) == ["reported", "returned", "rhi_offered", "searched", *signalled]
        assert told(machine, one) == before[one], "nobody is told twice"
    assert machine.answer("reconcile")["disagreements"] == []
