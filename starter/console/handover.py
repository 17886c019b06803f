"""Handover: what the next shift needs to know, on one page to print."""

from typing import Final

from fastapi import APIRouter, Request, Response

from starter.access import Permission
from starter.api.asking import AskedBy, needs
from starter.api.parts import Parts
from starter.console.asking import console_router
from starter.console.handover_view import read_handover
from starter.console.overviews import Overviews
from starter.console.pages import page
from starter.console.reading import Reader
from workflows.plain_errors import BadInputError

SECTION = "handover"
PATH = "/handover"

SHIFTS: Final = (4, 8, 12, 24)
"""How long a shift may be said to be, in hours."""

USUAL_SHIFT: Final = 12


def router_of(parts: Parts, overviews: Overviews) -> APIRouter:
    """The page of the handover."""
    router = console_router()

    @router.get(PATH)
    @needs(Permission.READ_EPISODES)
    async def handover(asked: AskedBy, request: Request) -> Response:
        """What the next shift needs to know."""
        hours = _hours(request.query_params.get("hours", ""))
        async with parts.store.snapshot() as session:
            everything = await overviews.read(session, asked.authority, asked.now)
            shown = await read_handover(Reader(session, parts.policies, asked.principal, asked.now), hours, everything)
        asked.saw(*shown.shown())
        return page(asked, "handover.html.j2", SECTION, handover=shown, hours=hours, shifts=SHIFTS)

    return router


def _hours(said: str) -> int:
    """How many hours the next shift lasts. Raises BadInputError."""
    if not said:
        return USUAL_SHIFT
    if said not in {str(one) for one in SHIFTS}:
        raise BadInputError(f"hours: must be one of {', '.join(str(one) for one in SHIFTS)}")
    return int(said)
