"""What is made of an episode on paper: its chronology, and the police pack."""

import asyncio
from typing import Final
from uuid import UUID

from fastapi import APIRouter, Response

from starter.access import Permission
from starter.api.asking import AskedBy, needs
from starter.api.parts import Parts
from starter.api.v1.packs import HTML, PDF, answered_as, pack_seen
from starter.console.asking import console_router
from starter.console.episode.chronology import as_pdf, chronology_of
from starter.console.episode.keeping import form_of_record
from starter.console.episode.record_words import RECORD_TITLES
from starter.console.episode.shown import episode_page

_IN_PACKS: Final = ("philomena", "photographs")
"""The kinds of record that a police pack is made of."""


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
        pack = await pack_seen(parts, asked, str(episode_id))
        may_keep = pack.child_reference is not None and asked.principal.may(Permission.KEEP_CHILD_RECORDS)
        changes = {form_of_record(f"/episodes/{episode_id}", kind): RECORD_TITLES[kind] for kind in _IN_PACKS}
        return await answered_as(HTML, pack, changes if may_keep else None)

    @router.get("/episodes/{episode_id}/police-pack.pdf")
    @needs(Permission.MAKE_POLICE_PACK)
    async def pack_to_keep(episode_id: UUID, asked: AskedBy) -> Response:
        """The same as a PDF."""
        return await answered_as(PDF, await pack_seen(parts, asked, str(episode_id)))

    return router
