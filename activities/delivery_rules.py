"""How events are delivered to other systems: every figure, and what an answer means for what comes next. Pure."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from activities.channels.base import Answer, Busy, Refused, Taken

GONE: Final = "http 410"
"""The answer of a receiver that wants nothing more, ever."""

_AWAY: Final = ("no answer", "http 502", "http 503", "http 504")
"""Answers that say nothing of the event: the receiver, or what stands behind its gateway, is not there."""


@dataclass(frozen=True)
class DeliveryRules:
    """The figures.

    `pauses` come after each failed try of an event; after the last try it is
    dead. Each pause is made longer or shorter by up to the share `jitter`, so
    that receivers are not all called at once. After `rest_after` failures in a
    row the receiver is rested, ever longer up to `longest_rest`. While it cannot
    be reached at all, what has not been tried yet is not tried to death; but
    every `tries_anew`th time another event is, in case it is the events. A
    receiver may ask for a pause of `longest_asked` at most. Whoever delivers
    holds a subscription for an attempt and `margin_seconds` more.
    """

    pauses: tuple[timedelta, ...] = (
        timedelta(seconds=5),
        timedelta(seconds=30),
        timedelta(minutes=2),
        timedelta(minutes=10),
        timedelta(minutes=30),
        timedelta(hours=1),
        timedelta(hours=2),
        timedelta(hours=4),
        timedelta(hours=8),
        timedelta(hours=8),
    )
    jitter: float = 0.2
    attempt_seconds: float = 10.0
    margin_seconds: float = 5.0
    rest_after: int = 3
    first_rest: timedelta = timedelta(seconds=5)
    longest_rest: timedelta = timedelta(minutes=1)
    tries_anew: int = 30
    longest_asked: timedelta = timedelta(hours=1)
    secret_overlap: timedelta = timedelta(hours=24)
    poll_seconds: float = 1.0

    @property
    def hold(self) -> timedelta:
        """How long a subscription is held for one attempt: a worker that died is taken over from after that."""
        return timedelta(seconds=self.attempt_seconds + self.margin_seconds)


@dataclass(frozen=True)
class Verdict:
    """What becomes of an event after a try.

    taken. gone: the receiver wants nothing more. again: at `next_at`. dead:
    after the last try. not_yet: the receiver is away, and the event stays
    where it was. `failures` in a row, and until when the receiver is rested;
    instants are UTC.
    """

    what: Literal["taken", "gone", "again", "dead", "not_yet"]
    failures: int
    reason: str | None = None
    next_at: datetime | None = None
    rest_until: datetime | None = None


def judge(
    answer: Answer, tries: int, failures: int, now: datetime, *, rules: DeliveryRules, chance: Callable[[], float]
) -> Verdict:
    """What an answer means for an event that was tried so often before, after so many failures in a row.

    `chance` gives numbers from 0 to 1, for the jitter. `now` is UTC.
    """
    if isinstance(answer, Taken):
        return Verdict("taken", 0)
    if answer == Refused(GONE):
        return Verdict("gone", failures, GONE)
    # A receiver that refuses one event is there, and may take the next.
    counted = failures if isinstance(answer, Refused) else failures + 1
    asked = min(answer.retry_after or timedelta(0), rules.longest_asked) if isinstance(answer, Busy) else timedelta(0)
    rest = max(_rest(counted, rules) * _share(rules, chance), asked)
    rest_until = now + rest if rest else None
    away = failures >= rules.rest_after and (isinstance(answer, Busy) or answer.reason in _AWAY)
    if away and tries == 0 and counted % rules.tries_anew:
        return Verdict("not_yet", counted, answer.reason, rest_until=rest_until)
    if tries >= len(rules.pauses):
        return Verdict("dead", counted, answer.reason, rest_until=rest_until)
    pause = max(rules.pauses[tries] * _share(rules, chance), asked)
    return Verdict("again", counted, answer.reason, now + pause, rest_until)


def _rest(failures: int, rules: DeliveryRules) -> timedelta:
    beyond = failures - rules.rest_after
    if beyond < 0:
        return timedelta(0)
    # Doubled as often as it can matter.
    return min(rules.first_rest * 2 ** min(beyond, 16), rules.longest_rest)


def _share(rules: DeliveryRules, chance: Callable[[], float]) -> float:
    return 1 + rules.jitter * (2 * chance() - 1)
