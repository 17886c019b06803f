"""The directory in the store: who holds which role for whom, who deputises, who is on call, who is away."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, Literal, TypeAlias, TypeVar
from uuid import uuid4

from pydantic import BaseModel, ConfigDict
from sqlalchemy import delete, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from activities.store.statements import batched, take_turns, upsert_all
from activities.store.tables import (
    ChildTable,
    ChildTeamTable,
    HoldingTable,
    LeaveTable,
    NoticeTable,
    PersonTable,
    RecipientTable,
    ShiftTable,
)
from workflows.directory import (
    STANDS_IN,
    Directory,
    Holding,
    Leave,
    Person,
    Recipient,
    Shift,
    channels_of,
    read_hours,
)
from workflows.vocabulary import Channel, Role

SpanTable: TypeAlias = HoldingTable | ShiftTable | LeaveTable
Span = TypeVar("Span", HoldingTable, ShiftTable, LeaveTable)
Change = Literal["added", "changed", "unchanged"]
"""What became of something that was said of the directory."""

_ALWAYS: Final = (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))


class PersonEntry(BaseModel):
    """A person as the authority writes it: its own reference, hours as read_hours reads them, deputies' references.

    `mobile` is in E.164; `channels` as channels_of reads them.
    """

    model_config = ConfigDict(from_attributes=True)
    reference: str
    name: str
    email: str = ""
    mobile: str = ""
    channels: str = ""
    hours: str = "always"
    deputies: str = ""


async def take_turns_at_directory(session: AsyncSession, authority: str) -> None:
    """Wait until nobody else changes an authority's directory; to be called before reading what a change goes by."""
    await take_turns(session, "directory", [authority])


async def put_person(session: AsyncSession, authority: str, entry: PersonEntry) -> None:
    """Add a person, or bring the one of that reference to these values."""
    await put_people(session, authority, [entry])


async def put_people(session: AsyncSession, authority: str, entries: Sequence[PersonEntry]) -> None:
    """Add people, or bring those of their references to these values."""
    await take_turns_at_directory(session, authority)
    known = {one.reference: one.id for one in await everyone(session, authority)}
    rows = [
        {"id": known.get(entry.reference) or str(uuid4()), "authority": authority, **entry.model_dump()}
        for entry in entries
    ]
    await upsert_all(session, PersonTable, rows)


async def person_id(session: AsyncSession, authority: str, reference: str) -> str | None:
    """Homeward's id of the person the authority calls `reference`, or None."""
    chosen = select(PersonTable.id).where(PersonTable.authority == authority, PersonTable.reference == reference)
    return await session.scalar(chosen)


async def person_by_id(session: AsyncSession, person: str) -> Person | None:
    """A person by Homeward's own id, without deputies; None when there is no such person."""
    row = await session.get(PersonTable, person)
    return _person(row, {}) if row else None


async def put_teams(session: AsyncSession, by_child: Mapping[str, str]) -> None:
    """Say which team each child belongs to, by the children's ids."""
    await upsert_all(session, ChildTeamTable, [{"child_id": child, "team": team} for child, team in by_child.items()])


async def teams(session: AsyncSession, authority: str) -> dict[str, str]:
    """The team of each child of an authority, by the authority's reference for the child."""
    chosen = select(ChildTable.reference, ChildTeamTable).join(ChildTable, ChildTable.id == ChildTeamTable.child_id)
    found = await session.execute(chosen.where(ChildTable.authority == authority))
    return {reference: row.team for reference, row in found.all()}


async def add(session: AsyncSession, table: type[SpanTable], *rows: dict[str, Any]) -> None:
    """Add holdings, shifts or leave."""
    session.add_all(table(id=str(uuid4()), **values) for values in rows)
    await session.flush()


async def add_or_lengthen(session: AsyncSession, table: type[SpanTable], values: dict[str, Any]) -> Change:
    """Add a holding, a shift or a leave, unless it is there for that time; one that overlaps grows to hold both."""
    await take_turns_at_directory(session, values["authority"])
    same = {name: value for name, value in values.items() if name not in ("since", "until")}
    begins, ends = _reach(values["since"], values["until"])
    overlapping = [
        row
        for row in (await session.scalars(select(table).filter_by(**same))).all()
        if _reach(row.since, row.until)[0] < ends and begins < _reach(row.since, row.until)[1]
    ]
    reaches = [_reach(row.since, row.until) for row in overlapping]
    if any(since <= begins and ends <= until for since, until in reaches):
        return "unchanged"
    since, until = min([begins, *(one[0] for one in reaches)]), max([ends, *(one[1] for one in reaches)])
    for row in overlapping:
        await session.delete(row)
    whole = {"since": None if since == _ALWAYS[0] else since, "until": None if until == _ALWAYS[1] else until}
    await add(session, table, {**same, **whole})
    return "changed" if overlapping else "added"


