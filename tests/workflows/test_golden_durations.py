"""Every clock of every shipped pack, pinned.

Replay does not notice a changed duration, so the table is the guard: a change
of a pack must be made there too, by somebody who has read the source.
"""

import re

import pytest

from tests.workflows.builders import pack, policies
from tests.workflows.pinned import PACKS, TABLE, amount, table
from workflows.vocabulary import Role

# The fingerprints under which these versions were first used: an open episode of theirs finds the same rules again.
KEPT_AS_IT_WAS = {
    ("england", "2026.1"): "854f528f244ce9d8",
    ("homeward", "2026.1"): "08ba4e58273aca26",
    ("homeward", "2026.2"): "e533367612be6368",
    ("homeward", "2026.3"): "7b84a954664ddb3f",
    ("practice-guidance", "2026.1"): "3719406ec166dacd",
    ("west-yorkshire", "2026.1"): "91f4c128aee3e470",
}

PINNED = {block.split(":", 1)[0]: block for block in re.split(r"\n(?=\S)", TABLE.read_text(encoding="utf-8").strip())}


@pytest.mark.parametrize("clock", table())
def test_a_clock_is_as_it_is_pinned(clock: str) -> None:
    assert table()[clock].splitlines() == PINNED[clock].splitlines()


def test_nothing_is_pinned_that_is_not_there() -> None:
    assert set(PINNED) == set(table())


@pytest.mark.parametrize("name", PACKS)
def test_what_a_pack_says_as_a_whole_is_pinned(name: str) -> None:
    one = policies().pack(name)
    assert (amount(one.close_after), amount(one.look_again)) == ("28d", "24h")
    assert (one.childhood_ends_at, one.two_people_for, one.calendar) == (18, ("must",), "england")
    assert one.floor == (name == "england")


def test_the_repeat_rules_are_pinned() -> None:
    repeats = {name: (rule.at_least, rule.within_days) for name, rule in pack().repeats.items()}
    assert repeats == {"repeated": (3, 90), "earlier_interviews": (2, None)}


def test_how_silence_is_chased_is_pinned() -> None:
    chase = pack().chase
    assert chase is not None
    assert (chase.unanswered_after_minutes, chase.unanswered_after_return_minutes) == (30, 240)
    assert chase.overdue_again_after_hours == 24
    above = {role: [one.value for one in chase.above(role)] for role in Role}
    assert above[Role.SOCIAL_WORKER] == ["team_manager", "service_manager", "senior_leader"]
    assert above[Role.INTERVIEW_PROVIDER] == ["team_manager", "service_manager", "senior_leader"]
    assert above[Role.DUTY_TEAM] == ["duty_manager", "service_manager", "senior_leader"]
    assert above[Role.POLICE_INSPECTOR] == ["police_leadership", "senior_leader"]
    assert above[Role.SENIOR_LEADER] == []
    # Nothing is asked of the administrator that could climb.
    assert [role for role in Role if not above[role]] == [Role.SENIOR_LEADER, Role.ADMINISTRATOR]
    for name in ("england", "west-yorkshire", "practice-guidance"):
        assert policies().pack(name).chase is None


def test_an_earlier_version_is_kept_as_it_was() -> None:
    kept = {(name, version): digest for kind, name, version, digest in policies().fingerprints() if kind == "policy"}
    assert {one: kept[one] for one in KEPT_AS_IT_WAS} == KEPT_AS_IT_WAS


def test_who_may_interview_is_pinned() -> None:
    assert {who.value: rule.verdict for who, rule in pack().interviewers.items()} == {
        "independent": "allow",
        "trusted_professional": "allow",
        "social_worker": "flag",
        "other_home_staff": "flag",
        "parent": "block",
        "foster_carer": "block",
        "key_worker": "block",
    }


def test_the_pack_of_release_0_1_0_stays_as_it_was() -> None:
    old = policies().pack("homeward", "2026.1")
    assert len(old.clocks) == 10
    assert not old.repeats
    assert old.return_notice is None
