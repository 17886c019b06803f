"""What is made of an episode on paper: its chronology, and the police pack."""

import asyncio
from uuid import UUID

from fastapi import APIRouter, Response

from starter.access import Permission
from starter.api.asking import AskedBy, needs
from starter.api.parts import Parts
from starter.api.v1.packs import HTML, PDF, answered_as, pack_seen
from starter.console.asking import console_router
from starter.console.episode.chronology import as_pdf, chronology_of
from starter.console.episode.shown import episode_page


def router_of(parts: Parts) -> APIRouter:
    """The papers of an episode."""
    router = console_router()

    @router.get("/episodes/{episode_id}/chronology.pdf")
    @needs(Permission.READ_EPISODES)
    async def chronology(episode_id: UUID, asked: AskedBy) -> Response:
        """All that was recorded, owed and told, to be printed and kept."""
        shown = await episode_page(parts, asked, str(episode_id))
        # Setting the type takes a good part of a second: meanwhile others are answered.
        content = await asyncio.to_thread(as_pdf, chronology_of(shown))
        name = f'attachment; filename="chronology-{episode_id}.pdf"'
        return Response(content, media_type=PDF, headers={"Content-Disposition": name})

    @router.get("/episodes/{episode_id}/police-pack")
    @needs(Permission.MAKE_POLICE_PACK)
    async def pack(episode_id: UUID, asked: AskedBy) -> Response:
        """What the police ask, from what is known, as a page to print."""
        return await answered_as(HTML, await pack_seen(parts, asked, str(episode_id)))

    @router.get("/episodes/{episode_id}/police-pack.pdf")
    @needs(Permission.MAKE_POLICE_PACK)
    async def pack_to_keep(episode_id: UUID, asked: AskedBy) -> Response:
        """The same as a PDF."""
        return await answered_as(PDF, await pack_seen(parts, asked, str(episode_id)))

    return router
