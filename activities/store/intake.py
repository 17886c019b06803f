"""Files that are taken in: each run, how far it came, and what became of each line. No row's content is kept."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from activities.store.inbox import InboxItem
from activities.store.statements import insert_all_once, insert_once
from activities.store.tables import InboxTable, IntakeLineTable, IntakeRunTable


class IntakeRun(BaseModel):
    """One taking in of a file. Instants are UTC; `finished_at` is None while some line has no outcome yet."""

    model_config = ConfigDict(frozen=True, from_attributes=True)
    id: str
    authority: str
    digest: str
    mapping: str
    lines: int
    begun_at: datetime
    begun_by: str
    finished_at: datetime | None = None


class IntakeLine(BaseModel):
    """What became of a line. `added` tells that its episode began with it, and was not there already."""

    model_config = ConfigDict(frozen=True, from_attributes=True)
    line: int = Field(description="the line of the file; the columns are line 1")
    verdict: str = Field(description="what was made of it")
    why: str = Field(default="", description="why, in words")
    episode_id: str | None = Field(default=None, description="its episode")
    added: bool = Field(default=False, description="whether its episode began with it, and was not there already")


class RunProgress(BaseModel):
    """A run and how far it came: lines with an outcome, by verdict; episodes added; those the engine has not yet."""

    model_config = ConfigDict(frozen=True)
    run: IntakeRun
    done: int
    verdicts: dict[str, int]
    added: int
    there_already: int
    kept: int


async def begin_run(session: AsyncSession, run: IntakeRun) -> IntakeRun:
    """Begin a run; the one there is when the authority's same file, read by the same mapping, was begun before."""
    await insert_once(session, IntakeRunTable, run.model_dump())
    return await run_of(session, run.authority, run.digest) or run


async def run_of(session: AsyncSession, authority: str, digest: str) -> IntakeRun | None:
    """The authority's run of a file and mapping, or None."""
    chosen = select(IntakeRunTable).where(IntakeRunTable.authority == authority, IntakeRunTable.digest == digest)
    row = await session.scalar(chosen)
    return IntakeRun.model_validate(row) if row else None


async def run_by_id(session: AsyncSession, authority: str, run_id: str) -> IntakeRun | None:
    """An authority's run; None for another's, as for one that does not exist."""
    row = await session.get(IntakeRunTable, run_id)
    return IntakeRun.model_validate(row) if row and row.authority == authority else None


async def runs(session: AsyncSession, authority: str) -> list[IntakeRun]:
    """An authority's runs, the latest first."""
    chosen = select(IntakeRunTable).where(IntakeRunTable.authority == authority)
    rows = await session.scalars(chosen.order_by(IntakeRunTable.begun_at.desc(), IntakeRunTable.id))
    return [IntakeRun.model_validate(row) for row in rows.all()]


async def lines_done(session: AsyncSession, run_id: str) -> set[int]:
    """The lines that have an outcome."""
    chosen = select(IntakeLineTable.line).where(IntakeLineTable.run_id == run_id)
    return set((await session.scalars(chosen)).all())


async def write_lines(session: AsyncSession, run_id: str, lines: Sequence[IntakeLine]) -> None:
    """Write what became of lines; those that have an outcome keep it."""
    rows = [{"run_id": run_id, **line.model_dump()} for line in lines]
    await insert_all_once(session, IntakeLineTable, rows)


async def finish_run(session: AsyncSession, run_id: str, now: datetime) -> None:
    """Note that every line has an outcome; the first time counts. `now` is UTC."""
    unfinished = (IntakeRunTable.id == run_id, IntakeRunTable.finished_at.is_(None))
    await session.execute(update(IntakeRunTable).where(*unfinished).values(finished_at=now))


async def lines_of(session: AsyncSession, run_id: str, *, after: int = 0, limit: int | None = None) -> list[IntakeLine]:
    """A run's lines in the file's order: those after a line, and at most so many."""
    chosen = select(IntakeLineTable).where(IntakeLineTable.run_id == run_id, IntakeLineTable.line > after)
    rows = await session.scalars(chosen.order_by(IntakeLineTable.line).limit(limit))
    return [IntakeLine.model_validate(row) for row in rows.all()]


async def progress_of(session: AsyncSession, run: IntakeRun) -> RunProgress:
    """How far a run came."""
    mine = IntakeLineTable.run_id == run.id
    by_verdict = select(IntakeLineTable.verdict, func.count()).where(mine).group_by(IntakeLineTable.verdict)
    verdicts: dict[str, int] = {row[0]: row[1] for row in (await session.execute(by_verdict)).all()}
    with_episode = (mine, IntakeLineTable.episode_id.is_not(None))
    added = await _count(session, *with_episode, IntakeLineTable.added)
    there = await _count(session, *with_episode, ~IntakeLineTable.added)
    waiting = select(func.count()).select_from(_waiting(run.id).subquery())
    return RunProgress(
        run=run,
        done=sum(verdicts.values()),
        verdicts=dict(sorted(verdicts.items())),
        added=added,
        there_already=there,
        kept=await session.scalar(waiting) or 0,
    )


async def _count(session: AsyncSession, *where: Any) -> int:
    return await session.scalar(select(func.count()).select_from(IntakeLineTable).where(*where)) or 0


def _waiting(run_id: str) -> Any:
    mine = select(IntakeLineTable.episode_id).where(IntakeLineTable.run_id == run_id)
    return select(InboxTable).where(
        InboxTable.kind == "report", InboxTable.state == "kept", InboxTable.episode_id.in_(mine)
    )


async def still_kept(session: AsyncSession, run_id: str, limit: int) -> list[InboxItem]:
    """Reports of a run that the engine has not answered yet, as they came."""
    rows = await session.scalars(_waiting(run_id).order_by(InboxTable.received_at, InboxTable.id).limit(limit))
    return [InboxItem.model_validate(row) for row in rows.all()]
