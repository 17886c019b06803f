"""What is made of one episode for others: the police pack; and who was told what of it."""

import asyncio
from collections.abc import Mapping
from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Path, Response
from fastapi.responses import JSONResponse
from pydantic import Field

from starter.access import Permission
from starter.api.asking import Asked, AskedBy, asked_router, needs
from starter.api.bodies import Answer
from starter.api.parts import Parts
from starter.api.problems import Problem, ProblemError
from starter.api.seeing import seen_episode
from starter.kin_sight import view_for
from starter.police_pack import PolicePack, as_html, as_pdf, gather
from starter.sight import child_is_hidden
from starter.who_knew import Knew, who_knew

JSON: Final = "application/json"
HTML: Final = "text/html"
PDF: Final = "application/pdf"
_FORMS: Final = (JSON, HTML, PDF)

# The page has its styles in itself, and nothing in it may run or be fetched.
_PAGE_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'"

EpisodeId = Annotated[str, Path(max_length=100, description="an episode's id")]
Accept = Annotated[str, Header(description=f"one of {', '.join(_FORMS)}")]


class ToldOfEpisode(Answer):
    """Who knew what of an episode, and when."""

    episode_id: str = Field(description="the episode")
    who_knew: list[Knew] = Field(description="a row for each notice, person and way, in order of time")


def router_of(parts: Parts) -> APIRouter:
    """The routes of police packs, and of who was told."""
    router = asked_router("packs", Problem.NEED_TO_KNOW, Problem.NOT_ACCEPTABLE)
    others: dict[str, Any] = {HTML: {"schema": {"type": "string"}}, PDF: {"schema": {"type": "string"}}}

    @router.get(
        "/episodes/{episode_id}/police-pack",
        operation_id="make_police_pack",
        response_model=PolicePack,
        responses={200: {"description": "The pack, in the form that `Accept` asks for", "content": others}},
    )
    @needs(Permission.MAKE_POLICE_PACK)
    async def police_pack(episode_id: EpisodeId, asked: AskedBy, accept: Accept = JSON) -> Response:
        """Make the police pack: the fourteen items from what is known, every gap in sight."""
        form = form_wanted(accept)
        if form is None:
            raise ProblemError(Problem.NOT_ACCEPTABLE, f"Accept: must allow one of {', '.join(_FORMS)}")
        return await answered_as(form, await pack_seen(parts, asked, episode_id))

    @router.get("/episodes/{episode_id}/told", operation_id="list_who_was_told")
    @needs(Permission.READ_EPISODES)
    async def told(episode_id: EpisodeId, asked: AskedBy) -> ToldOfEpisode:
        """Show who was told what of an episode: when, by which way, whether it arrived, who read and who answered."""
        async with parts.store.snapshot() as session:
            await seen_episode(session, asked, episode_id)
            view = await view_for(session, asked.principal, episode_id, asked.now)
        return ToldOfEpisode(episode_id=episode_id, who_knew=who_knew(view) if view else [])

    return router


async def pack_seen(parts: Parts, asked: Asked, episode_id: str) -> PolicePack:
    """The police pack of an episode whose child the request may see. Raises ProblemError."""
    async with parts.store.snapshot() as session:
        seen = await seen_episode(session, asked, episode_id)
        # It tells of the child's other episodes and records too.
        if seen.child_id and await child_is_hidden(session, asked.principal, seen.child_id, asked.now):
            raise ProblemError(Problem.NEED_TO_KNOW)
        pack = await gather(session, parts.policies, asked.principal, episode_id, asked.now)
    if pack is None:
        raise ProblemError(Problem.NOT_FOUND, "no report of this episode is kept here")
    return pack


def form_wanted(accept: str) -> str | None:
    """The form that an Accept header likes best among ours, JSON when it likes several alike; None for none."""
    liked: dict[str, float] = {}
    for part in accept.split(","):
        media, *parameters = (piece.strip().lower() for piece in part.split(";"))
        weight = next((one[2:] for one in parameters if one.startswith("q=")), "1")
        try:
            liked[media] = float(weight)
        except ValueError:
            return None
    weights: dict[str, float] = {}
    for form in _FORMS:
        ranges = (form, f"{form.partition('/')[0]}/*", "*/*")
        weights[form] = next((liked[one] for one in ranges if one in liked), 0.0)
    best = max(_FORMS, key=lambda form: weights[form])
    return best if weights[best] > 0 else None


async def answered_as(form: str, pack: PolicePack, changes: Mapping[str, str] | None = None) -> Response:
    """A pack in one of its forms: JSON, a page that is whole in itself, or a PDF to be kept.

    `changes` are the links of the page to where what it is made of can be changed.
    """
    if form == JSON:
        return JSONResponse(pack.model_dump(mode="json"))
    if form == HTML:
        return Response(as_html(pack, changes), media_type=HTML, headers={"Content-Security-Policy": _PAGE_POLICY})
    # Setting the type takes a good part of a second: meanwhile others are answered.
    content = await asyncio.to_thread(as_pdf, pack)
    name = f'attachment; filename="police-pack-{pack.episode_id}.pdf"'
    return Response(content, media_type=PDF, headers={"Content-Disposition": name})
