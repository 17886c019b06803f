"""Watching an authority's episodes for all who have its board open: one look for all of them, not one for each."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from typing import Final

from activities.store import StoreUnavailableError
from activities.store.board import OpenEpisode
from activities.store.events import feed_of
from activities.store.inbox import count_waiting
from starter.api.parts import Parts
from starter.console.overviews import ANEW_EVERY, Overviews

LOOK_SECONDS: Final = 2.0
"""How often it is looked whether something happened: a board is no older than this, and no busier."""

_ASLEEP_AFTER_SECONDS: Final = 20.0


@dataclass(frozen=True)
class Look:
    """What was seen at the last look that saw something new. `everything` is None where the store did not answer."""

    number: int
    everything: list[OpenEpisode] | None


class Watch:
    """One authority, looked at while somebody has its board open."""

    def __init__(self, parts: Parts, overviews: Overviews, authority: str) -> None:
        self._store = parts.store
        self._overviews = overviews
        self._authority = authority
        self._clock = parts.clock
        self._streams = parts.streams
        self._look = Look(0, None)
        self._new = asyncio.Event()
        self._mark: tuple[int, int] | None = None
        self._read_at: datetime | None = None
        self._looked = 0.0

    @property
    def looks(self) -> bool:
        """Whether it has lately looked, and seen: nobody is to be told that nothing changed by one that sleeps."""
        return monotonic() - self._looked < _ASLEEP_AFTER_SECONDS

    async def after(self, number: int, seconds: float) -> Look | None:
        """The last look, if it came after that number; else the next, or None when none comes in so many seconds."""
        if self._look.number == number and not self._streams.closing:
            try:
                async with asyncio.timeout(seconds):
                    await self._new.wait()
            except TimeoutError:
                return None
        return self._look if self._look.number != number else None

    async def keep_looking(self) -> None:
        """Look again and again, until the service stops."""
        while not self._streams.closing:
            try:
                await self._look_once()
                self._looked = monotonic()
            except StoreUnavailableError:
                self._mark = None
                self._tell(None)
            await self._streams.pause(LOOK_SECONDS)
        self._new.set()

    async def _look_once(self) -> None:
        now = self._clock()
        async with self._store.snapshot() as session:
            feed = await feed_of(session, self._authority)
            mark = (feed.last, await count_waiting(session, self._authority))
            old = self._read_at is None or abs(now - self._read_at) >= ANEW_EVERY
            if mark == self._mark and not old:
                return
            everything = await self._overviews.read(session, self._authority, now)
        self._mark, self._read_at = mark, now
        self._tell(everything)

    def _tell(self, everything: list[OpenEpisode] | None) -> None:
        self._look = Look(self._look.number + 1, everything)
        # Whoever waits goes on; whoever comes later waits for the next.
        self._new.set()
        self._new = asyncio.Event()


class Watches:
    """The watches over a store, one for each authority that somebody follows."""

    def __init__(self, parts: Parts, overviews: Overviews) -> None:
        self._parts = parts
        self._overviews = overviews
        self._watches: dict[str, tuple[Watch, asyncio.Task[None]]] = {}
        self._followers: dict[str, int] = {}

    @asynccontextmanager
    async def followed(self, authority: str) -> AsyncGenerator[Watch]:
        """An authority's watch; the last who follows it ends it."""
        if authority not in self._watches:
            watch = Watch(self._parts, self._overviews, authority)
            self._watches[authority] = watch, asyncio.create_task(watch.keep_looking())
        watch, looking = self._watches[authority]
        self._followers[authority] = self._followers.get(authority, 0) + 1
        try:
            yield watch
        finally:
            self._followers[authority] -= 1
            if not self._followers[authority]:
                del self._followers[authority], self._watches[authority]
                looking.cancel()
                await asyncio.gather(looking, return_exceptions=True)
