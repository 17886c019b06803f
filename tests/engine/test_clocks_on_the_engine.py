"""Every clock on the real engine: the happy path beside the time-out. Hours are counted from the report's noon."""

from collections.abc import Callable
from datetime import datetime

import pytest

from starter.rehearsal import Stage
from tests.engine.plays import NOON, fact, live, rounded, state, told
from workflows.facts import Fact

pytestmark = pytest.mark.asyncio(loop_scope="session")

REPORTED = ("reported", 0)
RETURNED = ("returned", 5)

Notices = list[tuple[str, str, float]]
Play = tuple[list[tuple[str, float]], tuple[str, float, dict[str, str]], float, Notices, Notices]

# clock: what begins it, what ends it in time, hours to wait, notices when it is ended in time, notices when it is not
PLAYS: dict[str, Play] = {
    "leadership_alert": (
        [REPORTED],
        ("located", 23, {}),
        30,
        [("warn", "team_manager", 20)],
        [("warn", "team_manager", 20), ("alert", "senior_leader", 24), ("escalate", "duty_manager", 26)],
    ),
    "strategy_meeting": (
        [REPORTED],
        ("meeting_held", 40, {"meeting": "strategy"}),
        160,
        [("ask", "social_worker", 24)],
        # Thursday noon is the 24-hour point; the third working day after it is Tuesday, to its last second in London.
        [
            ("ask", "social_worker", 24),
            ("warn", "team_manager", 131 - 1 / 3600),
            ("escalate", "service_manager", 155 - 1 / 3600),
        ],
    ),
    "iro_notice": (
        [REPORTED],
        ("told", 3, {"role": "iro"}),
        30,
        [("ask", "social_worker", 0)],
        [("ask", "social_worker", 0), ("warn", "social_worker", 20), ("escalate", "team_manager", 24)],
    ),
    "service_manager_notice": (
        [REPORTED],
        ("told", 3, {"role": "service_manager"}),
        30,
        [("ask", "social_worker", 0)],
        [("ask", "social_worker", 0), ("warn", "team_manager", 20), ("escalate", "service_manager", 24)],
    ),
    "parent_notice": (
        [REPORTED],
        ("not_told", 3, {"role": "parent", "reason": "invented risk", "authorised_by": "a manager"}),
        30,
        [("ask", "social_worker", 0)],
        [("ask", "social_worker", 0), ("warn", "social_worker", 20), ("escalate", "team_manager", 24)],
    ),
    "rhi_offer": (
        [REPORTED, RETURNED],
        ("rhi_offered", 8, {}),
        40,
        [("ask", "social_worker", 5)],
        [("ask", "social_worker", 5), ("warn", "social_worker", 25), ("escalate", "team_manager", 29)],
    ),
    "rhi": (
        [REPORTED, RETURNED],
        ("rhi_completed", 60, {}),
        110,
        [("ask", "interview_provider", 5), ("warn", "interview_provider", 53)],
        [
            ("ask", "interview_provider", 5),
            ("warn", "interview_provider", 53),
            ("escalate", "team_manager", 77),
            ("climb", "service_manager", 101),
        ],
    ),
    "rhi_from_referral": (
        [REPORTED, RETURNED, ("referred", 6)],
        ("rhi_completed", 20, {}),
        90,
        [],
        [("warn", "interview_provider", 54)],
    ),
    "visit": (
        [REPORTED, RETURNED],
        ("visited", 30, {}),
        90,
        [("ask", "social_worker", 5)],
        [("ask", "social_worker", 5), ("warn", "social_worker", 53), ("escalate", "team_manager", 77)],
    ),
    "long_term": (
        [REPORTED],
        ("located", 24 * 28 - 1, {}),
        24 * 28 + 1,
        [("warn", "service_manager", 24 * 25)],
        [("warn", "service_manager", 24 * 25), ("alert", "senior_leader", 24 * 28)],
    ),
}

IN_TIME = {"leadership_alert": "cancelled", "long_term": "cancelled", "parent_notice": "suppressed"}
TIMED_OUT = {"leadership_alert": "fired", "long_term": "fired"}


def _opening(facts: list[tuple[str, float]]) -> list[Fact]:
    return [fact(kind, after) for kind, after in facts]


@pytest.mark.parametrize("clock", PLAYS)
async def test_ended_in_time_nobody_is_bothered_further(stage_at: Callable[[datetime], Stage], clock: str) -> None:
    opening, (kind, after, details), until, calm, _ = PLAYS[clock]
    view = await live(stage_at(NOON), until, *_opening(opening), fact(kind, after, **details))
    assert told(view, clock) == calm
    assert state(view, clock) == IN_TIME.get(clock, "met")


@pytest.mark.parametrize("clock", PLAYS)
async def test_not_ended_the_ladder_is_climbed(stage_at: Callable[[datetime], Stage], clock: str) -> None:
    opening, _, until, _, climbed = PLAYS[clock]
    view = await live(stage_at(NOON), until, *_opening(opening))
    assert rounded(told(view, clock)) == rounded(climbed)
    assert state(view, clock) == TIMED_OUT.get(clock, "overdue")
