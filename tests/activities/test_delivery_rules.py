"""What a receiver's answer means for what comes next, and the figures: about a day of tries, growing pauses."""

from datetime import timedelta
from itertools import pairwise

import pytest

from activities.channels.base import Answer, Busy, Refused, Taken, Unknown
from activities.delivery_rules import GONE, DeliveryRules, Verdict, judge
from tests.store.rows import AT

RULES = DeliveryRules()
LAST = len(RULES.pauses)
BUSY, SECOND = Busy("cannot connect"), timedelta(seconds=1)


def even() -> float:
    return 0.5


@pytest.mark.parametrize(
    ("answer", "tries", "failures", "what", "then"),
    [
        (Taken(delivered=True), 3, 9, "taken", 0),
        (Refused(GONE), 0, 2, "gone", 2),
        (Refused("http 404"), 0, 0, "again", 0),
        (Refused("http 302"), 4, 2, "again", 2),
        (Refused("http 404"), 0, 50, "again", 50),
        (Refused("http 404"), LAST, 0, "dead", 0),
        (Unknown("http 500"), 0, 0, "again", 1),
        (Unknown("no answer"), LAST - 1, 1, "again", 2),
        (Unknown("no answer"), LAST, 1, "dead", 2),
        (BUSY, 0, 2, "again", 3),
        (BUSY, 0, 3, "not_yet", 4),
        (BUSY, 1, 3, "again", 4),
        (BUSY, LAST, 3, "dead", 4),
        (Unknown("no answer"), 0, 3, "not_yet", 4),
        (Unknown("http 503"), 0, 3, "not_yet", 4),
        (Unknown("http 500"), 0, 3, "again", 4),
        (BUSY, 0, 29, "again", 30),
        (BUSY, 0, 30, "not_yet", 31),
    ],
)
def test_what_an_answer_means(answer: Answer, tries: int, failures: int, what: str, then: int) -> None:
    verdict = judge(answer, tries, failures, AT, rules=RULES, chance=even)
    assert (verdict.what, verdict.failures) == (what, then)
    assert (verdict.next_at is not None) == (what == "again")
    assert (verdict.reason is None) == (what == "taken")


def test_an_event_is_tried_over_about_a_day_with_growing_pauses() -> None:
    assert timedelta(hours=22) < sum(RULES.pauses, timedelta(0)) < timedelta(hours=26)
    assert all(one <= two for one, two in pairwise(RULES.pauses))
    for tries, pause in enumerate(RULES.pauses):
        assert judge(BUSY, tries, 0, AT, rules=RULES, chance=even).next_at == AT + pause


@pytest.mark.parametrize(("chance", "share"), [(0.0, 0.8), (0.5, 1.0), (1.0, 1.2)])
def test_pauses_are_made_longer_and_shorter(chance: float, share: float) -> None:
    verdict = judge(BUSY, 3, 5, AT, rules=RULES, chance=lambda: chance)
    assert verdict.next_at == AT + RULES.pauses[3] * share
    assert verdict.rest_until == AT + timedelta(seconds=40) * share


@pytest.mark.parametrize(
    ("failures", "seconds"), [(0, None), (1, None), (2, 5), (3, 10), (4, 20), (5, 40), (6, 60), (500, 60)]
)
def test_a_receiver_that_is_away_is_rested_for_longer_and_longer(failures: int, seconds: int | None) -> None:
    rest = judge(BUSY, 1, failures, AT, rules=RULES, chance=even).rest_until
    assert rest == (None if seconds is None else AT + seconds * SECOND)


@pytest.mark.parametrize(("asked", "given"), [(2, 5), (100, 100), (3600, 3600), (7200, 3600)])
def test_a_receiver_may_ask_for_a_pause_within_reason(asked: int, given: int) -> None:
    verdict = judge(Busy("http 429", asked * SECOND), 0, 0, AT, rules=RULES, chance=even)
    rest = AT + min(asked, 3600) * SECOND
    assert verdict == Verdict("again", 1, "http 429", AT + given * SECOND, rest)
