"""What somebody may see of an episode: all of it, or that it is there, or nothing.

An episode of another authority is not there. Whoever only reports sees what it
reported. Of a child whose whereabouts are need-to-know (O36, S4 section 8) only
those close to it see more than that there is an episode; a case system, which
keeps the child's record, sees all of its authority's.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict
from sqlalchemy.ext.asyncio import AsyncSession

from activities.store import inbox
from activities.store.closeness import Asker, close_to
from activities.store.tables import EpisodeTable
from starter.access import AccessRole, Principal
from starter.reports import Report

Sight = Literal["whole", "only_that_it_is_there", "nothing"]


class EpisodeSeen(BaseModel):
    """How much of an episode somebody may see; `written`: its workflow has written it, it does not only wait."""

    model_config = ConfigDict(frozen=True)
    episode_id: str
    sight: Sight
    child_id: str | None = None
    need_to_know: bool = False
    written: bool = False


def asker_of(principal: Principal) -> Asker:
    """A principal as the store knows whoever asks."""
    return Asker(id=principal.id, authority=principal.authority, person=principal.person)


async def see_episode(session: AsyncSession, principal: Principal, episode_id: str, now: datetime) -> EpisodeSeen:
    """How much of an episode a principal may see at `now` (UTC)."""
    nothing = EpisodeSeen(episode_id=episode_id, sight="nothing")
    row = await session.get(EpisodeTable, episode_id)
    report = None
    if row is None or principal.sees_only_its_own:
        report = await inbox.report_of(session, principal.authority, episode_id)
    if row is not None:
        if row.authority != principal.authority:
            return nothing
        seen = nothing.model_copy(
            update={"child_id": row.child_id, "need_to_know": row.need_to_know, "written": True, "sight": "whole"}
        )
    elif report is not None:
        child = Report.model_validate(report.body["report"]).circumstances()
        told = {"child_id": report.body["child_id"], "need_to_know": child.need_to_know, "sight": "whole"}
        seen = nothing.model_copy(update=told)
    else:
        return nothing
    if principal.sees_only_its_own:
        return seen if report is not None and report.said_by == principal.id else nothing
    if seen.need_to_know and not await _needs_to_know(session, principal, episode_id, now):
        return seen.model_copy(update={"sight": "only_that_it_is_there"})
    return seen


async def _needs_to_know(session: AsyncSession, principal: Principal, episode_id: str, now: datetime) -> bool:
    return not await hidden_from(session, principal, [episode_id], now)


async def hidden_from(
    session: AsyncSession, principal: Principal, episode_ids: Collection[str], now: datetime
) -> frozenset[str]:
    """Those of an authority's need-to-know episodes of which a principal may see only that they are there."""
    if AccessRole.CASE_SYSTEM in principal.roles:
        return frozenset()
    return frozenset(episode_ids) - await close_to(session, asker_of(principal), episode_ids, now)