def _reach(since: datetime | None, until: datetime | None) -> tuple[datetime, datetime]:
    return since or _ALWAYS[0], until or _ALWAYS[1]


async def end_holdings(
    session: AsyncSession,
    held: dict[str, str],
    at: datetime,
    *,
    by: str | None = None,
    but: str | None = None,
) -> int:
    """End at an instant (UTC) the holdings that cover it; how many. What was never in force is taken away.

    `held` names authority, role, scope and held_for; `by` only that person's
    holdings are ended, `but` not that person's.
    """
    await take_turns_at_directory(session, held["authority"])
    ended = 0
    for row in (await session.scalars(select(HoldingTable).filter_by(**held))).all():
        begins, ends = _reach(row.since, row.until)
        if (by and row.person_id != by) or row.person_id == but or not begins <= at < ends:
            continue
        ended += 1
        if begins == at:
            await session.delete(row)
        else:
            row.until = at
    await session.flush()
    return ended


async def spans(session: AsyncSession, table: type[Span], authority: str) -> list[tuple[Span, str]]:
    """An authority's holdings, shifts or leave, each with the reference of its person."""
    chosen = select(table, PersonTable.reference).join(PersonTable, PersonTable.id == table.person_id)
    found = await session.execute(chosen.where(table.authority == authority).order_by(table.id))
    return [(row, reference) for row, reference in found.all()]


async def children_held_for(session: AsyncSession, authority: str) -> dict[str, str]:
    """The authority's references of the children for whom a role is held, by Homeward's ids."""
    held = select(HoldingTable.held_for).where(HoldingTable.authority == authority, HoldingTable.scope == "child")
    found = await session.scalars(select(ChildTable).where(ChildTable.id.in_(held)))
    return {child.id: child.reference for child in found.all()}


async def clear(session: AsyncSession, table: type[SpanTable], authority: str) -> None:
    """Take away all of an authority's holdings, shifts or leave, for others to take their place."""
    await take_turns_at_directory(session, authority)
    await session.execute(delete(table).where(table.authority == authority))


async def everyone(session: AsyncSession, authority: str) -> list[PersonTable]:
    """Every person of an authority, by reference."""
    chosen = select(PersonTable).where(PersonTable.authority == authority).order_by(PersonTable.reference)
    return list((await session.scalars(chosen)).all())


async def address(session: AsyncSession, person_id: str, channel: Channel) -> str | None:
    """Where a channel reaches a person: an e-mail address, a number in E.164; None where it has no address."""
    row = await session.get(PersonTable, person_id)
    addresses = {Channel.EMAIL: row.email, Channel.SMS: row.mobile} if row else {}
    return addresses.get(channel) or None


async def directory_for(
    session: AsyncSession, authority: str, child_id: str | None, roles: Iterable[Role], at: datetime
) -> Directory:
    """What the directory knows about these roles for a child at an instant (UTC)."""
    wanted = {role.value for role in (*roles, *STANDS_IN)}
    team = await session.get(ChildTeamTable, child_id) if child_id else None
    held = (HoldingTable.authority == authority, HoldingTable.role.in_(wanted))
    reach = [HoldingTable.scope == "authority"]
    if child_id:
        reach.append((HoldingTable.scope == "child") & (HoldingTable.held_for == child_id))
    if team:
        reach.append((HoldingTable.scope == "team") & (HoldingTable.held_for == team.team))
    holdings = (await session.scalars(select(HoldingTable).where(*held, or_(*reach)).order_by(HoldingTable.id))).all()
    on = (ShiftTable.authority == authority, ShiftTable.role.in_(wanted), ShiftTable.until > at)
    shifts = (await session.scalars(select(ShiftTable).where(*on).order_by(ShiftTable.id))).all()
    off = (LeaveTable.authority == authority, LeaveTable.until > at)
    leave = (await session.scalars(select(LeaveTable).where(*off))).all()
    people = await everyone(session, authority) if holdings or shifts else []
    ids = {row.reference: row.id for row in people}
    return Directory(
        people=tuple(_person(row, ids) for row in people),
        holdings=tuple(
            Holding.model_validate({"role": h.role, "person": h.person_id, "scope": h.scope, **_span(h)})
            for h in holdings
        ),
        shifts=tuple(Shift.model_validate({"role": s.role, "person": s.person_id, **_span(s)}) for s in shifts),
        leave=tuple(Leave.model_validate({"person": one.person_id, **_span(one)}) for one in leave),
    )


def _span(row: SpanTable) -> dict[str, Any]:
    return {"since": row.since, "until": row.until}


