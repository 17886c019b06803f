"""The audit: who asked for what, when and why, and whether they were allowed; a chain that nobody mends unseen."""

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from activities.store.statements import take_turns
from activities.store.tables import AuditTable

BEFORE_THE_FIRST: Final = "0" * 64
"""What the first entry of an authority carries in the place of a fingerprint of the one before."""

_AT_ONCE: Final = 1000

AuditOutcome = Literal["allowed", "refused", "not_found"]


class AuditEntry(BaseModel):
    """What somebody asked for. `at` is UTC; `way` the route or command; `request` the sender's key, or ours."""

    model_config = ConfigDict(frozen=True, from_attributes=True)
    authority: str
    at: datetime
    who: str
    name: str
    kind: str
    permission: str
    way: str
    subjects: tuple[str, ...] = ()
    why: str | None = None
    outcome: AuditOutcome
    request: str


class Chained(AuditEntry):
    """An entry in its place: its number, the fingerprint of the entry before, and its own."""

    number: int
    previous: str
    digest: str

    @property
    def true_digest(self) -> str:
        """The fingerprint that the entry must have."""
        return fingerprint(self, self.number, self.previous)


class ChainState(BaseModel):
    """What reading a whole chain has shown: how many entries, the last fingerprint, and the first that is wrong."""

    model_config = ConfigDict(frozen=True)
    authority: str
    entries: int
    head: str
    broken_at: int | None = None
    how: str | None = None


def fingerprint(entry: AuditEntry, number: int, previous: str) -> str:
    """The SHA-256, in hexadecimal, of all that an entry says and of the fingerprint before it."""
    said: dict[str, Any] = {name: getattr(entry, name) for name in AuditEntry.model_fields}
    said |= {"at": entry.at.isoformat(timespec="microseconds"), "subjects": list(entry.subjects)}
    said |= {"number": number, "previous": previous}
    return hashlib.sha256(json.dumps(said, sort_keys=True, ensure_ascii=True).encode()).hexdigest()


async def append(session: AsyncSession, entry: AuditEntry) -> Chained:
    """Add an entry at the end of its authority's chain; one writer at a time."""
    await take_turns(session, "audit", [entry.authority])
    number, previous = await head(session, entry.authority)
    own = fingerprint(entry, number + 1, previous)
    chained = Chained(**entry.model_dump(), number=number + 1, previous=previous, digest=own)
    session.add(AuditTable(**chained.model_dump() | {"subjects": list(entry.subjects)}))
    await session.flush()
    return chained


async def head(session: AsyncSession, authority: str) -> tuple[int, str]:
    """The number and fingerprint of an authority's last entry; 0 and zeros when it has none."""
    chosen = select(AuditTable.number, AuditTable.digest).where(AuditTable.authority == authority)
    last = (await session.execute(chosen.order_by(AuditTable.number.desc()).limit(1))).first()
    return (last[0], last[1]) if last else (0, BEFORE_THE_FIRST)


async def entries(
    session: AsyncSession,
    authority: str,
    *,
    after: int = 0,
    limit: int = _AT_ONCE,
    subject: str | None = None,
    who: str | None = None,
) -> list[Chained]:
    """Entries of an authority beyond a number, in order; those about one subject or of one principal."""
    found: list[Chained] = []
    while len(found) < limit:
        chosen = select(AuditTable).where(AuditTable.authority == authority, AuditTable.number > after)
        if who is not None:
            chosen = chosen.where(AuditTable.who == who)
        rows = (await session.scalars(chosen.order_by(AuditTable.number).limit(_AT_ONCE))).all()
        found += [Chained.model_validate(row) for row in rows if subject is None or subject in row.subjects]
        if len(rows) < _AT_ONCE:
            break
        after = rows[-1].number
    return found[:limit]


async def verify(session: AsyncSession, authority: str, known: tuple[int, str] | None = None) -> ChainState:
    """Read an authority's whole chain; where it is broken first.

    `known` is a number and fingerprint written down earlier, elsewhere: without
    one, nobody can tell that the last entries were cut off.
    """
    number, previous = 0, BEFORE_THE_FIRST
    while page := await entries(session, authority, after=number):
        for one in page:
            if how := _wrong(one, number + 1, previous):
                return ChainState(authority=authority, entries=number, head=previous, broken_at=number + 1, how=how)
            if known and known[0] == one.number and known[1] != one.digest:
                how = "it is not the entry whose fingerprint was written down"
                return ChainState(authority=authority, entries=number, head=previous, broken_at=one.number, how=how)
            number, previous = one.number, one.digest
    if known and known[0] > number:
        how = f"entries up to {known[0]} were there when the fingerprint was written down"
        return ChainState(authority=authority, entries=number, head=previous, broken_at=number + 1, how=how)
    return ChainState(authority=authority, entries=number, head=previous)


def _wrong(one: Chained, number: int, previous: str) -> str | None:
    if one.number != number:
        return f"entry {number} is missing; the next is {one.number}"
    if one.previous != previous:
        return "it does not carry the fingerprint of the entry before"
    if one.digest != one.true_digest:
        return "what it says does not fit its fingerprint"
    return None


async def authorities(session: AsyncSession) -> Sequence[str]:
    """The authorities that have an audit."""
    return (await session.scalars(select(AuditTable.authority).distinct().order_by(AuditTable.authority))).all()
