"""What somebody may see of an episode: all of it, or that it is there, or nothing.

An episode of another authority is not there. Whoever only reports sees what it
reported. Of a child whose whereabouts are need-to-know (O36, S4 section 8) only
those close to it see more than that there is an episode; a case system, which
keeps the child's record, sees all of its authority's. A record that was merged
into another is kept as close as that one.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Final, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict
from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from activities.store import inbox
from activities.store.child_records import goes_on_in
from activities.store.closeness import Asker, children_worked_for, close_to, close_to_child
from activities.store.restricting import waiting_to_be_restricted
from activities.store.statements import batched
from activities.store.tables import EpisodeTable, InboxTable
from starter.access import AccessRole, Principal
from starter.reports import Report

Sight = Literal["whole", "only_that_it_is_there", "nothing"]

_AT_ONCE: Final = 1000
"""As many episodes as are asked about in one statement."""


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
        told = {"child_id": row.child_id, "need_to_know": row.need_to_know, "written": True, "sight": "whole"}
        seen = nothing.model_copy(update=told)
    elif report is not None:
        child = Report.model_validate(report.body["report"]).circumstances()
        told = {"child_id": report.body["child_id"], "need_to_know": child.need_to_know, "sight": "whole"}
        seen = nothing.model_copy(update=told)
    else:
        return nothing
    if not seen.need_to_know and episode_id in await waiting_to_be_restricted(session, principal.authority, now):
        seen = seen.model_copy(update={"need_to_know": True})
    if principal.sees_only_its_own:
        return seen if report is not None and report.said_by == principal.id else nothing
    if row is not None and await _goes_on_hidden(session, principal, [row.id], now):
        return seen.model_copy(update={"need_to_know": True, "sight": "only_that_it_is_there"})
    if seen.need_to_know and not await _needs_to_know(session, principal, seen, now):
        return seen.model_copy(update={"sight": "only_that_it_is_there"})
    return seen


async def _goes_on_hidden(
    session: AsyncSession, principal: Principal, episode_ids: Collection[str], now: datetime
) -> frozenset[str]:
    """Those of these episodes that were merged into one of which a principal may see only that it is there."""
    into = await goes_on_in(session, episode_ids)
    if not into:
        return frozenset()
    hidden = await hidden_among(session, principal, set(into.values()), now)
    # Whoever is close to the one that ended, or broke the glass to see it, may see it all the same.
    far = await hidden_from(session, principal, set(into), now)
    return frozenset(one for one, other in into.items() if other in hidden and one in far)


async def _needs_to_know(session: AsyncSession, principal: Principal, seen: EpisodeSeen, now: datetime) -> bool:
    if not await hidden_from(session, principal, [seen.episode_id], now):
        return True
    # Until its workflow has written an episode only the child itself tells who holds a role for it.
    return seen.child_id is not None and await close_to_child(session, asker_of(principal), seen.child_id, now)


async def hidden_from(
    session: AsyncSession,
    principal: Principal,
    episode_ids: Collection[str],
    now: datetime,
    *,
    by_report: bool = True,
) -> frozenset[str]:
    """Those of an authority's need-to-know episodes of which a principal may see only that they are there.

    `by_report`: whoever reported an episode may see it.
    """
    if AccessRole.CASE_SYSTEM in principal.roles:
        return frozenset()
    close = await close_to(session, asker_of(principal), episode_ids, now, by_report=by_report)
    return frozenset(episode_ids) - close


async def hidden_among(
    session: AsyncSession, principal: Principal, episode_ids: Collection[str], now: datetime
) -> frozenset[str]:
    """Those of an authority's episodes, need-to-know or not, of which a principal may see only that they are there."""
    # Asked for by their ids alone: by the authority too, SQLite would look through all that the authority ever had.
    waiting = await waiting_to_be_restricted(session, principal.authority, now)
    chosen = select(EpisodeTable.id, EpisodeTable.authority).where(_kept_close(waiting & set(episode_ids)))
    rows = (await session.execute(chosen.where(EpisodeTable.id.in_(set(episode_ids))))).all()
    kept_close = [id for id, authority in rows if authority == principal.authority]
    hidden = await hidden_from(session, principal, kept_close, now) if kept_close else frozenset[str]()
    return hidden | await _goes_on_hidden(session, principal, set(episode_ids) - hidden, now)


