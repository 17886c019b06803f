"""A step that is told again for a later time: what the earlier one told is put right, and the later one stands."""

from collections.abc import Sequence
from datetime import datetime

import pytest

from tests.workflows.builders import CHILD, calendar, fact, pack, turn
from workflows.contracts import EpisodeInput, Rules
from workflows.facts import Fact
from workflows.instants import parse_instant
from workflows.memory import Memory

REPORTED = fact("reported 2026-06-09T20:00:00Z reported-1")
RETURNED = fact("returned 2026-06-10T10:00:00Z returned-1")
REALLY_RETURNED = RETURNED.model_copy(
    update={"id": "returned-2", "at": parse_instant("2026-06-10T10:30:00Z"), "replaces": "returned-1"}
)
"""The interview is to be offered within 24 hours of the return: until 10:30 on the 11th, where it was 10:00."""


class Life:
    """An episode turn by turn, where each (instant) brings some facts.

    `told`: what it tells of the offer of an interview; `again`: whether each turn finds a step climbed again.
    """

    def __init__(self, *turns: tuple[str, Sequence[Fact]], later_climbs_stand: bool = True) -> None:
        first, facts = turns[0]
        start = EpisodeInput(episode_id="e", authority="local", child=CHILD, policy="homeward", facts=tuple(facts))
        self.memory = Memory(start, parse_instant(first))
        self.memory.rules = Rules(pack=pack(), calendar=calendar())
        self.memory.later_climbs_stand = later_climbs_stand
        self.told, self.again = list[str](), list[bool]()
        for instant, more in turns:
            for one in more:
                self.memory.take(one, parse_instant(instant))
            self._turn(parse_instant(instant))

    def _turn(self, now: datetime) -> None:
        due = self.memory.rungs_due(self.memory.plan(now), self.memory.known(now))
        self.again.append(self.memory.climbs_again(due))
        keys = [order.key for order in turn(self.memory, now)]
        self.told += [key.split("/", 2)[2].removesuffix("/team_manager") for key in keys if "/rhi_offer/" in key]


OVERDUE: Sequence[tuple[str, Sequence[Fact]]] = (
    ("2026-06-10T10:05:00Z", (REPORTED, RETURNED)),
    ("2026-06-11T10:00:01Z", ()),
)
CORRECTED = ("2026-06-11T10:40:00Z", (REALLY_RETURNED,))
AN_HOUR_LATER = ("2026-06-11T11:40:00Z", ())


TOO_EARLY = ("2026-06-11T10:20:00Z", (REALLY_RETURNED,))


def test_it_is_told_once_for_the_later_time() -> None:
    life = Life(*OVERDUE, CORRECTED, AN_HOUR_LATER)
    assert life.told[-3:] == ["escalate/1", "escalate/2", "escalate_corrected/1"]
    assert life.again == [False, False, True, False], "from then on the earlier one is corrected"


def test_episodes_that_began_so_are_told_once_more() -> None:
    """As it was before 0.6.0: with the first the second was taken back as well."""
    life = Life(*OVERDUE, CORRECTED, AN_HOUR_LATER, later_climbs_stand=False)
    assert life.told[-3:] == ["escalate/2", "escalate_corrected/1", "escalate/3"]


@pytest.mark.parametrize("later_climbs_stand", [True, False])
def test_one_that_was_wrong_comes_again_when_it_is_right(later_climbs_stand: bool) -> None:
    """The right time is known before it comes: nothing is told until then, and then once, as it always was."""
    life = Life(*OVERDUE, TOO_EARLY, ("2026-06-11T10:30:01Z", ()), AN_HOUR_LATER, later_climbs_stand=later_climbs_stand)
    assert life.told[-3:] == ["escalate/1", "escalate_corrected/1", "escalate/2"]
    assert not any(life.again)
