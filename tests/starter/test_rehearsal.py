"""Rehearsals: what the real workflow does agrees with what the plan says, and the answer is JSON and nothing else."""

import json
from pathlib import Path

from starter.scenarios import plan_scenario, read_json, read_scenario
from tests.faults.machine import Machine
from tests.workflows.builders import policies
from workflows.instants import parse_instant

EXAMPLE = Path(__file__).parent.parent.parent / "examples" / "missing-over-easter.json"


def test_a_rehearsal_agrees_with_the_plan(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    done = machine.homeward("rehearse", str(EXAMPLE), "--json")
    assert (done.returncode, done.stderr) == (0, "")
    rehearsed = json.loads(done.stdout)
    planned = plan_scenario(read_scenario(read_json(EXAMPLE)), policies()).model_dump(mode="json")
    assert rehearsed["clocks"] == planned["clocks"]
    times = [parse_instant(event["at"]) for event in rehearsed["events"]]
    assert times == sorted(times)
    told = [(e["clock"], e["rung"], e["role"]) for e in rehearsed["events"] if e["kind"] in ("notice", "escalation")]
    assert ("leadership_alert", "alert", "senior_leader") in told
    assert ("rhi", "escalate", "team_manager") in told
    assert len(told) == len(set(told))


def test_a_rehearsal_reads_as_a_story(tmp_path: Path) -> None:
    done = Machine(tmp_path).homeward("rehearse", str(EXAMPLE))
    assert done.returncode == 0
    assert "A child has been missing for 24 hours" in done.stdout
    assert "escalation" in done.stdout


def test_the_plan_of_the_example_draws(tmp_path: Path) -> None:
    picture = tmp_path / "out.svg"
    done = Machine(tmp_path).homeward("plan", str(EXAMPLE), "--svg", str(picture))
    assert done.returncode == 0
    assert picture.read_text(encoding="utf-8").startswith("<?xml")
    assert "Easter Monday" in done.stdout
