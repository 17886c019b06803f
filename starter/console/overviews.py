"""What is open in each authority, kept between two looks: only what the feed tells of is read again."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from activities.store.board import OpenEpisode, open_episodes
from activities.store.events import episodes_told_of, feed_of
from starter.console.board_view import pressing
from starter.console.spoken import SOON

ANEW_EVERY: Final = timedelta(minutes=1)
"""How often all is read anew whatever the feed tells: time passes, and the directory changes without an event."""

MOST_CHANGED: Final = 300
"""When so many episodes have changed, reading them all costs no more."""


@dataclass(frozen=True)
class _Known:
    number: int
    read_at: datetime
    open: dict[str, OpenEpisode]


class Overviews:
    """The open episodes of authorities, as of the session that asks.

    Whatever changes an episode is told in its authority's feed by the same
    transaction, so who has read what it tells has missed nothing. To read five
    thousand again at each look would be most of what the board costs.
    """

    def __init__(self) -> None:
        self._known: dict[str, _Known] = {}

    async def read(self, session: AsyncSession, authority: str, now: datetime) -> list[OpenEpisode]:
        """Every open episode of an authority, the most pressing first, in a transaction that reads as of one moment.

        `now` is UTC. Teams, and what falls due soon, may be a minute old.
        """
        feed = await feed_of(session, authority)
        known = self._known.get(authority)
        if known is None or not feed.dropped <= known.number <= feed.last or abs(now - known.read_at) >= ANEW_EVERY:
            known = await self._anew(session, authority, now, feed.last)
        elif known.number < feed.last:
            known = await self._again(session, authority, now, known, feed.last)
        self._known[authority] = known
        return sorted(known.open.values(), key=lambda one: pressing(one, now))

    async def _anew(self, session: AsyncSession, authority: str, now: datetime, number: int) -> _Known:
        found = await open_episodes(session, authority, now, SOON)
        return _Known(number, now, {one.episode_id: one for one in found})

    async def _again(self, session: AsyncSession, authority: str, now: datetime, known: _Known, number: int) -> _Known:
        changed = await episodes_told_of(session, authority, known.number, number, MOST_CHANGED)
        if len(changed) >= MOST_CHANGED:
            return await self._anew(session, authority, now, number)
        still = {id: one for id, one in known.open.items() if id not in changed}
        found = await open_episodes(session, authority, now, SOON, among=changed)
        return _Known(number, known.read_at, still | {one.episode_id: one for one in found})
