"""Changes to the directory, by rows: what is there, and what becomes of a row that is said.

Files and single changes are written by the same functions, with the same checks.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from activities.store import inbox
from activities.store.child_records import child_of
from activities.store.directory import (
    Change,
    PersonEntry,
    SpanTable,
    add_or_lengthen,
    children_held_for,
    end_holdings,
    everyone,
    put_people,
    put_teams,
    spans,
    take_turns_at_directory,
    teams,
)
from activities.store.tables import HoldingTable, LeaveTable, ShiftTable
from starter.directory_rows import KEY, Row, as_kept, cells, check_known, moment
from workflows.instants import to_rfc3339
from workflows.plain_errors import BadInputError

SPANS: Final[Mapping[str, type[SpanTable]]] = {"holders": HoldingTable, "rota": ShiftTable, "leave": LeaveTable}
"""The kinds of row that hold for a time, and their tables."""


async def rows_there(session: AsyncSession, authority: str, kind: str) -> list[Row]:
    """What the directory holds of one kind, in the form in which it is kept, in the order of its cells."""
    rows: list[Row]
    if kind == "people":
        rows = [_person_row(PersonEntry.model_validate(one)) for one in await everyone(session, authority)]
    elif kind == "teams":
        rows = [{"child": child, "team": team} for child, team in (await teams(session, authority)).items()]
    elif kind == "holders":
        children = await children_held_for(session, authority)
        rows = [
            {"role": row.role, "person": who, "scope": row.scope, "for": children.get(row.held_for, row.held_for)}
            | _times(row)
            for row, who in await spans(session, HoldingTable, authority)
        ]
    elif kind == "rota":
        shifts = await spans(session, ShiftTable, authority)
        rows = [{"role": row.role, "person": who} | _times(row) for row, who in shifts]
    else:
        rows = [{"person": who} | _times(row) for row, who in await spans(session, LeaveTable, authority)]
    return sorted(rows, key=lambda row: cells(kind, row))


async def people_ids(session: AsyncSession, authority: str) -> dict[str, str]:
    """Homeward's ids of an authority's people, by their references."""
    return {one.reference: one.id for one in await everyone(session, authority)}


async def put_named(session: AsyncSession, authority: str, kind: str, rows: Collection[Row], now: datetime) -> None:
    """Write checked rows of people or teams. `now` is UTC."""
    if kind == "people":
        await put_people(session, authority, [_entry(row) for row in rows])
    else:
        ids = await inbox.child_ids(session, authority, [row["child"] for row in rows], now)
        await put_teams(session, {ids[row["child"]]: row["team"] for row in rows})


async def span_values(
    session: AsyncSession, authority: str, rows: Collection[Row], people: Mapping[str, str], now: datetime
) -> list[dict[str, Any]]:
    """Checked rows of holders, rota or leave as their table has them. `people` as people_ids says; `now` is UTC."""
    for_children = [row["for"] for row in rows if row.get("scope") == "child"]
    children = await inbox.child_ids(session, authority, for_children, now)
    return [{"authority": authority, **_span_values(row, people, children)} for row in rows]


def _span_values(row: Row, people: Mapping[str, str], children: Mapping[str, str]) -> dict[str, Any]:
    values: dict[str, Any] = {"person_id": people[row["person"]]}
    values |= {"since": moment(row["from"]), "until": moment(row["until"])}
    if "role" in row:
        values["role"] = row["role"]
    if "scope" in row:
        held_for = children[row["for"]] if row["scope"] == "child" else row["for"]
        values |= {"scope": row["scope"], "held_for": held_for}
    return values


async def change(session: AsyncSession, authority: str, kind: str, row: Row, now: datetime) -> Change:
    """Take in one row beside what is there. Raises BadInputError naming the column. `now` is UTC."""
    await take_turns_at_directory(session, authority)
    row, ids = as_kept(kind, row), await people_ids(session, authority)
    check_known(kind, row, ids)
    if kind in SPANS:
        [values] = await span_values(session, authority, [row], ids, now)
        return await add_or_lengthen(session, SPANS[kind], values)
    key = KEY[kind]
    there = next((one for one in await rows_there(session, authority, kind) if one[key] == row[key]), None)
    if there == row:
        return "unchanged"
    await put_named(session, authority, kind, [row], now)
    return "changed" if there else "added"


async def change_person(
    session: AsyncSession, authority: str, reference: str, given: Mapping[str, str], now: datetime
) -> Change:
    """Add a person, or change what is given of one who is there. Raises BadInputError naming the column."""
    await take_turns_at_directory(session, authority)
    there = [one for one in await rows_there(session, authority, "people") if one["person"] == reference.strip()]
    before = there[0] if there else _person_row(PersonEntry(reference=reference, name=""))
    return await change(session, authority, "people", {**before, **given}, now)


async def hold(session: AsyncSession, authority: str, row: Row, now: datetime, *, instead: bool) -> tuple[Change, int]:
    """Have a person hold a role; with `instead`, nobody else at that scope from then on: how many that ended.

    Raises BadInputError naming the column. `now` is UTC.
    """
    await take_turns_at_directory(session, authority)
    row, ids = as_kept("holders", row), await people_ids(session, authority)
    check_known("holders", row, ids)
    ended = 0
    if instead:
        [values] = await span_values(session, authority, [row], ids, now)
        held = {name: values[name] for name in ("authority", "role", "scope", "held_for")}
        ended = await end_holdings(session, held, values["since"] or now, but=values["person_id"])
    return await change(session, authority, "holders", row, now), ended


async def release(session: AsyncSession, authority: str, row: Row) -> None:
    """End at 'until' what a person holds there then. Raises BadInputError, also where that is nothing."""
    row, ids = as_kept("holders", row), await people_ids(session, authority)
    check_known("holders", row, ids)
    held_for, at = row["for"], moment(row["until"])
    if row["scope"] == "child":
        held_for = await child_of(session, authority, held_for) or ""
    held = {"authority": authority, "role": row["role"], "scope": row["scope"], "held_for": held_for}
    if at is None or not await end_holdings(session, held, at, by=ids[row["person"]]):
        raise BadInputError("person: must hold that role, for just that child, team or authority, at that time")


def _entry(row: Row) -> PersonEntry:
    return PersonEntry.model_validate({"reference" if name == "person" else name: cell for name, cell in row.items()})


def _person_row(entry: PersonEntry) -> dict[str, str]:
    return {"person" if name == "reference" else name: str(value) for name, value in entry.model_dump().items()}


def _times(row: SpanTable) -> dict[str, str]:
    return {
        "from": to_rfc3339(row.since) if row.since else "",
        "until": to_rfc3339(row.until) if row.until else "",
    }
