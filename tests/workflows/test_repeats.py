"""Which repeat rules an episode reaches, given the child's others."""

from datetime import timedelta

import pytest

from tests.workflows.builders import pack
from workflows.instants import parse_instant
from workflows.repeats import EarlierEpisode, repeats_reached
from workflows.vocabulary import EpisodeStatus

GONE = parse_instant("2026-06-09T20:00:00Z")


def before(days: float, status: EpisodeStatus = EpisodeStatus.RETURNED) -> EarlierEpisode:
    return EarlierEpisode(
        episode_id=f"e{days}", status=status, interview_owed=False, missing_since=GONE - timedelta(days=days)
    )


@pytest.mark.parametrize(
    ("earlier", "reached"),
    [
        ([], {}),
        ([before(400)], {"earlier_interviews": "2"}),
        ([before(1), before(2)], {"earlier_interviews": "3", "repeated": "3"}),
        ([before(1), before(90)], {"earlier_interviews": "3", "repeated": "3"}),
        ([before(1), before(90.0001)], {"earlier_interviews": "3"}),
        ([before(0), before(0)], {"earlier_interviews": "3", "repeated": "3"}),
        ([before(-1), before(-2)], {}),
        ([before(1), before(2, EpisodeStatus.RECORDED_IN_ERROR)], {"earlier_interviews": "2"}),
        ([before(1, EpisodeStatus.MERGED)], {}),
        ([before(1, EpisodeStatus.MISSING)], {"earlier_interviews": "2"}),
    ],
)
def test_a_repeat_rule_is_reached(earlier: list[EarlierEpisode], reached: dict[str, str]) -> None:
    facts = list(repeats_reached(pack(), "this", GONE, earlier, GONE + timedelta(hours=3)))
    assert {fact.details["rule"]: fact.details["count"] for fact in facts} == reached
    assert all(fact.at == GONE for fact in facts)


def test_the_same_episode_reaches_a_rule_by_the_same_fact() -> None:
    first = [f.id for f in repeats_reached(pack(), "this", GONE, [before(1)], GONE)]
    again = [f.id for f in repeats_reached(pack(), "this", GONE, [before(1), before(2)], GONE)]
    assert first[0] in again


def test_a_child_whose_absence_began_unknown_counts_nothing() -> None:
    unknown = EarlierEpisode(episode_id="e", status=EpisodeStatus.RETURNED, interview_owed=True)
    assert list(repeats_reached(pack(), "this", GONE, [unknown], GONE)) == []
