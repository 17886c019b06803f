"""Episodes handed to an interview provider, with what tells how the interview stands, and nothing else of them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from pydantic import BaseModel, ConfigDict
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from activities.store.tables import ClockTable, EpisodeTable, FactTable, InboxTable
from workflows.clocks import Clock
from workflows.fact_kinds import FactKind
from workflows.facts import Fact
from workflows.names import INTERVIEW_CLOCK
from workflows.vocabulary import EpisodeStatus

NEEDED: Final = (
    FactKind.REFERRED,
    FactKind.LOCATED,
    FactKind.RETURNED,
    FactKind.DESCRIBED,
    FactKind.RHI_OFFERED,
    FactKind.RHI_ACCEPTED,
    FactKind.RHI_DECLINED,
    FactKind.RHI_STARTED,
    FactKind.RHI_COMPLETED,
    FactKind.RHI_WRITTEN_UP,
    FactKind.WITHDRAWN,
)
_NO_MORE: Final = (EpisodeStatus.RECORDED_IN_ERROR, EpisodeStatus.MERGED, EpisodeStatus.DECEASED)


class ReferredEpisode(BaseModel):
    """An episode for which somebody was asked to hold the interview.

    `facts` are those of the kinds in NEEDED, those the engine has not answered
    for yet among them; `report` is what began it, as it is kept.
    """

    model_config = ConfigDict(frozen=True)
    episode_id: str
    child_id: str | None
    policy: str
    policy_version: str
    facts: tuple[Fact, ...]
    clock: Clock | None
    child: dict[str, object]


async def episodes_handed_over(session: AsyncSession, authority: str, now: datetime) -> list[ReferredEpisode]:
    """An authority's episodes that were handed over to any provider by `now` (UTC), in the order of their ids.

    Those that were recorded in error, merged or ended by a death are not among them.
    """
    mine = (EpisodeTable.authority == authority, EpisodeTable.status.not_in([one.value for one in _NO_MORE]))
    handed = select(FactTable.episode_id).where(FactTable.kind == FactKind.REFERRED.value, FactTable.at <= now)
    chosen = select(EpisodeTable).where(*mine, EpisodeTable.id.in_(handed)).order_by(EpisodeTable.id)
    rows = (await session.scalars(chosen)).all()
    ids = [row.id for row in rows]
    facts = await _facts(session, ids)
    clocks = select(ClockTable).where(ClockTable.episode_id.in_(ids), ClockTable.id == INTERVIEW_CLOCK)
    by_episode = {row.episode_id: Clock.model_validate(row.body) for row in (await session.scalars(clocks)).all()}
    began = select(InboxTable).where(InboxTable.episode_id.in_(ids), InboxTable.kind == "report")
    reports = {row.episode_id: row.body["report"] for row in (await session.scalars(began)).all()}
    return [
        ReferredEpisode(
            episode_id=row.id,
            child_id=row.child_id,
            policy=row.policy,
            policy_version=row.policy_version,
            facts=tuple(facts.get(row.id, ())),
            clock=by_episode.get(row.id),
            child=reports.get(row.id, {}).get("child", {}),
        )
        for row in rows
    ]


async def _facts(session: AsyncSession, ids: Sequence[str]) -> dict[str, list[Fact]]:
    kinds = [kind.value for kind in NEEDED]
    written = select(FactTable).where(FactTable.episode_id.in_(ids), FactTable.kind.in_(kinds))
    found: dict[str, dict[str, Fact]] = {}
    for row in (await session.scalars(written)).all():
        found.setdefault(row.episode_id, {})[row.id] = Fact.model_validate(row.body)
    waiting = select(InboxTable).where(
        InboxTable.episode_id.in_(ids), InboxTable.kind == "fact", InboxTable.state == "kept"
    )
    for item in (await session.scalars(waiting)).all():
        fact = Fact.model_validate(item.body)
        if fact.kind in NEEDED:
            found.setdefault(item.episode_id, {}).setdefault(fact.id, fact)
    return {episode_id: list(facts.values()) for episode_id, facts in found.items()}
