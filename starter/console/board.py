"""The live board: every child who is missing, away or absent now, or to whom something is owed."""

from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.sse import EventSourceResponse

from starter.access import Permission
from starter.api.asking import AskedBy, needs
from starter.api.parts import Parts
from starter.console.asking import console_router
from starter.console.board_filters import AUTHORITIES, DUES, PATH, RISKS, STANDINGS, filters_of
from starter.console.board_stream import BoardStream, board_words, mark_of
from starter.console.board_view import read_board
from starter.console.overviews import Overviews
from starter.console.pages import page
from starter.console.reading import Reader

SECTION = "now"


def router_of(parts: Parts, overviews: Overviews) -> APIRouter:
    """The board, and its changes."""
    router = console_router()
    stream = BoardStream(parts, overviews)

    @router.get(PATH)
    @needs(Permission.READ_EPISODES)
    async def board(asked: AskedBy, request: Request) -> Response:
        """The board as it is now."""
        filters = filters_of(request.query_params)
        async with parts.store.snapshot() as session:
            everything = await overviews.read(session, asked.authority, asked.now)
            shown = await read_board(Reader(session, parts.policies, asked.principal, asked.now), filters, everything)
        asked.saw(*shown.shown())
        words = board_words(shown, filters, asked.principal)
        about: dict[str, Any] = {"board": shown, "filters": filters, "words": words, "mark": mark_of(words)}
        return page(
            asked,
            "board.html.j2",
            SECTION,
            **about,
            standings=STANDINGS,
            dues=DUES,
            risks=RISKS,
            authorities=AUTHORITIES,
        )

    @router.get(f"{PATH}/changes")
    @needs(Permission.READ_EPISODES)
    async def changes(asked: AskedBy, request: Request) -> Response:
        """The board as it changes, for a page that is open."""
        filters = filters_of(request.query_params)
        parts.streams.require_room(asked.principal)
        has = request.headers.get("last-event-id") or request.query_params.get("has", "")
        # What stands between must send each event on as it comes.
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return EventSourceResponse(stream.events(request, asked, filters, has), headers=headers)

    return router
