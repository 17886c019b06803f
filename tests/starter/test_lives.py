"""Twelve written lives, each lived through on the real engine: what happens is what its file says, and is explained."""

import asyncio
from pathlib import Path

import pytest

from starter.rehearsal import rehearse
from starter.scenarios import plan_scenario, read_json, read_scenario
from tests.starter.lives import LIVES, TOLD, line
from tests.workflows.builders import policies

FILES = sorted(LIVES.glob("*.json"))
WANTED = {
    "home", "foster", "childrens-home", "out-of-area", "placed-with-parents", "unaccompanied", "seventeen",
    "long-term", "repeat", "declined", "corrected", "never-reported",
}  # fmt: skip


def test_the_lives_are_all_there() -> None:
    assert {path.stem for path in FILES} >= WANTED


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_life_goes_as_its_file_says(path: Path) -> None:
    written = read_json(path)
    scenario = read_scenario(written)
    rehearsal = asyncio.run(rehearse(scenario, policies()))
    assert [line(event) for event in rehearsal.events if event.kind in TOLD] == written["expect"]["events"]
    assert rehearsal.clocks == plan_scenario(scenario, policies()).clocks


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_life_is_explained(path: Path) -> None:
    written = read_json(path)
    assert written["story"]
    happened = " ".join(written["expect"]["events"])
    for clock, why in written["expect"]["why"].items():
        assert why
        assert f" {clock} " in happened, f"{clock} is explained and never happens"


def test_nobody_in_a_life_is_told_the_same_twice() -> None:
    for path in FILES:
        told = [one for one in read_json(path)["expect"]["events"] if one.split()[1] in ("notice", "escalation")]
        assert len(told) == len(set(told)), path.name
