"""An episode, whole, as the API gives it. The ids of messages are keys of their pages, and are left out."""

from datetime import datetime

from pydantic import BaseModel, Field

from activities.store.tasks import TaskView
from starter.api.problems import Problem, ProblemError
from starter.episode_shown import Shown
from starter.sight import EpisodeSeen
from starter.who_knew import Knew, PostEvent, who_knew
from workflows.clocks import Clock
from workflows.contracts import TimelineEntry
from workflows.facts import Fact, Segment
from workflows.vocabulary import EpisodeStatus


class PromptNow(BaseModel):
    """What to ask, say or think of now."""

    id: str = Field(description="which prompt it is")
    title: str = Field(description="what it is about")
    items: dict[str, str] = Field(description="each thing to ask, say or think of, by its name")


class KeptFact(BaseModel):
    """Something that was said about the episode and is kept, not yet applied."""

    id: str = Field(description="the id of the report or fact")
    kind: str = Field(description="`report` or `fact`")
    received_at: datetime = Field(description="when it was said")
    reason: str | None = Field(description="why it waits")


class EpisodeWhole(BaseModel):
    """An episode: how it stands, its clocks with their reasons, and all that is known of it. Instants are UTC.

    While the engine has not begun it, `status` is null, `kept_not_applied` says what waits, and NO CLOCK IS RUNNING.
    What would tell of another of the child's episodes that you may not see is left out; where an episode was merged
    into such a one, `into` says `another episode`.
    """

    episode_id: str = Field(description="the episode")
    child_reference: str | None = Field(description="the case system's number for the child")
    need_to_know: bool = Field(description="whether only those close to the child may see it")
    status: EpisodeStatus | None = Field(
        description="where the child is, as the facts say; null while the engine has not begun it: NO CLOCK IS RUNNING"
    )
    policy: str = Field(description="the policy it lives by")
    policy_version: str | None = Field(description="the version of that policy")
    calendar_version: str | None = Field(description="the version of the calendar of working days")
    missing_since: datetime | None = Field(description="since when the child is gone, by whatever is known")
    returned_at: datetime | None = Field(description="when the child came back")
    closed_at: datetime | None = Field(description="when the episode was closed; null while it is open")
    next_wake_at: datetime | None = Field(description="when the engine next does something of itself")
    next_wake_for: str | None = Field(description="what it does then")
    turn: int | None = Field(description="how often the episode was written: greater means later")
    categories: dict[str, list[Segment]] = Field(description="absent, away or missing, in whose view, from when")
    clocks: list[Clock] = Field(description="every clock that applies, with its reasons")
    facts: list[Fact] = Field(description="every fact, corrected ones too, in order of time")
    timeline: list[TimelineEntry | PostEvent] = Field(
        description="what happened and was done, in the order in which it became known"
    )
    who_knew: list[Knew] = Field(description="who was told what, when, by which way, and how that stands")
    tasks: list[TaskView] = Field(description="every task, open or closed")
    prompts: list[PromptNow] = Field(description="what to ask and say now")
    asked_for: list[str] = Field(description="what is not known yet and is asked for")
    kept_not_applied: list[KeptFact] = Field(
        description="what was said, is safe, and waits for the engine: no clock runs by it yet"
    )


def whole(shown: Shown, seen: EpisodeSeen, now: datetime) -> EpisodeWhole:
    """All that there is to show of an episode at `now` (UTC)."""
    report, view = shown.report, shown.view
    if report is None and view is None:
        raise ProblemError(Problem.NOT_FOUND)
    row = view.episode if view else {}
    reported = report.child.reference if report else None
    return EpisodeWhole(
        episode_id=shown.id,
        child_reference=view.child_reference if view else reported,
        need_to_know=seen.need_to_know,
        status=row.get("status"),
        policy=row.get("policy") or (report.policy if report else ""),
        policy_version=row.get("policy_version"),
        calendar_version=row.get("calendar_version"),
        missing_since=row.get("missing_since"),
        returned_at=row.get("returned_at"),
        closed_at=row.get("closed_at"),
        next_wake_at=row.get("next_wake_at"),
        next_wake_for=row.get("next_wake_for"),
        turn=row.get("turn"),
        categories=dict(shown.categories(now)),
        clocks=view.clocks if view else [],
        facts=view.facts if view else [],
        timeline=shown.timeline(),
        who_knew=who_knew(view) if view else [],
        tasks=[TaskView.model_validate(task) for task in view.tasks] if view else [],
        prompts=[PromptNow(id=id, title=one.title, items=dict(one.items)) for id, one in shown.prompts(now)],
        asked_for=shown.asked_for(now),
        kept_not_applied=[
            KeptFact(id=item.id, kind=item.kind, received_at=item.received_at, reason=item.reason)
            for item in shown.waiting
        ],
    )
