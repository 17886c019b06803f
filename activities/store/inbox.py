"""The inbox: what was said is kept here before the engine is asked, and until it has answered."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, Literal
from uuid import uuid4

from pydantic import BaseModel, ConfigDict
from sqlalchemy import exists, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from activities.store.statements import insert_all_once, insert_once
from activities.store.tables import ChildTable, EpisodeTable, InboxTable
from workflows.fact_kinds import FactKind
from workflows.vocabulary import EpisodeStatus

ATTEMPTS_BEFORE_LAST: Final = 5
_AT_ONCE: Final = 500

TAKEN_UP_WITHIN: Final = timedelta(seconds=20)
"""As long the engine may need to begin what it was given. After that people must be told that no clock runs."""

URGENCY_STILL_AWAY: Final = 0
URGENCY_FACT: Final = 1
URGENCY_BACK: Final = 2
"""What is put to the engine first: the lowest."""

_NOT_BEGUN_FOR_AT_MOST: Final = timedelta(days=7)
"""As far back reports are looked for that no worker has begun: by then the comparison has found them."""

InboxState = Literal["kept", "applied", "refused"]


class InboxItem(BaseModel):
    """Something that was said: a report (which begins an episode) or a fact. Instants are UTC."""

    model_config = ConfigDict(from_attributes=True)
    id: str
    authority: str
    kind: Literal["report", "fact"]
    episode_id: str
    digest: str | None = None
    body: dict[str, Any]
    state: InboxState = "kept"
    reason: str | None = None
    urgency: int
    received_at: datetime
    settled_at: datetime | None = None
    attempts: int = 0
    said_by: str | None = None
    child_id: str | None = None

    def lies_still(self, now: datetime) -> bool:
        """Whether what has not begun at `now` (UTC) is not about to: the engine has not taken it, or took too long."""
        return self.state != "applied" or now - self.received_at > TAKEN_UP_WITHIN


async def keep(session: AsyncSession, item: InboxItem) -> InboxItem:
    """Keep an item; the one kept earlier when the same id, or the same digest, is there already."""
    if await insert_once(session, InboxTable, item.model_dump()):
        return item
    same = InboxTable.id == item.id
    if item.digest is not None:
        same |= (InboxTable.authority == item.authority) & (InboxTable.digest == item.digest)
    found = await session.scalar(select(InboxTable).where(same).order_by(InboxTable.id != item.id).limit(1))
    if found is None:
        raise RuntimeError("an inbox item was neither kept nor there")
    return InboxItem.model_validate(found)


async def keep_all(session: AsyncSession, items: Sequence[InboxItem]) -> list[InboxItem]:
    """Keep reports, in two statements however many; for each, the one kept earlier when its id is there already.

    An item that was new is the one that is given back: its episode's id is its own.
    """
    rows = sorted((item.model_dump() for item in items), key=lambda row: row["id"])
    await insert_all_once(session, InboxTable, rows)
    kept = await _by_id(session, [item.id for item in items])
    if missing := [item for item in items if item.id not in kept]:
        # What was said word for word under another id is the same report.
        chosen = select(InboxTable).where(
            InboxTable.authority == missing[0].authority, InboxTable.digest.in_([item.digest for item in missing])
        )
        same = {row.digest: InboxItem.model_validate(row) for row in (await session.scalars(chosen)).all()}
        kept |= {item.id: same[item.digest] for item in missing}
    return [kept[item.id] for item in items]


async def reports_there(session: AsyncSession, authority: str, ids: Sequence[str]) -> dict[str, InboxItem]:
    """Those of an authority's reports that are kept under these ids, by id."""
    return {id: item for id, item in (await _by_id(session, ids)).items() if item.authority == authority}


async def _by_id(session: AsyncSession, ids: Sequence[str]) -> dict[str, InboxItem]:
    found: dict[str, InboxItem] = {}
    for start in range(0, len(ids), _AT_ONCE):
        chosen = select(InboxTable).where(InboxTable.id.in_(ids[start : start + _AT_ONCE]))
        found |= {row.id: InboxItem.model_validate(row) for row in (await session.scalars(chosen)).all()}
    return found


async def settle_all(session: AsyncSession, ids: Sequence[str], now: datetime) -> None:
    """Note that the engine has taken these, once each, in one statement. `now` is UTC."""
    kept = update(InboxTable).where(InboxTable.id.in_(ids), InboxTable.state == "kept")
    await session.execute(kept.values(state="applied", reason=None, settled_at=now, attempts=InboxTable.attempts + 1))


