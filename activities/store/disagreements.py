"""Disagreements in the store: what was found between rows and workflows, what was done, and when all was last compared.

Each is open from when it is found to when it agrees again; the same one found
again later is a new one. A writer for one authority at a time: a run by the
schedule and one by hand may meet.
"""

from collections.abc import Iterable
from datetime import datetime
from uuid import uuid4

from pydantic import BaseModel, ConfigDict
from sqlalchemy import ColumnElement, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from activities.store.statements import take_turns, upsert
from activities.store.tables import DisagreementTable, ReconciledTable
from workflows.agreement import Disagreement

BY_ITSELF = "it agreed when it was looked at again"


class Found(BaseModel):
    """A disagreement as people read it. Instants are UTC; `mended_at` is None while it is open."""

    model_config = ConfigDict(from_attributes=True, frozen=True)
    id: str
    authority: str
    kind: Disagreement
    subject: str
    found_at: datetime
    last_seen_at: datetime
    mended_at: datetime | None
    how: str | None
    attempts: int


class Reconciled(BaseModel):
    """An authority's last run. Instants are UTC."""

    model_config = ConfigDict(from_attributes=True, frozen=True)
    authority: str
    began_at: datetime
    ended_at: datetime
    checked_to: str
    open_episodes: int
    compared: int
    found: int


async def note_found(session: AsyncSession, authority: str, kind: Disagreement, subject: str, now: datetime) -> str:
    """Note that a disagreement is seen now (UTC); the id of the one that is open, or of a new one."""
    await take_turns(session, "disagreements", [authority])
    about = (DisagreementTable.kind == kind.value, DisagreementTable.subject == subject)
    row = await session.scalar(select(DisagreementTable).where(*_open(authority), *about))
    if row is not None:
        row.last_seen_at = now
        return row.id
    new_id = str(uuid4())
    new = {"id": new_id, "authority": authority, "kind": kind.value, "subject": subject, "attempts": 0}
    await session.execute(insert(DisagreementTable).values(**new, found_at=now, last_seen_at=now))
    return new_id


async def note_tried(session: AsyncSession, found: str, how: str, *, tried: bool) -> None:
    """Write down what was done about an open disagreement of this id; not `tried`: why nothing could be."""
    mine = update(DisagreementTable).where(DisagreementTable.id == found, DisagreementTable.mended_at.is_(None))
    await session.execute(mine.values(how=how, attempts=DisagreementTable.attempts + int(tried)))


async def note_agreed(
    session: AsyncSession,
    authority: str,
    subject: str,
    kinds: Iterable[Disagreement],
    now: datetime,
) -> int:
    """Close what is open of a subject, of these kinds; how many there were. `now` is UTC."""
    await take_turns(session, "disagreements", [authority])
    chosen = select(DisagreementTable).where(
        *_open(authority),
        DisagreementTable.subject == subject,
        DisagreementTable.kind.in_([kind.value for kind in kinds]),
    )
    rows = (await session.scalars(chosen)).all()
    for row in rows:
        row.mended_at = now
        row.how = row.how if row.how and row.attempts else BY_ITSELF
    return len(rows)


def _open(authority: str) -> tuple[ColumnElement[bool], ...]:
    return DisagreementTable.authority == authority, DisagreementTable.mended_at.is_(None)


async def open_disagreements(session: AsyncSession, authority: str) -> list[Found]:
    """What disagrees now, as far as was found; the longest first."""
    chosen = select(DisagreementTable).where(*_open(authority))
    rows = await session.scalars(chosen.order_by(DisagreementTable.found_at, DisagreementTable.id))
    return [Found.model_validate(row) for row in rows.all()]


async def all_disagreements(
    session: AsyncSession,
    authority: str,
    *,
    limit: int | None = None,
    before: str | None = None,
    only_open: bool = False,
) -> list[Found]:
    """What was ever found, or is open, the latest first; what was found before that of an id, when one is given."""
    mine = _open(authority) if only_open else (DisagreementTable.authority == authority,)
    chosen = select(DisagreementTable).where(*mine)
    order = (DisagreementTable.found_at.desc(), DisagreementTable.id.desc())
    last = await session.get(DisagreementTable, before) if before else None
    if last is not None and last.authority == authority:
        same = (DisagreementTable.found_at == last.found_at) & (DisagreementTable.id < last.id)
        chosen = chosen.where((DisagreementTable.found_at < last.found_at) | same)
    return [Found.model_validate(row) for row in (await session.scalars(chosen.order_by(*order).limit(limit))).all()]


async def count_open(session: AsyncSession, authority: str) -> int:
    """How many disagreements are open."""
    chosen = select(func.count()).select_from(DisagreementTable).where(*_open(authority))
    return await session.scalar(chosen) or 0


async def last_run(session: AsyncSession, authority: str) -> Reconciled | None:
    """The last run that ended, or None."""
    row = await session.get(ReconciledTable, authority)
    return Reconciled.model_validate(row) if row else None


async def note_run(session: AsyncSession, run: Reconciled) -> None:
    """Write down that a run has ended."""
    await upsert(session, ReconciledTable, run.model_dump())
