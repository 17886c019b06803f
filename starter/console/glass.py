"""Who opened restricted records all the same, why, and until when they may see them. No child is named."""

from typing import Final

from fastapi import APIRouter, Response

from activities.store.broken_glass import all_broken
from starter.access import Permission
from starter.api.asking import AskedBy, needs
from starter.api.paging import Cursor, cursor_after, instant_in_cursor, page_of, read_cursor
from starter.api.parts import Parts
from starter.console.asking import console_router
from starter.console.audit_filters import AuditFilters
from starter.console.navigation import GLASS
from starter.console.pages import page
from workflows.instants import to_rfc3339

A_PAGE: Final = 50


def router_of(parts: Parts) -> APIRouter:
    """The page of broken glass."""
    router = console_router()

    @router.get(GLASS.path)
    @needs(Permission.READ_BROKEN_GLASS)
    async def index(asked: AskedBy, cursor: Cursor = None) -> Response:
        """Who looked all the same, the latest first."""
        place = read_cursor(cursor, str, str)
        after = (instant_in_cursor(place[0]), str(place[1])) if place else None
        async with parts.store.snapshot() as session:
            found = await all_broken(session, asked.authority, after=after, limit=A_PAGE + 1)
        last = found[:A_PAGE][-1] if found else None
        listed = page_of(found, A_PAGE, cursor_after(to_rfc3339(last.at), last.id) if last else "")
        asked.saw(*(one.episode_id for one in listed.items))
        return page(
            asked,
            "opened_records.html.j2",
            GLASS.id,
            opened=listed.items,
            older=f"{GLASS.path}?cursor={listed.next}" if listed.next else None,
            newest=GLASS.path if cursor else None,
            in_audit={one.episode_id: AuditFilters({"episode": one.episode_id}).path() for one in listed.items}
            if asked.principal.may(Permission.READ_AUDIT)
            else {},
        )

    return router
