"""An episode as people and systems read it: one answer to all that can be asked about it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from heapq import merge
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from activities.policies import Policies
from activities.store import inbox
from activities.store.episodes import EpisodeView
from activities.store.inbox import InboxItem
from starter.access import Principal
from starter.kin_sight import view_for, waiting_for
from starter.later_answers import still_asked_for
from starter.prompts import prompts_now
from starter.reports import Report, line_that_asks
from starter.who_knew import PostEvent, post_events
from workflows.contracts import TimelineEntry
from workflows.facts import Child, Known, Segment
from workflows.policy import Pack, Prompt

VIEWS: Final = ("authority", "police")
"""Whose view of an absence a category is."""


@dataclass(frozen=True)
class Shown:
    """What there is to show of an episode. `waiting` is kept and not yet applied; without a view that is all.

    `item` is the report as it was taken in.
    """

    id: str
    view: EpisodeView | None
    report: Report | None
    item: InboxItem | None
    waiting: list[InboxItem]
    pack: Pack | None

    def known(self, now: datetime) -> Known:
        """What is known of the episode at `now` (UTC)."""
        return Known(self.view.facts if self.view else (), now)

    def nothing_runs(self, now: datetime) -> bool:
        """Whether no clock runs for it at `now` (UTC), and none is about to."""
        return self.view is None and (self.item is None or self.item.lies_still(now))

    @property
    def refused(self) -> str | None:
        """Why the report was refused, so that no clock will ever run by it; None where it was not."""
        return self.item.reason or "" if self.item and self.item.state == "refused" and self.view is None else None

    def prompts(self, now: datetime) -> list[tuple[str, Prompt]]:
        """What to ask and say at `now` (UTC)."""
        if self.view is None or self.pack is None:
            return []
        child = self.report.circumstances() if self.report else Child()
        return list(prompts_now(self.pack, self.view.clocks, self.known(now), child))

    def asked_for(self, now: datetime) -> list[str]:
        """What the report left open and nobody has said since, as known at `now` (UTC): a line for each."""
        if self.report is None:
            return []
        return [line_that_asks(name) for name in still_asked_for(self.report, self.known(now))]

    def categories(self, now: datetime) -> Mapping[str, list[Segment]]:
        """The absence in the authority's and in the police's view, as known at `now` (UTC).

        In a record that goes on in another, or was a mistake, it does not last beyond the record.
        """
        known = self.known(now)
        ended = None if known.status().of_an_absence else known.status_since()
        return {name: [_until(one, ended) for one in known.categories(name)] for name in VIEWS}

    def timeline(self) -> list[TimelineEntry | PostEvent]:
        """The lines of the timeline and what became of messages, in the order in which they became known."""
        if self.view is None:
            return []
        return list(merge(self.view.timeline, post_events(self.view), key=lambda line: line.recorded_at))


def _until(segment: Segment, ended: datetime | None) -> Segment:
    lasts = segment.until is None and ended is not None
    return segment.model_copy(update={"until": max(segment.since, ended)}) if lasts and ended else segment


async def show_episode(
    session: AsyncSession, policies: Policies, principal: Principal, episode_id: str, now: datetime
) -> Shown:
    """What there is to show, at `now` (UTC), of an episode that a principal may see whole.

    What would tell of other episodes that they may not see is left out of it.
    """
    view = await view_for(session, principal, episode_id, now)
    report = await inbox.report_of(session, principal.authority, episode_id)
    return Shown(
        id=episode_id,
        view=view,
        report=Report.model_validate(report.body["report"]) if report else None,
        item=report,
        waiting=await waiting_for(session, principal, await inbox.facts_waiting(session, episode_id), now),
        pack=policies.pack(view.episode["policy"], view.episode["policy_version"]) if view else None,
    )
