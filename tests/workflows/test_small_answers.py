"""Small answers that others build on: what holds an episode open, since when it stands so, which ages matter."""

import pytest

from tests.workflows.builders import CHILD, clocks_at, fact, pack
from workflows.clocks import ages_reached, holding_open, left_undone
from workflows.fact_kinds import FactKind
from workflows.facts import Child, Fact, Known, same_fact
from workflows.instants import parse_day, parse_instant, to_rfc3339

REPORTED = fact("reported 2026-06-09T20:00:00Z")
RETURNED = fact("returned 2026-06-10T08:00:00Z")
NOW = "2026-06-10T09:00:00Z"


def test_what_is_owed_holds_an_episode_open_unless_it_is_local_practice() -> None:
    clocks = clocks_at(NOW, REPORTED, RETURNED)
    open_ones = {clock.id for clock in holding_open(clocks.values())}
    undone = {clock.id for clock in left_undone(clocks.values())}
    assert {"rhi", "rhi_offer", "prevention_check", "iro_notice"} <= open_ones
    assert {"triggers", "risk_plan_update"} == undone
    assert not open_ones & undone
    assert all(clocks[one].state.owed for one in (*open_ones, *undone))


@pytest.mark.parametrize(
    ("facts", "since"),
    [
        ([], None),
        ([fact("noticed 2026-06-09T18:00:00Z")], "2026-06-09T18:00:00Z"),
        ([fact("noticed 2026-06-09T18:00:00Z"), REPORTED], "2026-06-09T20:00:00Z"),
        ([REPORTED, fact("categorised 2026-06-09T22:00:00Z", category="away")], "2026-06-09T22:00:00Z"),
        ([REPORTED, fact("located 2026-06-10T01:00:00Z")], "2026-06-10T01:00:00Z"),
        (
            [REPORTED, fact("categorised 2026-06-09T22:00:00Z", category="away", view="police")],
            "2026-06-09T20:00:00Z",
        ),
        ([REPORTED, fact("located 2026-06-10T01:00:00Z"), RETURNED], "2026-06-10T08:00:00Z"),
        ([REPORTED, RETURNED, fact("merged 2026-06-10T08:30:00Z", into="x")], "2026-06-10T08:30:00Z"),
    ],
)
def test_since_when_an_episode_stands_as_it_does(facts: list[Fact], since: str | None) -> None:
    found = Known(facts, parse_instant(NOW)).status_since()
    assert (to_rfc3339(found) if found else None) == since


def test_the_ages_that_a_pack_names_are_moments_in_london() -> None:
    assert [to_rfc3339(at) for at in ages_reached(CHILD, pack())] == ["2029-05-13T23:00:00Z"]
    winter = Child(born=parse_day("2010-01-02"))
    assert [to_rfc3339(at) for at in ages_reached(winter, pack())] == ["2028-01-02T00:00:00Z"]
    assert ages_reached(Child(), pack()) == ()
    no_ages = pack().model_copy(update={"childhood_ends_at": None, "clocks": {"rhi": pack().clocks["rhi"]}})
    assert ages_reached(CHILD, no_ages) == ()
    only_a_clock = pack().model_copy(update={"childhood_ends_at": None})
    assert len(ages_reached(CHILD, only_a_clock)) == 1


TOLD = fact("told 2026-06-09T21:00:00Z one", role="iro")


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (TOLD, True),
        (TOLD.model_copy(update={"recorded_by": "somebody else"}), True),
        (TOLD.model_copy(update={"note": "x"}), True),
        (TOLD.model_copy(update={"at": REPORTED.at}), False),
        (TOLD.model_copy(update={"details": {"role": "parent"}}), False),
        (TOLD.model_copy(update={"replaces": "x"}), False),
        (REPORTED.model_copy(update={"at": TOLD.at}), False),
        (TOLD.model_copy(update={"kind": FactKind.NOT_TOLD}), False),
    ],
)
def test_a_repeat_says_the_same_and_a_contradiction_does_not(other: Fact, same: bool) -> None:
    assert same_fact(TOLD, other) is same


@pytest.mark.parametrize(
    ("facts", "since"),
    [
        ([], None),
        ([RETURNED], None),
        ([REPORTED, RETURNED], "2026-06-09T20:00:00Z"),
        ([REPORTED, fact("last_seen 2026-06-09T17:00:00Z")], "2026-06-09T17:00:00Z"),
        ([REPORTED, fact("noticed 2026-06-09T18:00:00Z")], "2026-06-09T18:00:00Z"),
        ([REPORTED, fact("authority_told 2026-06-09T19:00:00Z")], "2026-06-09T19:00:00Z"),
    ],
)
def test_a_child_is_gone_since_the_earliest_that_is_known(facts: list[Fact], since: str | None) -> None:
    found = Known(facts, parse_instant(NOW)).missing_since()
    assert (to_rfc3339(found) if found else None) == since


def test_what_is_told_of_a_child_later_is_so_both_ways() -> None:
    told = fact("described 2026-06-09T21:00:00Z", out_of_area="yes", looked_after="no", setting="hospital")
    child = Known([told], parse_instant(NOW)).child(CHILD)
    assert (child.out_of_area, child.looked_after, child.setting) == (True, False, "hospital")
    assert child.allocated is True


DONE = "return home interview completed"


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (fact("rhi_completed 2026-06-10T21:00:00Z", childs_wish="yes"), f"{DONE} (childs wish)"),
        (fact("rhi_completed 2026-06-10T21:00:00Z", childs_wish="no"), f"{DONE} (not childs wish)"),
        (fact("repeat_reached 2026-06-10T21:00:00Z", rule="repeated"), "repeated absence reached (repeated)"),
    ],
)
def test_a_choice_of_yes_or_no_is_said_by_its_name(said: Fact, words: str) -> None:
    assert said.in_words() == words