async def count_attempts(session: AsyncSession, ids: Sequence[str]) -> None:
    """Note that the engine was asked about these and did not answer."""
    kept = update(InboxTable).where(InboxTable.id.in_(ids))
    await session.execute(kept.values(attempts=InboxTable.attempts + 1))


async def settle(session: AsyncSession, item_id: str, state: InboxState, reason: str | None, now: datetime) -> None:
    """Note the engine's answer, once. `now` is UTC."""
    kept = update(InboxTable).where(InboxTable.id == item_id, InboxTable.state == "kept")
    await session.execute(kept.values(state=state, reason=reason, settled_at=now, attempts=InboxTable.attempts + 1))


async def note_trouble(session: AsyncSession, item_id: str, reason: str) -> None:
    """Note why an item still waits although the engine answers."""
    kept = update(InboxTable).where(InboxTable.id == item_id, InboxTable.state == "kept")
    await session.execute(kept.values(reason=reason))


async def refuse_at_first(session: AsyncSession, item_id: str, reason: str, now: datetime) -> InboxItem:
    """Note that the engine refused an item; the item as it then is. `now` is UTC.

    It still waits where the engine was asked before and did not answer: somebody
    may have been told that it is kept. What is refused at first has no attempt.
    """
    never_asked = (InboxTable.state == "kept", InboxTable.attempts == 0)
    kept = update(InboxTable).where(InboxTable.id == item_id, *never_asked)
    await session.execute(kept.values(state="refused", reason=reason, settled_at=now))
    return await _there(session, item_id)


async def count_attempt(session: AsyncSession, item_id: str) -> InboxItem:
    """Note that the engine was asked and did not answer; the item as it then is: others may have had an answer."""
    kept = update(InboxTable).where(InboxTable.id == item_id)
    await session.execute(kept.values(attempts=InboxTable.attempts + 1))
    return await _there(session, item_id)


async def _there(session: AsyncSession, item_id: str) -> InboxItem:
    chosen = select(InboxTable).where(InboxTable.id == item_id).execution_options(populate_existing=True)
    return InboxItem.model_validate((await session.scalars(chosen)).one())


async def waits_for_others(session: AsyncSession, item: InboxItem) -> bool:
    """Whether something that was said of the same episode before this item still waits."""
    before = select(InboxTable.id).where(InboxTable.episode_id == item.episode_id, InboxTable.state == "kept")
    return await session.scalar(before.where(InboxTable.received_at < item.received_at).limit(1)) is not None


async def waiting(session: AsyncSession, limit: int) -> list[InboxItem]:
    """The items the engine has not answered yet, most urgent first, then as they came.

    An item that has failed often stands behind all others, so that it cannot starve them.
    """
    kept = select(InboxTable).where(InboxTable.state == "kept")
    stuck = InboxTable.attempts > ATTEMPTS_BEFORE_LAST
    ordered = kept.order_by(stuck, InboxTable.urgency, InboxTable.attempts, InboxTable.received_at).limit(limit)
    return [InboxItem.model_validate(row) for row in (await session.scalars(ordered)).all()]


async def kept_for(
    session: AsyncSession, authority: str, after: tuple[datetime, str] | None, limit: int
) -> list[InboxItem]:
    """What was said to an authority and waits, in the order in which it came, after an item of that order."""
    kept = select(InboxTable).where(InboxTable.authority == authority, InboxTable.state == "kept")
    if after:
        later = (InboxTable.received_at == after[0]) & (InboxTable.id > after[1])
        kept = kept.where((InboxTable.received_at > after[0]) | later)
    rows = await session.scalars(kept.order_by(InboxTable.received_at, InboxTable.id).limit(limit))
    return [InboxItem.model_validate(row) for row in rows.all()]


class ReportsWithoutClock(BaseModel):
    """Reports for which no clock runs yet, the most urgent of them; how many there are, and how many facts wait."""

    reports: list[InboxItem]
    count: int
    facts: int