async def not_whole(
    session: AsyncSession, principal: Principal, episode_ids: Collection[str], now: datetime
) -> frozenset[str]:
    """Those of these episodes, written or only reported, that a principal may not see whole at `now` (UTC).

    An id of which nothing is known here is not among them, unless the principal sees only what it reported.
    """
    ids = sorted(set(episode_ids))
    authority_of: dict[str, str] = {}
    for some in batched(ids):
        chosen = select(EpisodeTable.id, EpisodeTable.authority).where(EpisodeTable.id.in_(some))
        authority_of |= dict((await session.execute(chosen)).all())
    looked_at = ids if principal.sees_only_its_own else [one for one in ids if one not in authority_of]
    seen = [await see_episode(session, principal, one, now) for one in looked_at]
    if principal.sees_only_its_own:
        return frozenset(one.episode_id for one in seen if one.sight != "whole")
    found = {one.episode_id for one in seen if one.sight == "only_that_it_is_there"}
    found |= {id for id, authority in authority_of.items() if authority != principal.authority}
    for some in batched(sorted(authority_of.keys() - found)):
        found |= await hidden_among(session, principal, some, now)
    return frozenset(found)


async def child_hidden_from(session: AsyncSession, principal: Principal, child_id: str, now: datetime) -> str | None:
    """A restricted child's latest episode, when a principal is close to none of those; None when it may see the child.

    What is kept of a child across episodes is as close as the episodes that are
    need-to-know, open or closed, written or only reported. Who holds a role for
    the child may see it. Having reported an episode opens that episode, and not
    the child: otherwise a report would open whatever one likes. `now` is UTC.
    """
    restricting = await waiting_to_be_restricted(session, principal.authority, now)
    chosen = select(EpisodeTable.id).where(EpisodeTable.child_id == child_id, _kept_close(restricting))
    chosen = chosen.where(EpisodeTable.authority == principal.authority)
    written = (await session.scalars(chosen.order_by(EpisodeTable.written_at.desc(), EpisodeTable.id))).all()
    waiting = await _waiting_kept_close(session, principal.authority, restricting, child_id)
    kept_close = [*(one.episode_id for one in waiting), *written]
    if not kept_close or await close_to_child(session, asker_of(principal), child_id, now):
        return None
    hidden = await hidden_from(session, principal, kept_close, now, by_report=False)
    return kept_close[0] if len(hidden) == len(kept_close) else None


async def child_is_hidden(session: AsyncSession, principal: Principal, child_id: str, now: datetime) -> bool:
    """Whether a principal may see no more of its authority's child than that there is one, at `now` (UTC)."""
    return await child_hidden_from(session, principal, child_id, now) is not None


async def restricted_children_hidden_from(session: AsyncSession, principal: Principal, now: datetime) -> frozenset[str]:
    """The children with a need-to-know episode, open or closed, written or only reported, that a principal may not see.

    Having reported an episode opens that episode, and not the child. `now` is UTC.
    """
    restricting = await waiting_to_be_restricted(session, principal.authority, now)
    chosen = select(EpisodeTable.id, EpisodeTable.child_id).where(_kept_close(restricting))
    chosen = chosen.where(EpisodeTable.authority == principal.authority, EpisodeTable.child_id.is_not(None))
    child_of = {episode: child for episode, child in (await session.execute(chosen)).all() if child}
    reported = await _waiting_kept_close(session, principal.authority, restricting)
    child_of |= {one.episode_id: one.child_id for one in reported}
    episodes, hidden = sorted(child_of), set[str]()
    for start in range(0, len(episodes), _AT_ONCE):
        hidden |= await hidden_from(session, principal, episodes[start : start + _AT_ONCE], now, by_report=False)
    mine = await children_worked_for(session, asker_of(principal), now, later=False)
    return frozenset({child_of[one] for one in hidden} - mine)


class _Waiting(NamedTuple):
    """An episode that is only reported, and its child."""

    episode_id: str
    child_id: str


async def _waiting_kept_close(
    session: AsyncSession, authority: str, restricting: Collection[str], child_id: str | None = None
) -> list[_Waiting]:
    """The need-to-know episodes of an authority's children, or of one, that are only reported, the latest first."""
    chosen = select(InboxTable).outerjoin(EpisodeTable, EpisodeTable.id == InboxTable.episode_id)
    chosen = chosen.where(InboxTable.authority == authority, InboxTable.kind == "report", EpisodeTable.id.is_(None))
    if child_id is not None:
        chosen = chosen.where(InboxTable.child_id == child_id)
    return [
        _Waiting(row.episode_id, row.child_id)
        for row in (await session.scalars(chosen.order_by(InboxTable.received_at.desc()))).all()
        if row.child_id and (row.episode_id in restricting or _reported_close(row))
    ]


def _kept_close(restricting: Collection[str]) -> ColumnElement[bool]:
    """Whether a written episode is need-to-know: by its row, or by something that waits."""
    return or_(EpisodeTable.need_to_know, EpisodeTable.id.in_(restricting))


def _reported_close(row: InboxTable) -> bool:
    return Report.model_validate(row.body["report"]).circumstances().need_to_know
