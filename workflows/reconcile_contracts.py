"""What comparing rows with workflows asks of the world: typed stubs with their inputs and results.

As in `contracts`: the stubs carry the names and types, the work is in
`activities` under the same names.
"""

from datetime import timedelta
from typing import Final

from pydantic import BaseModel, ConfigDict
from temporalio import activity

from workflows.agreement import Disagreement
from workflows.instants import Instant


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True)


class ReconcileInput(_Message):
    """Whose rows to compare, and how long to wait before looking a second time, and a third."""

    authority: str
    pause: timedelta = timedelta(seconds=20)


class SurveyAsked(_Message):
    """Look at all of an authority's rows and workflows; of `episode` only, when one is given."""

    authority: str
    episode: str | None = None


class Suspect(_Message):
    """Something that looks apart: an episode (`kind` None: whatever may differ), or something that `kind` is about."""

    subject: str
    kind: Disagreement | None = None


class Surveyed(_Message):
    """What a first look gave.

    `compared` episodes were looked at whole, the last of them `checked_to`, of
    `open_episodes`; `left_over` suspects are for the next run. `calls`: how
    often the engine was asked.
    """

    suspects: tuple[Suspect, ...]
    open_episodes: int = 0
    compared: int = 0
    checked_to: str = ""
    left_over: int = 0
    calls: int = 0


class LookAsked(_Message):
    """Look at suspects again; `mends`: and mend, or report, what is still apart."""

    authority: str
    suspects: tuple[Suspect, ...]
    mends: bool


class Looked(_Message):
    """What another look gave, in numbers.

    found: apart still; tried: something was done about it; agreed: what was
    apart before agrees now; in_flight: too young to tell; unanswered: no worker
    answers for it.
    """

    found: int = 0
    tried: int = 0
    agreed: int = 0
    in_flight: int = 0
    unanswered: int = 0
    calls: int = 0

    def plus(self, other: "Looked") -> "Looked":
        """Both together."""
        return Looked(**{name: getattr(self, name) + getattr(other, name) for name in Looked.model_fields})


class RunDone(_Message):
    """A run in numbers: its first look, its second with what was mended, and its third. `began_at` is UTC."""

    authority: str
    began_at: Instant
    open_episodes: int
    compared: int
    checked_to: str
    left_over: int
    looked: Looked


@activity.defn(name="survey_agreement")
async def survey_agreement(asked: SurveyAsked) -> Surveyed:
    """Look at all rows and workflows in bulk, and at a share of the open episodes whole."""
    raise NotImplementedError


@activity.defn(name="look_at_disagreements")
async def look_at_disagreements(asked: LookAsked) -> Looked:
    """Look at suspects again; write down what is apart, and what agrees again."""
    raise NotImplementedError


@activity.defn(name="note_reconciled")
async def note_reconciled(done: RunDone) -> None:
    """Write down that a run has ended, and say so in one line of the log."""
    raise NotImplementedError


RECONCILE_ACTIVITIES: Final = (survey_agreement, look_at_disagreements, note_reconciled)