async def reports_without_clock(
    session: AsyncSession, authority: str, before: datetime, limit: int
) -> ReportsWithoutClock:
    """An authority's reports from before an instant (UTC) that run no clock; the most urgent of them.

    They wait for the engine; or it has taken them, and for some while no
    worker has begun: the rows have no episode yet, and no list would show it.
    """
    waits = (InboxTable.authority == authority, InboxTable.state == "kept", InboxTable.received_at <= before)
    counted = select(InboxTable.kind, func.count()).where(*waits).group_by(InboxTable.kind)
    counts = dict((await session.execute(counted)).all())
    taken = (
        InboxTable.authority == authority,
        InboxTable.state == "applied",
        # Each urgency by name, so that the index finds the latest of it.
        InboxTable.urgency.in_((URGENCY_STILL_AWAY, URGENCY_BACK)),
        InboxTable.received_at > before - _NOT_BEGUN_FOR_AT_MOST,
        InboxTable.kind == "report",
        InboxTable.settled_at <= before - TAKEN_UP_WITHIN,
        ~exists().where(EpisodeTable.id == InboxTable.episode_id),
    )
    found = list[InboxItem]()
    for where in ((*waits, InboxTable.kind == "report"), taken):
        ordered = select(InboxTable).where(*where).order_by(InboxTable.urgency, InboxTable.received_at, InboxTable.id)
        found += [InboxItem.model_validate(row) for row in (await session.scalars(ordered.limit(limit))).all()]
    found.sort(key=lambda one: (one.urgency, one.received_at, one.id))
    not_begun = await session.scalar(select(func.count()).select_from(InboxTable).where(*taken)) or 0
    return ReportsWithoutClock(
        reports=found[:limit], count=counts.get("report", 0) + not_begun, facts=counts.get("fact", 0)
    )


async def count_waiting(session: AsyncSession, authority: str | None = None) -> int:
    """How many items the engine has not answered yet: an authority's, or everybody's."""
    waiting = select(func.count()).select_from(InboxTable).where(InboxTable.state == "kept")
    if authority is not None:
        waiting = waiting.where(InboxTable.authority == authority)
    return await session.scalar(waiting) or 0


async def item(session: AsyncSession, item_id: str) -> InboxItem | None:
    """The item, or None."""
    row = await session.get(InboxTable, item_id)
    return InboxItem.model_validate(row) if row else None


async def report_of(session: AsyncSession, authority: str, episode_id: str) -> InboxItem | None:
    """The report that began an episode of an authority, or None when it was never kept here."""
    chosen = select(InboxTable).where(InboxTable.episode_id == episode_id, InboxTable.kind == "report")
    chosen = chosen.where(InboxTable.authority == authority)
    row = await session.scalar(chosen)
    return InboxItem.model_validate(row) if row else None


async def identities_reported(session: AsyncSession, authority: str, episode_ids: Collection[str]) -> dict[str, str]:
    """What the reports of these episodes of an authority say of who the child is, where they say it."""
    # Asked for by their episodes alone: by the authority too, SQLite would look through all that was ever said to it.
    identity = InboxTable.body["report", "answers", "identity"].as_string()
    chosen = select(InboxTable.episode_id, InboxTable.authority, InboxTable.kind, identity)
    rows = (await session.execute(chosen.where(InboxTable.episode_id.in_(set(episode_ids))))).all()
    return {id: said for id, whose, kind, said in rows if said and (whose, kind) == (authority, "report")}


class ReportSaid(BaseModel):
    """A report that somebody made, and how its episode stands, once its workflow has written it."""

    model_config = ConfigDict(frozen=True)
    item: InboxItem
    status: EpisodeStatus | None


async def reports_said_by(session: AsyncSession, authority: str, who: str, limit: int) -> list[ReportSaid]:
    """The reports that a principal made to an authority, the latest first."""
    chosen = select(InboxTable, EpisodeTable.status).outerjoin(EpisodeTable, EpisodeTable.id == InboxTable.episode_id)
    chosen = chosen.where(InboxTable.authority == authority, InboxTable.said_by == who, InboxTable.kind == "report")
    chosen = chosen.order_by(InboxTable.received_at.desc(), InboxTable.id).limit(limit)
    return [
        ReportSaid(item=InboxItem.model_validate(row), status=EpisodeStatus(status) if status else None)
        for row, status in (await session.execute(chosen)).all()
    ]


async def facts_waiting(session: AsyncSession, episode_id: str) -> list[InboxItem]:
    """The facts of an episode that the engine has not answered yet, in the order in which they came."""
    chosen = select(InboxTable).where(InboxTable.episode_id == episode_id, InboxTable.state == "kept")
    rows = await session.scalars(chosen.order_by(InboxTable.received_at))
    return [InboxItem.model_validate(row) for row in rows.all()]


async def facts_refused_later(session: AsyncSession, episode_id: str, who: str) -> list[InboxItem]:
    """The facts that a principal said of an episode, that waited, and were then refused; in the order they came.

    One of whose kind another was applied since is none of them: it was said again as it could be true.
    """
    mine = (InboxTable.episode_id == episode_id, InboxTable.said_by == who, InboxTable.kind == "fact")
    rows = (await session.scalars(select(InboxTable).where(*mine).order_by(InboxTable.received_at))).all()
    applied = {row.body["kind"]: row.received_at for row in rows if row.state == "applied"}
    # What is refused while somebody waits for the answer is mended there: no attempt was without one.
    refused = [row for row in rows if row.state == "refused" and row.attempts]
    still = [row for row in refused if applied.get(row.body["kind"], row.received_at) <= row.received_at]
    return [InboxItem.model_validate(row) for row in still]


