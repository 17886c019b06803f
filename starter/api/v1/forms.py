"""Forms over HTTP: a children's home's, and a police force's notification."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from starter.access import Permission
from starter.api.asking import KEYED, Asked, AskedBy, asked_router, needs
from starter.api.once import one_request
from starter.api.parts import Parts
from starter.api.problems import FieldMistake, Problem, ProblemError
from starter.api.seeing import seen_episode
from starter.intake.forms.home import HomeForm
from starter.intake.forms.kinds import form_of
from starter.intake.forms.police import PoliceForm
from starter.intake.forms.taking import FormOutcome, FormsIn


class HowTaken(BaseModel):
    """What a person says of a form besides: which episode it is about, or that it is a new one; or to try only."""

    model_config = ConfigDict(extra="forbid")
    episode: UUID | None = Field(default=None, description="which episode it is about, where a person knows")
    new: bool = Field(default=False, description="a person knows that it is about none of those that are like it")
    dry_run: bool = Field(default=False, description="say what would become of it, and keep nothing")


How = Annotated[HowTaken, Query()]


def router_of(parts: Parts) -> APIRouter:
    """The routes of forms."""
    router = asked_router("forms", Problem.NEED_TO_KNOW)
    kept: dict[int | str, dict[str, Any]] = {202: {"model": FormOutcome, "description": "Kept, not yet applied"}}

    async def take_in(kind: str, said: BaseModel, asked: Asked, how: HowTaken) -> JSONResponse:
        about = str(how.episode) if how.episode else None
        if about is not None:
            async with parts.store.snapshot() as session:
                await seen_episode(session, asked, about)
        read = form_of(kind).read(said.model_dump(mode="json", exclude_unset=True))
        forms = FormsIn(parts.store, parts.commands_of(asked), asked.principal)
        async with one_request(parts.store, asked, said, where=f"form {kind} {how.model_dump_json()}"):
            outcome = await forms.take_in(read, asked.now, episode=about, new=how.new, dry_run=how.dry_run)
            if outcome.state == "needs_a_person":
                raise _needs_a_person(asked, outcome)
        shown = await forms.as_far_as_seen(outcome, asked.now)
        asked.saw(shown.episode_id)
        return JSONResponse(shown.model_dump(mode="json"), 202 if outcome.kept else 200)

    @router.post(
        "/forms/home", operation_id="take_home_form_in", response_model=FormOutcome, responses=kept, dependencies=KEYED
    )
    @needs(Permission.REPORT)
    async def home(said: HomeForm, asked: AskedBy, how: How) -> JSONResponse:
        """Take a children's home's form in: it begins an episode, or adds to the one it is about."""
        return await take_in("home", said, asked, how)

    @router.post(
        "/forms/police",
        operation_id="take_police_form_in",
        response_model=FormOutcome,
        responses=kept,
        dependencies=KEYED,
    )
    @needs(Permission.REPORT)
    async def police(said: PoliceForm, asked: AskedBy, how: How) -> JSONResponse:
        """Take a force's notification in: it begins an episode, or adds to the one it is about."""
        return await take_in("police", said, asked, how)

    return router


def _needs_a_person(asked: Asked, outcome: FormOutcome) -> ProblemError:
    """That nothing is recorded, and which episodes it may be about of those that the sender may see."""
    asked.saw(*outcome.candidates)
    mistakes = [FieldMistake(field="episode", detail=one) for one in outcome.candidates]
    said = f"it needs a person: {outcome.why}; nothing is recorded. Send it again with 'episode' or 'new'"
    return ProblemError(Problem.REFUSED, said, mistakes)
