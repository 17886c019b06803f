"""Which of an authority's episodes something told may be about: the child's, those away, those of a reference."""

from datetime import date, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict
from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession

from activities.store.tables import ChildTable, EpisodeTable, FactTable, InboxTable
from workflows.fact_kinds import FactKind
from workflows.instants import parse_day, parse_instant
from workflows.vocabulary import EpisodeStatus

_GONE = tuple(status.value for status in EpisodeStatus if status.gone)


class KnownEpisode(BaseModel):
    """An episode as far as it tells what somebody speaks of. Instants are UTC.

    `away`: the child is not known to be back. An episode that waits for the
    engine is known by the report that begins it.
    """

    model_config = ConfigDict(frozen=True)
    episode_id: str
    child_reference: str | None
    born: date | None
    away: bool
    since: datetime | None
    returned: datetime | None
    closed: bool
    police_references: frozenset[str]


async def episodes_it_may_be(
    session: AsyncSession, authority: str, child_reference: str | None, police_reference: str | None
) -> list[KnownEpisode]:
    """An authority's episodes that something told may be about: the child's, those of the reference, all that are away.

    Oldest first.
    """
    mine = InboxTable.authority == authority
    waiting = select(InboxTable).where(mine, InboxTable.kind == "report", InboxTable.state == "kept")
    reports = {row.episode_id: row for row in (await session.scalars(waiting)).all()}
    either: ColumnElement[bool] = EpisodeTable.status.in_(_GONE) & EpisodeTable.closed_at.is_(None)
    if child_reference:
        either |= ChildTable.reference == child_reference
    references = await _references(session, authority)
    if police_reference:
        wanted = plain(police_reference)
        either |= EpisodeTable.id.in_([id for id, those in references.items() if wanted in those])
    chosen = select(EpisodeTable, ChildTable.reference).outerjoin(ChildTable, ChildTable.id == EpisodeTable.child_id)
    rows = (await session.execute(chosen.where(EpisodeTable.authority == authority, either))).all()
    began = select(InboxTable).where(mine, InboxTable.kind == "report")
    written = [row[0].id for row in rows]
    reports |= {
        row.episode_id: row for row in (await session.scalars(began.where(InboxTable.episode_id.in_(written)))).all()
    }
    found = {
        row[0].id: _of_row(row[0], row[1], reports.get(row[0].id), references.get(row[0].id, set())) for row in rows
    }
    found |= {id: _of_report(report, references.get(id, set())) for id, report in reports.items() if id not in found}
    return sorted(found.values(), key=lambda one: (one.since.timestamp() if one.since else 0.0, one.episode_id))


def plain(reference: str) -> str:
    """A police reference without what people write otherwise each time: capitals, spaces, dashes and strokes."""
    return "".join(letter for letter in reference.casefold() if letter.isalnum())


async def _references(session: AsyncSession, authority: str) -> dict[str, set[str]]:
    """The police references of an authority's episodes, those among them that wait for the engine, plainly written."""
    written = select(FactTable.episode_id, FactTable.body).join(EpisodeTable, EpisodeTable.id == FactTable.episode_id)
    written = written.where(EpisodeTable.authority == authority, FactTable.kind == FactKind.REPORTED.value)
    waiting = select(InboxTable.episode_id, InboxTable.body).where(
        InboxTable.authority == authority, InboxTable.kind == "fact", InboxTable.state == "kept"
    )
    found: dict[str, set[str]] = {}
    for chosen in (written, waiting):
        for episode_id, body in (await session.execute(chosen)).all():
            if body["kind"] == FactKind.REPORTED.value and (reference := plain(_reference(body))):
                found.setdefault(episode_id, set()).add(reference)
    return found


def _reference(body: dict[str, Any]) -> str:
    return str(body["details"].get("police_ref", ""))


def _of_row(row: EpisodeTable, reference: str | None, report: InboxTable | None, references: set[str]) -> KnownEpisode:
    said: dict[str, Any] = report.body["report"] if report else {}
    child: dict[str, Any] = said.get("child", {})
    told = plain(said.get("police_reference") or "")
    return KnownEpisode(
        episode_id=row.id,
        child_reference=reference,
        born=parse_day(child["born"]) if child.get("born") else None,
        away=row.status in _GONE and row.closed_at is None,
        since=row.missing_since,
        returned=row.returned_at,
        closed=row.closed_at is not None,
        police_references=frozenset(references | ({told} if told else set())),
    )


def _of_report(report: InboxTable, references: set[str]) -> KnownEpisode:
    said: dict[str, Any] = report.body["report"]
    times = [parse_instant(said[name]) for name in ("last_seen", "reported", "noticed", "authority_told") if said[name]]
    told = plain(said["police_reference"] or "")
    return KnownEpisode(
        episode_id=report.episode_id,
        child_reference=said["child"]["reference"],
        born=parse_day(said["child"]["born"]) if said["child"]["born"] else None,
        away=said["returned"] is None,
        since=min(times, default=report.received_at),
        returned=parse_instant(said["returned"]) if said["returned"] else None,
        closed=False,
        police_references=frozenset(references | ({told} if told else set())),
    )
