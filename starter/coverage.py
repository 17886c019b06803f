"""Where each obligation of the protocol (O01-O54) and each conflict of its sources (B1-B22) has its place."""

from functools import cache
from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from activities.policies import read_yaml

COVERAGE: Final = Path(__file__).parent / "coverage.yaml"
OBLIGATIONS: Final = tuple(f"O{number:02}" for number in range(1, 55))
CONFLICTS: Final = tuple(f"B{number}" for number in range(1, 23))

Way = Literal["clock", "rung", "task", "prompt", "record", "report", "none"]


class Answer(BaseModel):
    """How one obligation or conflict is handled: by what, where, and by which test that is shown.

    `where` names clocks, prompts, facts or modules; `test` is path::name.
    `why` says why nothing handles it, where nothing does.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    id: str = Field(pattern=r"^(O\d\d|B\d\d?)$")
    about: str = Field(min_length=1)
    handled_by: tuple[Way, ...] = Field(min_length=1)
    where: tuple[str, ...] = ()
    test: str | None = None
    why: str | None = None

    @model_validator(mode="after")
    def _no_empty_answer(self) -> "Answer":
        if (self.handled_by == ("none",)) is not bool(self.why):
            raise ValueError("why: goes with handled_by none, and none needs it")
        if not self.why and not (self.where and self.test):
            raise ValueError("where, test: must be given unless nothing handles it")
        return self


@cache
def coverage() -> tuple[Answer, ...]:
    """The answer for each id, in order."""
    return tuple(Answer.model_validate({"id": id, **said}) for id, said in read_yaml(COVERAGE).items())
