"""What a police pack is made of, read from the store."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from activities.policies import Policies
from activities.store import inbox
from activities.store.child_records import versions
from activities.store.tables import EpisodeTable
from starter.access import Principal
from starter.child_records import show_latest
from starter.kin_sight import view_for
from starter.police_pack.items import PolicePack, pack_of
from starter.reports import Report
from starter.sight import not_whole
from workflows.facts import Known
from workflows.instants import london_day
from workflows.vocabulary import EpisodeStatus


async def gather(
    session: AsyncSession, policies: Policies, principal: Principal, episode_id: str, now: datetime
) -> PolicePack | None:
    """The pack of an episode that a principal may see, at `now` (UTC); None when no report of it is kept here.

    The child's other episodes help out as far as the principal may see them.
    """
    item = await inbox.report_of(session, principal.authority, episode_id)
    if item is None:
        return None
    view = await view_for(session, principal, episode_id, now)
    child_id = item.body["child_id"]
    records = await versions(session, child_id) if child_id else []
    earlier = await _earlier(session, principal, child_id, episode_id, now) if child_id else []
    report = Report.model_validate(item.body["report"])
    facts = view.facts if view else report.facts(item.id, item.received_at)
    return pack_of(
        episode_id=episode_id,
        child_reference=report.child.reference,
        answers=report.answers,
        reported_by=report.reported_by,
        child=report.circumstances(),
        known=Known(facts, now),
        kept=show_latest(records, policies.pack("homeward"), london_day(now)),
        earlier=earlier,
    )


async def _earlier(
    session: AsyncSession, principal: Principal, child_id: str, episode_id: str, now: datetime
) -> list[Known]:
    chosen = select(EpisodeTable.id).where(EpisodeTable.child_id == child_id, EpisodeTable.id != episode_id)
    others = (await session.scalars(chosen)).all()
    hidden = await not_whole(session, principal, others, now)
    views = [await view_for(session, principal, other, now) for other in others if other not in hidden]
    # A mistake was no absence, and one that was merged is told by the record that goes on.
    of_an_absence = [view for view in views if view and EpisodeStatus(view.episode["status"]).of_an_absence]
    return [Known(view.facts, now) for view in of_an_absence]
