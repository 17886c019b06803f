"""The board as it changes, sent to whoever has it open as server-sent events."""

import asyncio
from collections.abc import AsyncGenerator
from hashlib import sha256
from typing import Final

from fastapi import Request
from fastapi.sse import format_sse_event

from activities.store import StoreUnavailableError
from activities.store.board import OpenEpisode
from starter.access import Permission, Principal
from starter.api.asking import Asked
from starter.api.parts import Parts
from starter.api.problems import ProblemError
from starter.audit import Audit, entry_of
from starter.console.board_filters import Filters
from starter.console.board_view import Board, read_board
from starter.console.board_watch import LOOK_SECONDS, Watch, Watches
from starter.console.overviews import Overviews
from starter.console.pages import words_of
from starter.console.reading import Reader
from starter.console.spoken import clock_in_words
from starter.identity.asking import NotSignedInError

WAY: Final = "GET /now/changes"
LOOK_UP_SECONDS: Final = 10.0
"""How often whoever has the board open is asked after: a session that ended, or a role that was lost, ends the stream.

So often, at least, the page hears that nothing changed; without a word it says that it is not updated.
"""

_AT_ONCE: Final = 3
"""As many boards are made at once, so that a change does not take every connection to the database for boards."""

_RETRY_MILLISECONDS: Final = 5000
_AWAY: Final = format_sse_event(event="away", data_str="records")


def board_words(board: Board, filters: Filters, principal: Principal) -> str:
    """The part of the page that changes."""
    return words_of("board_rows.html.j2", {"board": board, "filters": filters, "now": board.now, "who": principal})


def mark_of(words: str) -> str:
    """A fingerprint of the board as it was sent: only who has it can name it."""
    return sha256(words.encode()).hexdigest()[:32]


class BoardStream:
    """Sends boards on as they change."""

    def __init__(self, parts: Parts, overviews: Overviews) -> None:
        self._parts = parts
        self._audit = Audit(parts.store)
        self._watches = Watches(parts, overviews)
        self._turns = asyncio.Semaphore(_AT_ONCE)

    async def events(self, request: Request, asked: Asked, filters: Filters, has: str) -> AsyncGenerator[bytes]:
        """What changes of a board, until the session ends or the service stops. `has`: the mark of what is there.

        The kinds: `board` (its HTML), `same` (nothing changed; the time in London), `away` (the records cannot be
        reached), `ended` (whoever asked may not see it any more).
        """
        try:
            with self._parts.streams.one_more(asked.principal):
                async with self._watches.followed(asked.authority) as watch:
                    async for event in self._follow(watch, request, asked, filters, has):
                        yield event
        except ProblemError:
            yield format_sse_event(event="away", data_str="full", retry=_RETRY_MILLISECONDS)

    async def _follow(
        self, watch: Watch, request: Request, asked: Asked, filters: Filters, has: str
    ) -> AsyncGenerator[bytes]:
        number, everything, shown = 0, None, set[str]()
        while not self._parts.streams.closing:
            if look := await watch.after(number, LOOK_UP_SECONDS):
                number, everything = look.number, look.everything
            try:
                principal = await self._parts.identity.principal(request, in_use=False)
                if not _still_may(principal, asked.principal):
                    break
                if everything is not None and look is not None:
                    board, words = await self._made(principal, filters, everything)
                    if (mark := mark_of(words)) != has:
                        await self._write_down(asked, principal, board, shown)
                        yield format_sse_event(event="board", data_str=words, id=mark, retry=_RETRY_MILLISECONDS)
                    has = mark
                    shown.update(board.shown())
                yield self._same() if everything is not None and watch.looks else _AWAY
            except NotSignedInError:
                break
            except StoreUnavailableError:
                number = 0
                yield _AWAY
                await self._parts.streams.pause(LOOK_SECONDS)
        if not self._parts.streams.closing:
            yield format_sse_event(event="ended", data_str="signed out")

    async def _made(self, principal: Principal, filters: Filters, everything: list[OpenEpisode]) -> tuple[Board, str]:
        async with self._turns:
            now = self._parts.clock()
            async with self._parts.store.snapshot() as session:
                board = await read_board(Reader(session, self._parts.policies, principal, now), filters, everything)
            return board, board_words(board, filters, principal)

    async def _write_down(self, asked: Asked, principal: Principal, board: Board, shown: set[str]) -> None:
        """Write into the audit, before it is sent, what this stream shows for the first time."""
        if new := [id for id in board.shown() if id not in shown]:
            entry = entry_of(
                principal, Permission.READ_EPISODES, WAY, board.now, request=asked.request, subjects=new, why=asked.why
            )
            await self._audit.write(entry)

    def _same(self) -> bytes:
        return format_sse_event(event="same", data_str=clock_in_words(self._parts.clock()))


def _still_may(now: Principal, then: Principal) -> bool:
    same = (now.id, now.authority) == (then.id, then.authority)
    return same and now.may(Permission.READ_EPISODES)
