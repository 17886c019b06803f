"""What is sent and answered by several routes: words, references, and what became of something that was said."""

from typing import Annotated, Any, Final, Literal

from fastapi import Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from starter.api.problems import PREFIX, Problem, ProblemError
from starter.commands import Outcome

Reference = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]


class Sent(BaseModel):
    """The body of a request: what it may not hold is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Answer(BaseModel):
    """The body of an answer."""

    model_config = ConfigDict(frozen=True, populate_by_name=True)


class Became(Answer):
    """What became of a fact that was said."""

    state: Literal["applied", "kept"] = Field(
        description="`applied`: the episode has it. `kept`: it is safe, and no clock runs by it yet."
    )
    episode_id: str = Field(description="the episode")
    id: str = Field(description="the fact's id; `/v1/said/{id}` says later what became of it")
    again: bool = Field(description="whether it had been said before")
    reason: str | None = Field(description="why it waits, where it does")


KEPT: Final[dict[int | str, dict[str, Any]]] = {
    202: {"description": "Kept, not yet applied: the engine does not answer. `Location` says where to ask later."}
}
"""What a route says of itself that may answer that something was kept."""


def became(outcome: Outcome, response: Response) -> Became:
    """What became of a fact, with the status of the answer: 200, or 202 with where to ask later.

    Raises ProblemError when the episode refuses it.
    """
    if not_refused(outcome) == "kept":
        response.status_code = 202
        response.headers["Location"] = where_to_ask(outcome.id)
    return Became.model_validate(outcome.model_dump(exclude={"recorded"}))


def not_refused(outcome: Outcome) -> Literal["applied", "kept"]:
    """How what was said stands. Raises ProblemError with the reason when the episode refuses it."""
    if outcome.state == "refused":
        raise ProblemError(Problem.REFUSED, outcome.reason)
    return outcome.state


def where_to_ask(fact_id: str) -> str:
    """Where to ask later what became of something that was said."""
    return f"{PREFIX}/said/{fact_id}"
