"""What became of something that was said, as an answer."""

from datetime import datetime
from typing import Literal

from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from starter.api.bodies import not_refused, where_to_ask
from starter.commands import Outcome
from workflows.contracts import ClockStanding
from workflows.vocabulary import EpisodeStatus


class Said(BaseModel):
    """What became of a report or fact.

    `applied`: the episode has it. `kept`: it is safe, NO CLOCK RUNS BY IT YET, and it is applied, once, when the engine
    answers; `Location` says where to ask. `again`: it had been said before, and nothing was done twice.
    """

    id: str = Field(description="the id of the report or fact")
    episode_id: str
    state: Literal["applied", "kept"]
    again: bool
    status: EpisodeStatus | None = Field(default=None, description="how the episode stands now, when it has answered")
    clocks: list[ClockStanding] = Field(
        default_factory=list[ClockStanding], description="its clocks now, when it has answered"
    )


class Waiting(BaseModel):
    """Something that was said and is kept: whether it has been applied, and if it was refused, why."""

    id: str
    kind: Literal["report", "fact"]
    episode_id: str
    state: Literal["kept", "applied", "refused"]
    reason: str | None = Field(description="why it was refused, or still waits")
    received_at: datetime
    settled_at: datetime | None


def as_said(outcome: Outcome) -> Said:
    """An outcome as the body of an answer. Raises ProblemError with the reason of a refusal."""
    recorded = outcome.recorded
    return Said(
        id=outcome.id,
        episode_id=outcome.episode_id,
        state=not_refused(outcome),
        again=outcome.again,
        status=recorded.status if recorded else None,
        clocks=list(recorded.clocks) if recorded else [],
    )


def answer_to(
    outcome: Outcome, status: int = 200, location: str | None = None, body: BaseModel | None = None
) -> JSONResponse:
    """An outcome as an answer: 202 while it is kept and not yet applied, with where to ask for it."""
    said = as_said(outcome)
    headers = {"Location": location} if location else {}
    if outcome.state == "kept":
        status, headers = 202, {"Location": where_to_ask(outcome.id)}
    return JSONResponse((body or said).model_dump(mode="json"), status, headers=headers)