def _person(row: PersonTable, ids: dict[str, str]) -> Person:
    deputies = tuple(ids[reference] for reference in row.deputies.split(";") if reference in ids)
    return Person(
        id=row.id,
        name=row.name,
        hours=read_hours(row.hours),
        deputies=deputies,
        channels=channels_of(row.channels, row.email, row.mobile),
    )


async def directories_for(
    session: AsyncSession, authority: str, children: Iterable[str | None], at: datetime
) -> dict[str | None, Directory]:
    """What the directory knows about every role, for each of many children, at an instant (UTC).

    Each table is read once for some hundreds of children, and no more of it than is about them.
    """
    wanted = set(children)
    named = sorted(child for child in wanted if child)
    teams: dict[str, str] = {}
    for some in batched(named):
        chosen = select(ChildTeamTable).where(ChildTeamTable.child_id.in_(some))
        teams |= {row.child_id: row.team for row in (await session.scalars(chosen)).all()}
    held = await _holdings_near(session, authority, named, sorted(set(teams.values())))
    on = (ShiftTable.authority == authority, ShiftTable.until > at)
    rota = (await session.scalars(select(ShiftTable).where(*on).order_by(ShiftTable.id))).all()
    shifts = tuple(Shift.model_validate({"role": s.role, "person": s.person_id, **_span(s)}) for s in rota)
    off = (
        await session.scalars(select(LeaveTable).where(LeaveTable.authority == authority, LeaveTable.until > at))
    ).all()
    leave = tuple(Leave.model_validate({"person": one.person_id, **_span(one)}) for one in off)
    near = {one.person for those in held.values() for one in those} | {one.person for one in shifts}
    people = await _people_and_deputies(session, authority, near)
    found: dict[str | None, Directory] = {}
    for child in wanted:
        reaches = (("authority", ""), ("child", child or ""), ("team", teams.get(child or "", "")))
        holdings = tuple(holding for reach in reaches for holding in held.get(reach, ()))
        found[child] = Directory(people=people, holdings=holdings, shifts=shifts, leave=leave)
    return found


async def _holdings_near(
    session: AsyncSession, authority: str, children: Sequence[str], teams: Sequence[str]
) -> dict[tuple[str, str], list[Holding]]:
    """An authority's holdings for these children and teams and for the whole of it, by scope and what they are for."""
    mine = HoldingTable.authority == authority
    reaches = [HoldingTable.scope == "authority"]
    for scope, names in (("child", children), ("team", teams)):
        reaches += [(HoldingTable.scope == scope) & HoldingTable.held_for.in_(some) for some in batched(names)]
    held: dict[tuple[str, str], list[Holding]] = {}
    for reach in reaches:
        for h in (await session.scalars(select(HoldingTable).where(mine, reach).order_by(HoldingTable.id))).all():
            one = Holding.model_validate({"role": h.role, "person": h.person_id, "scope": h.scope, **_span(h)})
            held.setdefault((h.scope, "" if h.scope == "authority" else h.held_for), []).append(one)
    return held


async def _people_and_deputies(session: AsyncSession, authority: str, ids: Collection[str]) -> tuple[Person, ...]:
    """These people of an authority and their deputies, by reference."""
    mine = PersonTable.authority == authority
    rows: dict[str, PersonTable] = {}
    for some in batched(sorted(ids)):
        chosen = select(PersonTable).where(mine, PersonTable.id.in_(some))
        rows |= {row.reference: row for row in (await session.scalars(chosen)).all()}
    deputies = {name for row in rows.values() for name in row.deputies.split(";") if name and name not in rows}
    for some in batched(sorted(deputies)):
        chosen = select(PersonTable).where(mine, PersonTable.reference.in_(some))
        rows |= {row.reference: row for row in (await session.scalars(chosen)).all()}
    by_reference = {reference: row.id for reference, row in rows.items()}
    return tuple(_person(rows[reference], by_reference) for reference in sorted(rows))


async def told_persons(
    session: AsyncSession, episode_id: str, role: Role, *, by: Collection[str] = ()
) -> tuple[Recipient, ...]:
    """The persons told in an episode under a role: by any of the notices `by`, or, without, of the absence."""
    chosen = select(RecipientTable).join(NoticeTable, NoticeTable.key == RecipientTable.notice_key)
    chosen = chosen.where(NoticeTable.episode_id == episode_id, NoticeTable.role == role.value)
    chosen = chosen.where(NoticeTable.key.in_(by)) if by else chosen.where(RecipientTable.of_absence)
    rows = (await session.scalars(chosen.order_by(RecipientTable.person_id))).all()
    told = {row.person_id: Recipient.model_validate({"person": row.person_id, "cover": row.cover}) for row in rows}
    return tuple(told.values())
