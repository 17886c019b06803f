"""Breaking the glass, over HTTP."""

from datetime import datetime
from typing import Annotated, Final

from fastapi import APIRouter, Path
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncSession

from activities.store import Store
from activities.store.answered import Answered
from starter.access import Permission
from starter.api.asking import Asked, AskedBy, Key, asked_router, needs
from starter.api.once import done_once
from starter.api.problems import PREFIX, Problem, ProblemError
from starter.glass import MOST_CHARACTERS, Glass, GlassAnswer, NoSuchEpisodeError
from workflows.vocabulary import Role

_WAY: Final = f"POST {PREFIX}/episodes/{{episode_id}}/break-glass"


class Reason(BaseModel):
    """Why somebody must see a restricted record."""

    model_config = ConfigDict(extra="forbid")
    reason: str = Field(max_length=2 * MOST_CHARACTERS, description="why, in three words or more")


class GlassBroken(BaseModel):
    """What came of it."""

    broken: bool = Field(description="false when nothing was done: it is not restricted, or you may see it already")
    detail: str = Field(description="what came of it, in words")
    until: datetime | None = Field(description="until when you may see it")
    told_as: Role | None = Field(description="the role under which people were told; null when nobody was there")
    told: int = Field(description="how many people were told")


def router_of(store: Store, glass: Glass) -> APIRouter:
    """The route that breaks the glass."""
    router = asked_router("need to know", Problem.KEY_REUSED)

    @router.post(
        "/episodes/{episode_id}/break-glass",
        operation_id="break_glass",
        status_code=201,
        response_model=GlassBroken,
        responses={200: {"model": GlassBroken, "description": "Nothing was done: you may see it without"}},
    )
    @needs(Permission.BREAK_GLASS)
    async def break_glass(
        episode_id: Annotated[str, Path(description="the episode")], said: Reason, asked: AskedBy, key: Key
    ) -> JSONResponse:
        """Open a restricted episode for a limited time. The reason goes into the audit; the administrator is told."""
        del key
        done = await glass_broken(store, glass, asked, episode_id, said)
        return JSONResponse(done.body, done.status)

    return router


async def glass_broken(store: Store, glass: Glass, asked: Asked, episode_id: str, said: Reason) -> Answered:
    """Break the glass, once under the request's key; what was answered, whose body is a `GlassBroken`.

    Raises ProblemError for an episode that is not there, and BadInputError for a reason that says nothing.
    """
    done: list[GlassAnswer] = []

    async def effect(session: AsyncSession) -> tuple[int, BaseModel]:
        try:
            answer = await glass.broken(
                session, asked.principal, episode_id, said.reason, asked.now, request=asked.request, way=_WAY
            )
        except NoSuchEpisodeError:
            raise ProblemError(Problem.NOT_FOUND) from None
        done.append(answer)
        return (201 if answer.broken else 200), GlassBroken.model_validate(answer.model_dump(exclude={"waiting"}))

    answered = await done_once(store, asked, said, effect, where=f"{_WAY} {episode_id}")
    for answer in done:
        await glass.nudge(asked.authority, answer)
    return answered
