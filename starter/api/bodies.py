"""What is sent and answered by several routes: words, references, and what became of something that was said."""

from typing import Annotated, Any, Literal

from fastapi import Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from starter.api.problems import PREFIX, Problem, ProblemError
from starter.applying import Outcome
from workflows.contracts import ClockStanding
from workflows.vocabulary import EpisodeStatus

Reference = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]


class Sent(BaseModel):
    """The body of a request: what it may not hold is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Answer(BaseModel):
    """The body of an answer."""

    model_config = ConfigDict(frozen=True, populate_by_name=True)


class Became(Answer):
    """What became of a report or fact that was said."""

    id: str = Field(description="the id of the report or fact; `/v1/said/{id}` says later what became of it")
    episode_id: str = Field(description="the episode")
    state: Literal["applied", "kept"] = Field(
        description="`applied`: the episode has it. `kept`: it is safe, and NO CLOCK RUNS BY IT YET; it is applied, "
        "once, when the engine answers."
    )
    again: bool = Field(description="whether it had been said before: then nothing was done twice")
    reason: str | None = Field(default=None, description="why it waits, where it does")
    status: EpisodeStatus | None = Field(
        default=None, description="how the episode stands now; null while it has not answered"
    )
    clocks: list[ClockStanding] = Field(
        default_factory=list[ClockStanding], description="its clocks now; none while it has not answered"
    )


def kept_as(model: Any) -> dict[int | str, dict[str, Any]]:
    """What a route says of itself that may answer that something was kept, by a model as its body."""
    said = "Kept, not yet applied: the engine does not answer. `Location` says where to ask later."
    return {202: {"model": model, "description": said}}


def not_refused(outcome: Outcome) -> None:
    """Raise ProblemError with the reason when the episode refuses what was said."""
    if outcome.state == "refused":
        raise ProblemError(Problem.REFUSED, outcome.reason)


def became(outcome: Outcome, response: Response) -> Became:
    """What became of something that was said; the answer gets 202, and where to ask later, while it is only kept.

    Of several that wait, the first is where to ask. Raises ProblemError with
    the reason when the episode refuses it.
    """
    not_refused(outcome)
    if outcome.state == "kept":
        response.status_code = 202
        response.headers.setdefault("Location", where_to_ask(outcome.id))
    recorded = outcome.recorded
    return Became(
        **outcome.model_dump(exclude={"recorded"}),
        status=recorded.status if recorded else None,
        clocks=list(recorded.clocks) if recorded else [],
    )


def where_to_ask(fact_id: str) -> str:
    """Where to ask later what became of something that was said."""
    return f"{PREFIX}/said/{fact_id}"
