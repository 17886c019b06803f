"""Which troubles somebody is to be told of, and when again. Pure; instants are UTC."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

LOOKS_BEFORE_AN_ALARM: Final = 2
"""In so many looks one after the other a trouble is seen before it is told: one can fall into a restart."""


@dataclass(frozen=True)
class Trouble:
    """Something that is not well: what it is called, in one line, and what helps. Neither is about a child."""

    key: str
    title: str
    helps: str


News = Literal["raised", "still", "over"]


@dataclass(frozen=True)
class Alarm:
    """What is to be told of a trouble, that is there since `since`: that it has come, goes on, or is over."""

    news: News
    trouble: Trouble
    since: datetime


@dataclass
class _Seen:
    trouble: Trouble
    since: datetime
    looks: int = 0
    told_at: datetime | None = None
    over: bool = False


class AlarmBook:
    """Remembers what was seen and told, as long as the process lives.

    Begun anew it tells of everything once more: rather twice than never.
    """

    def __init__(self, again: timedelta) -> None:
        self._again = again
        self._seen: dict[str, _Seen] = {}

    def after(self, troubles: Sequence[Trouble], now: datetime) -> list[Alarm]:
        """What is to be told after a look at `now` (UTC). What was not taken by anybody is to be told again."""
        there = {one.key: one for one in troubles}
        for key, trouble in there.items():
            seen = self._seen.setdefault(key, _Seen(trouble, now))
            seen.trouble, seen.looks, seen.over = trouble, seen.looks + 1, False
        for key in [key for key in self._seen if key not in there]:
            if self._seen[key].told_at is None:
                del self._seen[key]
            else:
                self._seen[key].over = True
        alarms: list[Alarm] = []
        for seen in self._seen.values():
            if news := self._news_of(seen, now):
                alarms.append(Alarm(news, seen.trouble, seen.since))
        return alarms

    def _news_of(self, seen: _Seen, now: datetime) -> News | None:
        if seen.over:
            return "over"
        if seen.told_at is None:
            return "raised" if seen.looks >= LOOKS_BEFORE_AN_ALARM else None
        return "still" if now - seen.told_at >= self._again else None

    def taken(self, alarms: Sequence[Alarm], now: datetime) -> None:
        """Note that somebody was told, at `now` (UTC)."""
        for one in alarms:
            if one.news == "over":
                self._seen.pop(one.trouble.key, None)
            elif seen := self._seen.get(one.trouble.key):
                seen.told_at = now
