"""Looking all the same at a record that is kept to those who need to know it, and saying why."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Response

from starter.access import Permission
from starter.api.asking import Asked, AskedBy, needs
from starter.api.parts import Parts
from starter.api.problems import Problem, ProblemError
from starter.api.v1.glass import Reason, glass_broken
from starter.console.asking import PostedBy, console_router, go_to
from starter.console.forms import KEY, Mistakes
from starter.console.pages import page
from starter.glass import MOST_CHARACTERS
from starter.sight import EpisodeSeen, see_episode
from workflows.plain_errors import BadInputError

_PATH = "/episodes/{episode_id}/break-glass"


def router_of(parts: Parts) -> APIRouter:
    """The page of breaking the glass."""
    router = console_router()

    @router.get(_PATH)
    @needs(Permission.BREAK_GLASS)
    async def ask(episode_id: UUID, asked: AskedBy) -> Response:
        """What will happen, and why somebody must look."""
        return _page(parts, asked, await _there(parts, asked, episode_id), Mistakes(), "")

    @router.post(_PATH)
    @needs(Permission.BREAK_GLASS)
    async def look(episode_id: UUID, asked: AskedBy, posted: PostedBy) -> Response:
        """Open it to whoever asks, for a time."""
        seen, wrong, reason = await _there(parts, asked, episode_id), Mistakes(), posted.one("reason")
        if len(reason) > MOST_CHARACTERS:
            wrong.add("reason", f"The reason must have at most {MOST_CHARACTERS} characters")
        else:
            try:
                await glass_broken(parts.store, parts.glass, asked, str(episode_id), Reason(reason=reason))
                return go_to(f"/episodes/{episode_id}?done={posted.one(KEY)}")
            except BadInputError as error:
                wrong.take(error)
        return _page(parts, asked, seen, wrong, reason)

    return router


async def _there(parts: Parts, asked: Asked, episode_id: UUID) -> EpisodeSeen:
    """How much of an episode there is to see. Raises ProblemError when there is none."""
    async with parts.store.snapshot() as session:
        seen = await see_episode(session, asked.principal, str(episode_id), asked.now)
    if seen.sight == "nothing":
        raise ProblemError(Problem.NOT_FOUND)
    return seen


def _page(parts: Parts, asked: Asked, seen: EpisodeSeen, wrong: Mistakes, reason: str) -> Response:
    said: dict[str, Any] = {
        "seen": seen,
        "lasts": parts.glass.lasts,
        "most": MOST_CHARACTERS,
        "reason": reason,
        "mistakes": wrong,
    }
    return page(asked, "episode/break_glass.html.j2", status=422 if wrong else 200, **said)
