"""What is kept about a child across episodes, by kind and version: nothing is overwritten."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from activities.store.statements import batched, take_turns
from activities.store.tables import ChildRecordTable, ChildTable, EpisodeTable, FactTable
from workflows.fact_kinds import FactKind
from workflows.vocabulary import EpisodeStatus


class ChildRecord(BaseModel):
    """One version of one kind of record. Instants are UTC; `body` is as the kind's own form gives it."""

    model_config = ConfigDict(from_attributes=True)
    child_id: str
    kind: str
    version: int
    recorded_at: datetime
    recorded_by: str
    body: dict[str, Any]


async def child_of(session: AsyncSession, authority: str, reference: str) -> str | None:
    """Homeward's id of the child the authority calls `reference`, or None."""
    known = select(ChildTable.id).where(ChildTable.authority == authority, ChildTable.reference == reference)
    return await session.scalar(known)


async def add_version(session: AsyncSession, record: ChildRecord) -> ChildRecord:
    """Add a record as the next version of its kind, whatever number it came with."""
    await take_turns(session, "child_record", [f"{record.child_id}/{record.kind}"])
    mine = (ChildRecordTable.child_id == record.child_id, ChildRecordTable.kind == record.kind)
    last = await session.scalar(select(func.max(ChildRecordTable.version)).where(*mine)) or 0
    numbered = record.model_copy(update={"version": last + 1})
    session.add(ChildRecordTable(**numbered.model_dump()))
    await session.flush()
    return numbered


async def versions(session: AsyncSession, child_id: str, kind: str | None = None) -> list[ChildRecord]:
    """Every version of one kind, or of all, oldest first within its kind."""
    chosen = select(ChildRecordTable).where(ChildRecordTable.child_id == child_id)
    if kind:
        chosen = chosen.where(ChildRecordTable.kind == kind)
    rows = await session.scalars(chosen.order_by(ChildRecordTable.kind, ChildRecordTable.version))
    return [ChildRecord.model_validate(row) for row in rows.all()]


class EpisodeOfChild(BaseModel):
    """One of a child's episodes, in outline. Instants are UTC."""

    model_config = ConfigDict(from_attributes=True)
    id: str
    status: str
    missing_since: datetime | None
    returned_at: datetime | None
    closed_at: datetime | None

    @property
    def goes_on(self) -> bool:
        """Whether its clocks run: nothing can be taken over into a record that has ended."""
        return self.closed_at is None and not EpisodeStatus(self.status).over


async def goes_on_in(session: AsyncSession, episode_ids: Collection[str]) -> dict[str, str]:
    """Of these episodes those that were merged, and into which each."""
    found: dict[str, str] = {}
    for some in batched(sorted(episode_ids)):
        into = FactTable.body["details", "into"].as_string()
        chosen = select(FactTable.episode_id, into, FactTable.recorded_at)
        chosen = chosen.join(EpisodeTable, EpisodeTable.id == FactTable.episode_id)
        chosen = chosen.where(FactTable.episode_id.in_(some), FactTable.kind == FactKind.MERGED.value)
        merged = chosen.where(EpisodeTable.status == EpisodeStatus.MERGED.value).order_by(FactTable.recorded_at)
        found |= {id: str(other) for id, other, _ in (await session.execute(merged)).all()}
    return found


async def episodes_in_outline(
    session: AsyncSession, authority: str, episode_ids: Collection[str]
) -> dict[str, EpisodeOfChild]:
    """Those of these episodes that an authority has, in outline, by their ids."""
    found: dict[str, EpisodeOfChild] = {}
    for some in batched(sorted(episode_ids)):
        # Asked for by their ids alone: by the authority too, SQLite would look through all that the authority ever had.
        rows = (await session.scalars(select(EpisodeTable).where(EpisodeTable.id.in_(some)))).all()
        found |= {row.id: EpisodeOfChild.model_validate(row) for row in rows if row.authority == authority}
    return found


async def unnumbered_episodes(session: AsyncSession, authority: str, limit: int) -> list[EpisodeOfChild]:
    """An authority's open episodes of children whose number nobody has said, the latest first."""
    chosen = select(EpisodeTable).where(EpisodeTable.authority == authority, EpisodeTable.child_id.is_(None))
    chosen = chosen.where(EpisodeTable.closed_at.is_(None))
    latest = chosen.order_by(EpisodeTable.missing_since.desc().nulls_last(), EpisodeTable.id).limit(limit)
    return [EpisodeOfChild.model_validate(row) for row in (await session.scalars(latest)).all()]


async def episodes_of(session: AsyncSession, authority: str, child_id: str) -> list[EpisodeOfChild]:
    """A child's episodes that have been written, the latest first."""
    mine = select(EpisodeTable).where(EpisodeTable.authority == authority, EpisodeTable.child_id == child_id)
    found = [EpisodeOfChild.model_validate(row) for row in (await session.scalars(mine)).all()]
    known = sorted((one for one in found if one.missing_since), key=lambda one: (one.missing_since, one.id))
    return [*(one for one in found if not one.missing_since), *reversed(known)]