async def child_id(session: AsyncSession, authority: str, reference: str, now: datetime) -> str:
    """Homeward's own random id of the child the authority calls `reference`; made at the first asking."""
    values = {"id": str(uuid4()), "authority": authority, "reference": reference, "created_at": now}
    await insert_once(session, ChildTable, values)
    chosen = select(ChildTable.id).where(ChildTable.authority == authority, ChildTable.reference == reference)
    return (await session.scalars(chosen)).one()


async def child_ids(
    session: AsyncSession, authority: str, references: Collection[str], now: datetime
) -> dict[str, str]:
    """Homeward's own ids of the children of these references, by reference; made at the first asking."""
    if not references:
        return {}
    wanted = sorted(set(references))
    known = await known_child_ids(session, authority, wanted)
    new = [reference for reference in wanted if reference not in known]
    about = {"authority": authority, "created_at": now}
    rows = [{"id": str(uuid4()), "reference": reference, **about} for reference in new]
    await insert_all_once(session, ChildTable, rows)
    return known | await known_child_ids(session, authority, new)


async def known_child_ids(session: AsyncSession, authority: str, references: Sequence[str]) -> dict[str, str]:
    """Homeward's own ids of those of the children of these references that are known, by reference."""
    found: dict[str, str] = {}
    for start in range(0, len(references), _AT_ONCE):
        some = references[start : start + _AT_ONCE]
        chosen = select(ChildTable).where(ChildTable.authority == authority, ChildTable.reference.in_(some))
        found |= {child.reference: child.id for child in (await session.scalars(chosen)).all()}
    return found


_OF_NO_ABSENCE: Final = tuple(one.value for one in EpisodeStatus if not one.of_an_absence)


async def open_episodes_of(session: AsyncSession, authority: str, child: str) -> list[str]:
    """The ids of a child's episodes that were reported and go on, whether they have been written or not.

    One that is closed, goes on in another or was a mistake is none of them.
    """
    ended = EpisodeTable.closed_at.is_not(None) | EpisodeTable.status.in_(_OF_NO_ABSENCE)
    closed = select(EpisodeTable.id).where(EpisodeTable.child_id == child, ended)
    written = select(EpisodeTable.id).where(EpisodeTable.authority == authority, EpisodeTable.child_id == child)
    said = select(InboxTable.episode_id).where(InboxTable.authority == authority, InboxTable.child_id == child)
    said = said.where(InboxTable.kind == "report", InboxTable.state != "refused")
    found = set((await session.scalars(written.union(said))).all())
    return sorted(found - set((await session.scalars(closed)).all()))


async def is_known(session: AsyncSession, authority: str, episode_id: str) -> bool:
    """Whether an episode of an authority has been written, or a report that begins it is kept."""
    row = await session.get(EpisodeTable, episode_id)
    if row is not None:
        return row.authority == authority
    return await report_of(session, authority, episode_id) is not None


_ENDS_THE_RECORD: Final = frozenset({FactKind.MERGED.value, FactKind.RECORDED_IN_ERROR.value})


MERGED_FROM: Final = "merged from "
"""How the source of a fact begins that was taken over out of a duplicate; the duplicate's id follows."""


async def another_goes_on_in(session: AsyncSession, episode_id: str) -> bool:
    """Whether it was said, and not refused, that another episode's record goes on in this one."""
    chosen = select(InboxTable.body).where(InboxTable.episode_id == episode_id, InboxTable.kind == "fact")
    said = (await session.scalars(chosen.where(InboxTable.state != "refused"))).all()
    return any(str(one.get("source", "")).startswith(MERGED_FROM) for one in said)


async def is_said_to_have_ended(session: AsyncSession, episode_id: str) -> bool:
    """Whether it was said, and not refused or taken back, that an episode's record goes on in another or was a mistake.

    What only waits for the engine counts: by the time it is applied it stands in the episode.
    """
    chosen = select(InboxTable).where(InboxTable.episode_id == episode_id, InboxTable.kind == "fact")
    said = (await session.scalars(chosen.where(InboxTable.state != "refused"))).all()
    taken_back = {one.body["details"]["fact"] for one in said if one.body["kind"] == FactKind.WITHDRAWN}
    return any(one.body["kind"] in _ENDS_THE_RECORD and one.id not in taken_back for one in said)
