"""What one shift tells the next of an authority's open episodes: who was told and did not answer, what was noted."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, exists, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from activities.store.post import NOBODY_YET
from activities.store.statements import batched
from activities.store.tables import (
    EpisodeTable,
    FactTable,
    MessageTable,
    NoticeTable,
    PersonTable,
    RecipientTable,
    TaskTable,
)
from activities.store.tasks import TaskView
from workflows.fact_kinds import FactKind
from workflows.facts import Fact
from workflows.names import task_key
from workflows.vocabulary import EpisodeStatus, Role

_SAID_OF_TASKS = (FactKind.TASK_HANDED_OVER, FactKind.TASK_NOTED, FactKind.TASK_GIVEN_BACK)


@dataclass(frozen=True)
class NoticeTold:
    """A notice, whom it told and what became of it. Instants are UTC.

    `people` are names, and `reached` those of them whom it is not known to have failed to reach.
    """

    key: str
    episode_id: str
    clock: str
    role: Role
    says: str
    sent_at: datetime
    asks: bool
    answered_at: datetime | None
    answered_by: str | None
    people: tuple[str, ...] = ()
    reached: tuple[str, ...] = ()


async def notices_about(
    session: AsyncSession, authority: str, owed: Collection[tuple[str, str]]
) -> dict[tuple[str, str], list[NoticeTold]]:
    """The notices about these clocks of episodes, each by its episode and id, in order of time."""
    found: dict[tuple[str, str], list[NoticeTold]] = {one: [] for one in owed}
    for some in batched(sorted({episode for episode, _ in owed})):
        chosen = select(NoticeTable).where(NoticeTable.authority == authority, NoticeTable.episode_id.in_(some))
        for one in await _told(session, chosen.order_by(NoticeTable.sent_at, NoticeTable.key)):
            if (about := (one.episode_id, one.clock)) in found:
                found[about].append(one)
    return found


async def notices_without_effect(session: AsyncSession, authority: str, limit: int) -> list[NoticeTold]:
    """The notices of open episodes that ask for an answer and have none, or reached nobody, the latest first."""
    about_me = (RecipientTable.notice_key == NoticeTable.key, RecipientTable.person_id.is_not(None))
    lost = exists().where(RecipientTable.message_id == MessageTable.id, MessageTable.state.in_(NOBODY_YET))
    reached = exists().where(*about_me, ~lost)
    chosen = select(NoticeTable).join(EpisodeTable, EpisodeTable.id == NoticeTable.episode_id)
    chosen = chosen.where(EpisodeTable.authority == authority, EpisodeTable.closed_at.is_(None))
    silent: ColumnElement[bool] = NoticeTable.needs_ack & NoticeTable.acknowledged_at.is_(None)
    unseen = NoticeTable.acknowledged_at.is_(None) & ~reached
    chosen = chosen.where(or_(silent, unseen))
    return await _told(session, chosen.order_by(NoticeTable.sent_at.desc(), NoticeTable.key).limit(limit))


async def _told(session: AsyncSession, chosen: Select[NoticeTable]) -> list[NoticeTold]:
    notices = (await session.scalars(chosen)).all()
    told: dict[str, list[tuple[str, bool]]] = {}
    for some in batched([one.key for one in notices]):
        people = (
            select(RecipientTable.notice_key, PersonTable.name, MessageTable.state)
            .join(PersonTable, PersonTable.id == RecipientTable.person_id)
            .outerjoin(MessageTable, MessageTable.id == RecipientTable.message_id)
            .where(RecipientTable.notice_key.in_(some))
            .order_by(RecipientTable.notice_key, PersonTable.reference)
        )
        for key, name, state in (await session.execute(people)).all():
            told.setdefault(key, []).append((name, state not in NOBODY_YET))
    return [
        NoticeTold(
            key=one.key,
            episode_id=one.episode_id,
            clock=one.clock,
            role=Role(one.role),
            says=one.says,
            sent_at=one.sent_at,
            asks=one.needs_ack,
            answered_at=one.acknowledged_at,
            answered_by=one.acknowledged_by,
            people=tuple(name for name, _ in told.get(one.key, ())),
            reached=tuple(name for name, reached in told.get(one.key, ()) if reached),
        )
        for one in notices
    ]


async def tasks_of_ended_records(session: AsyncSession, authority: str, limit: int) -> list[TaskView]:
    """The open tasks of records that go on in another or were a mistake, the earliest due first, without a time last.

    No board shows such a record, and what somebody was to do must not be lost with it.
    """
    ended = [one.value for one in EpisodeStatus if not one.of_an_absence]
    chosen = select(TaskTable).join(EpisodeTable, EpisodeTable.id == TaskTable.episode_id)
    chosen = chosen.where(TaskTable.authority == authority, TaskTable.state == "open", EpisodeTable.status.in_(ended))
    chosen = chosen.order_by(TaskTable.due.asc().nulls_last(), TaskTable.opened_at, TaskTable.key).limit(limit)
    return [TaskView.model_validate(row) for row in (await session.scalars(chosen)).all()]


@dataclass(frozen=True)
class SaidOfTask:
    """What somebody did with a task: handed it over, gave it back or noted something; `do` is what is to be done."""

    episode_id: str
    fact: Fact
    do: str | None


async def said_of_tasks(session: AsyncSession, authority: str, since: datetime, limit: int) -> list[SaidOfTask]:
    """What was done with tasks of open episodes since an instant (UTC) and was not taken back, the latest first."""
    mine = (EpisodeTable.authority == authority, EpisodeTable.closed_at.is_(None))
    chosen = select(FactTable).join(EpisodeTable, EpisodeTable.id == FactTable.episode_id).where(*mine)
    kinds = [kind.value for kind in _SAID_OF_TASKS]
    recent = chosen.where(FactTable.kind.in_(kinds), FactTable.recorded_at >= since)
    rows = (await session.scalars(recent.order_by(FactTable.recorded_at.desc(), FactTable.id))).all()
    taken_back = await _taken_back(session, sorted({row.episode_id for row in rows}), kinds)
    said = [(row.episode_id, Fact.model_validate(row.body)) for row in rows if row.id not in taken_back][:limit]
    tasks = await _what_is_done(session, [task_key(id, fact.details["task"]) for id, fact in said])
    return [SaidOfTask(id, fact, tasks.get(task_key(id, fact.details["task"]))) for id, fact in said]


async def _taken_back(session: AsyncSession, episode_ids: Sequence[str], kinds: Sequence[str]) -> set[str]:
    corrected: set[str] = set()
    for some in batched(episode_ids):
        chosen = select(FactTable.body).where(FactTable.episode_id.in_(some))
        chosen = chosen.where(FactTable.kind.in_([*kinds, FactKind.WITHDRAWN.value]))
        facts = [Fact.model_validate(body) for body in (await session.scalars(chosen)).all()]
        corrected |= {fact.corrects for fact in facts if fact.corrects}
    return corrected


async def _what_is_done(session: AsyncSession, keys: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for some in batched(keys):
        chosen = select(TaskTable.key, TaskTable.do).where(TaskTable.key.in_(some))
        found |= dict((await session.execute(chosen)).all())
    return found
