"""Episodes in lists: searched, in one order, a page at a time."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict
from sqlalchemy import ColumnElement, Select, and_, case, exists, func, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from activities.store.tables import OWED, ChildTable, ClockTable, EpisodeTable, FactTable, UtcInstant, plainly
from workflows.vocabulary import ClockKind, EpisodeStatus

NEVER: Final = datetime(9999, 12, 31, tzinfo=UTC)
"""When something falls due that is not due at all, for putting it last."""

_AT_ONCE: Final = 1000
"""As many episodes as are asked for in one statement, where all are wanted."""


class Search(BaseModel):
    """What is looked for; None is no condition. Instants are UTC.

    `clock` is owed, of that id; `overdue`: something is. Changed means that a turn of its workflow was written.
    """

    model_config = ConfigDict(frozen=True)
    child: str | None = None
    police_reference: str | None = None
    statuses: tuple[EpisodeStatus, ...] = ()
    open: bool | None = None
    clock: str | None = None
    overdue: bool | None = None
    changed_since: datetime | None = None

    @property
    def names_a_child(self) -> bool:
        """Whether what is found is thereby known to be about a certain child."""
        return self.child is not None or self.police_reference is not None

    @property
    def would_tell(self) -> bool:
        """Whether being found by it tells more of an episode than that it is there and how it stands."""
        owed = self.clock is not None or self.overdue is not None
        return self.names_a_child or owed or self.changed_since is not None


class EpisodeFound(BaseModel):
    """An episode in a list: where it stands, and what is owed next. Instants are UTC."""

    model_config = ConfigDict(frozen=True)
    episode_id: str
    child_id: str | None
    child_reference: str | None
    need_to_know: bool
    status: EpisodeStatus
    policy: str
    policy_version: str
    missing_since: datetime | None
    returned_at: datetime | None
    closed_at: datetime | None
    next_clock: str | None
    next_due: datetime | None
    overdue: int
    written_at: datetime


Order = Literal["id", "pressing"]


async def search_episodes(
    session: AsyncSession,
    authority: str,
    search: Search,
    now: datetime,
    *,
    order: Order,
    after: tuple[datetime, str] | None,
    limit: int,
    hidden: Collection[str] = (),
) -> list[EpisodeFound]:
    """Episodes of an authority, by id or the most pressing first, those after an item of that order. `now` is UTC.

    In the order of ids nothing is passed over or shown twice, whatever changes
    between two pages; the most pressing first is for people. Nothing is told of
    when the `hidden` fall due: they come last, as if they never did, and are
    left out of a search that would tell more of them.
    """
    due = _due(hidden)
    chosen = select(EpisodeTable, ChildTable.reference).outerjoin(ChildTable, ChildTable.id == EpisodeTable.child_id)
    chosen = chosen.where(EpisodeTable.authority == authority, *_conditions(search, now))
    if search.would_tell:
        chosen = chosen.where(EpisodeTable.id.not_in(hidden))
    chosen = _after(chosen, due, order, after).limit(limit)
    rows = (await session.execute(chosen)).all()
    owed = await _owed(session, [episode.id for episode, _ in rows])
    return [_found(episode, reference, owed.get(episode.id, []), now) for episode, reference in rows]


async def episodes_found(
    session: AsyncSession, authority: str, episode_ids: Collection[str], now: datetime
) -> dict[str, EpisodeFound]:
    """Those of these ids that are episodes of an authority, by id. `now` is UTC."""
    chosen = select(EpisodeTable, ChildTable.reference).outerjoin(ChildTable, ChildTable.id == EpisodeTable.child_id)
    everybodys = (await session.execute(chosen.where(EpisodeTable.id.in_(set(episode_ids))))).all()
    rows = [row for row in everybodys if row[0].authority == authority]
    owed = await _owed(session, [episode.id for episode, _ in rows])
    return {episode.id: _found(episode, reference, owed.get(episode.id, []), now) for episode, reference in rows}


async def need_to_know_among(session: AsyncSession, authority: str, search: Search, now: datetime) -> list[str]:
    """The need-to-know episodes whose place in a list, or whose being found at all, could tell something of them.

    `now` is UTC.
    """
    chosen = select(EpisodeTable.id).outerjoin(ChildTable, ChildTable.id == EpisodeTable.child_id)
    chosen = chosen.where(EpisodeTable.authority == authority, EpisodeTable.need_to_know, *_conditions(search, now))
    if not search.would_tell:
        owes = (ClockTable.episode_id == EpisodeTable.id, ClockTable.state.in_(OWED), ClockTable.due.is_not(None))
        chosen = chosen.where(exists().where(*owes))
    return list((await session.scalars(chosen)).all())


def _due(hidden: Collection[str]) -> ColumnElement[datetime]:
    """When the first thing that an episode owes falls due, and never for the hidden."""
    next_due = (
        select(func.min(ClockTable.due))
        .where(ClockTable.episode_id == EpisodeTable.id, ClockTable.state.in_(OWED))
        .scalar_subquery()
    )
    never = literal(NEVER, UtcInstant())
    due = func.coalesce(next_due, never, type_=UtcInstant())
    return case((EpisodeTable.id.in_(hidden), never), else_=due) if hidden else due


async def every_episode(session: AsyncSession, authority: str, search: Search, now: datetime) -> list[EpisodeFound]:
    """All that is found, however many there are, the most pressing first. `now` is UTC."""
    found: list[EpisodeFound] = []
    after: tuple[datetime, str] | None = None
    while True:
        page = await search_episodes(session, authority, search, now, order="id", after=after, limit=_AT_ONCE)
        found += page
        if len(page) < _AT_ONCE:
            return sorted(found, key=lambda one: (one.next_due or NEVER, one.episode_id))
        after = NEVER, page[-1].episode_id


def _after(
    chosen: Select[EpisodeTable, str],
    due: ColumnElement[datetime],
    order: Order,
    after: tuple[datetime, str] | None,
) -> Select[EpisodeTable, str]:
    if order == "id":
        if after:
            chosen = chosen.where(EpisodeTable.id > after[1])
        return chosen.order_by(EpisodeTable.id)
    if after:
        chosen = chosen.where(or_(due > after[0], and_(due == after[0], EpisodeTable.id > after[1])))
    return chosen.order_by(due, EpisodeTable.id)


def _conditions(search: Search, now: datetime) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if search.child is not None:
        found.append(ChildTable.reference == search.child)
    if search.police_reference is not None:
        # As it is looked for first, by which there is an index.
        alike = FactTable.plain_police_reference == plainly(literal(search.police_reference))
        said = FactTable.body["details"]["police_ref"].as_string() == search.police_reference
        found.append(EpisodeTable.id.in_(select(FactTable.episode_id).where(alike, said)))
    if search.statuses:
        found.append(EpisodeTable.status.in_([status.value for status in search.statuses]))
    if search.open is not None:
        found.append(EpisodeTable.closed_at.is_(None) if search.open else EpisodeTable.closed_at.is_not(None))
    if search.changed_since is not None:
        found.append(EpisodeTable.written_at >= search.changed_since)
    mine = (ClockTable.episode_id == EpisodeTable.id, ClockTable.state.in_(OWED))
    if search.clock is not None:
        found.append(exists().where(*mine, ClockTable.id == search.clock))
    if search.overdue is not None:
        late = exists().where(*mine, ClockTable.kind == ClockKind.DUE_BY.value, ClockTable.due < now)
        found.append(late if search.overdue else ~late)
    return found


async def _owed(session: AsyncSession, episode_ids: Collection[str]) -> dict[str, list[ClockTable]]:
    """What is owed by each of these episodes, the earliest due first, what has no due time first of all."""
    mine = select(ClockTable).where(ClockTable.episode_id.in_(episode_ids), ClockTable.state.in_(OWED))
    owed: dict[str, list[ClockTable]] = {}
    for clock in (await session.scalars(mine.order_by(ClockTable.due.nulls_first(), ClockTable.id))).all():
        owed.setdefault(clock.episode_id, []).append(clock)
    return owed


def _found(episode: EpisodeTable, reference: str | None, owed: Sequence[ClockTable], now: datetime) -> EpisodeFound:
    dated = [clock for clock in owed if clock.due is not None]
    first = dated[0] if dated else owed[0] if owed else None
    return EpisodeFound(
        episode_id=episode.id,
        child_id=episode.child_id,
        child_reference=reference,
        need_to_know=episode.need_to_know,
        status=EpisodeStatus(episode.status),
        policy=episode.policy,
        policy_version=episode.policy_version,
        missing_since=episode.missing_since,
        returned_at=episode.returned_at,
        closed_at=episode.closed_at,
        next_clock=first.id if first else None,
        next_due=first.due if first else None,
        overdue=sum(clock.kind == ClockKind.DUE_BY.value and clock.due < now for clock in dated if clock.due),
        written_at=episode.written_at,
    )


async def references_of_episodes(session: AsyncSession, authority: str, episode_ids: Collection[str]) -> dict[str, str]:
    """By what number an authority's case system knows the children of these episodes, as far as it has one."""
    # Asked for by their ids alone: by the authority too, SQLite would look through all that it ever had.
    chosen = select(EpisodeTable.id, EpisodeTable.authority, ChildTable.reference)
    chosen = chosen.join(ChildTable, ChildTable.id == EpisodeTable.child_id)
    rows = (await session.execute(chosen.where(EpisodeTable.id.in_(set(episode_ids))))).all()
    return {id: reference for id, whose, reference in rows if whose == authority}


async def episodes_there(session: AsyncSession, authority: str, ids: Collection[str]) -> set[str]:
    """Those of these ids that are episodes of an authority."""
    # By their ids alone, for the same reason.
    chosen = select(EpisodeTable.id, EpisodeTable.authority).where(EpisodeTable.id.in_(set(ids)))
    return {id for id, whose in (await session.execute(chosen)).all() if whose == authority}
