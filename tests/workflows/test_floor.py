"""The floor: what a pack that extends it may and may not say, each refusal naming file, clock and field."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from activities.policies import BadPackError, read_pack
from tests.workflows.builders import policies

HEAD: dict[str, Any] = {
    "policy": "my-town",
    "version": "2026.1",
    "title": "A town that is invented",
    "extends": ["homeward"],
    "effective_from": "2026-04-01",
}
ASK_SOONER = [{"rung": "up", "at": {"of": "due", "hours": -1}, "role": "iro", "channel": "tray", "needs_ack": True,
               "escalates": True, "says": "invented"}]  # fmt: skip
RUNG_LATER = [{**ASK_SOONER[0], "at": {"of": "due", "hours": 1}}]


def write(folder: Path, **changes: Any) -> Path:
    file = folder / "my-town.yaml"
    file.write_text(yaml.safe_dump(HEAD | changes), encoding="utf-8")
    return file


def clock(name: str, **fields: Any) -> dict[str, Any]:
    return {"clocks": {name: fields}}


LOOSER: dict[str, tuple[dict[str, Any], str]] = {
    "longer": (clock("rhi", due={"elapsed_hours": 73}), "clock rhi: due: is longer than in england"),
    "in working days": (clock("rhi", due={"working_days": 3, "cutoff": "23:59:59"}), "clock rhi: due"),
    "later start": (clock("rhi", start={"first_known_of": ["referred"]}), "clock rhi: start"),
    "later start for some": (
        clock("rhi", start_when=[{"when": {"out_of_area": True}, "start": {"first_known_of": ["referred"]}}]),
        "clock rhi: start",
    ),
    "fewer children": (clock("rhi", applies={"allocated": True}), "clock rhi: applies"),
    "weaker": (clock("rhi", strength="where_possible"), "clock rhi: strength"),
    "met by less": (clock("rhi", met_by=["rhi_completed", "rhi_started"]), "clock rhi: met_by"),
    "met by a fact that says less": (
        clock("prevention_check", met_by=["prevention_check"]),
        "clock prevention_check: met_by",
    ),
    "lifted by more": (
        clock("rhi", waived_by=[{"fact": "rhi_delayed", "as": "not_needed"}]),
        "clock rhi: waived_by",
    ),
    "a step upward later": (clock("rhi", ladder=RUNG_LATER), "clock rhi: ladder"),
    "no step upward": (clock("rhi", ladder=[]), "clock rhi: ladder"),
    "left out": ({"without": {"clocks": ["prevention_check"]}}, "clock prevention_check: is left out"),
    "childhood shorter": ({"childhood_ends_at": 17}, "childhood_ends_at"),
    "one person alone": ({"two_people_for": []}, "two_people_for"),
}  # fmt: skip

STRICTER: dict[str, dict[str, Any]] = {
    "nothing of its own": {},
    "shorter": clock("rhi", due={"elapsed_hours": 48}),
    "earlier start": clock("rhi", start={"earliest_of": ["located", "returned"]}),
    "a step upward sooner": clock(
        "rhi", ladder=[*ASK_SOONER, {**ASK_SOONER[0], "rung": "later", "at": {"of": "due", "hours": 24}}]
    ),
    "local practice left out": {"without": {"clocks": ["school_notice"]}},
    "another clock": clock("school_notice", due={"elapsed_hours": 2}),
}


@pytest.mark.parametrize("case", LOOSER)
def test_a_pack_that_loosens_the_floor_is_refused(case: str, tmp_path: Path) -> None:
    changes, line = LOOSER[case]
    with pytest.raises(BadPackError) as refused:
        read_pack(write(tmp_path, **changes))
    assert str(refused.value).startswith(f"my-town.yaml: {line}")
    assert "england" in str(refused.value)


@pytest.mark.parametrize("case", STRICTER)
def test_a_pack_that_asks_for_more_is_taken(case: str, tmp_path: Path) -> None:
    assert read_pack(write(tmp_path, **STRICTER[case])).policy == "my-town"


MISLAID: dict[str, tuple[dict[str, Any], str]] = {
    "extends nothing there is": ({"extends": ["nowhere"]}, "extends: there is no policy 'nowhere'"),
    "extends itself": ({"extends": ["my-town"]}, "extends: 'my-town' extends itself"),
    "extends no list": ({"extends": "homeward"}, "extends: must be a list"),
    "takes out what is not there": ({"without": {"clocks": ["tea"]}}, "without.clocks: there is no 'tea'"),
    "a prompt beside no clock": (
        {"prompts": {"media": {"beside": ["tea"]}}},
        "prompts.media.beside: 'tea' is not a clock of this pack",
    ),
    "a clock that waits for itself": (
        clock("leadership_alert", start={"fired": "leadership_alert"}),
        "clock leadership_alert: start.fired: the clocks wait for one another in a circle",
    ),
    "a detail the fact has not": (clock("rhi", met_by=[{"fact": "rhi_completed", "colour": "x"}]), "clock rhi: met_by"),
    "an unknown choice": (clock("rhi", met_by=[{"fact": "rhi_completed", "alone": "maybe"}]), "clock rhi: met_by"),
    "owed at once": (clock("visit", due={"at_once": True}), "clock visit: due"),
    "a review without an end": (clock("visit", kind="review"), "clock visit: ended_by"),
    "nobody hears of it": (clock("rhi_initiate", task=None, ladder=[]), "clock rhi_initiate: ladder"),
}


@pytest.mark.parametrize("case", MISLAID)
def test_a_pack_that_cannot_be_laid_is_refused(case: str, tmp_path: Path) -> None:
    changes, line = MISLAID[case]
    with pytest.raises(BadPackError) as refused:
        read_pack(write(tmp_path, **changes))
    assert line in str(refused.value)
    assert "\n" not in str(refused.value)


def test_layers_merge_field_by_field(tmp_path: Path) -> None:
    pack = read_pack(write(tmp_path, **clock("school_notice", due={"elapsed_hours": 2})))
    assert pack.clocks["school_notice"].due.elapsed_hours == 2
    assert pack.clocks["school_notice"].title == "School told"
    assert len(pack.clocks) == len(read_pack(write(tmp_path)).clocks)


def test_what_one_layer_changes_is_not_undone_by_another_beside_it() -> None:
    """Both packs below the default extend the floor: the default has the changes of both."""
    rhi, offer = policies().pack("homeward").clocks["rhi"], policies().pack("homeward").clocks["rhi_offer"]
    assert "O05" in rhi.obligations
    assert rhi.start_when
    assert offer.due.elapsed_hours == 24
