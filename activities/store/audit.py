"""The audit: who asked for what, when and why, and whether they were allowed; a chain that nobody mends unseen."""

import hashlib
import json
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal, Protocol
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field
from sqlalchemy import Select, Text, cast, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from activities.store.statements import take_turns
from activities.store.tables import AuditTable

BEFORE_THE_FIRST: Final = "0" * 64
"""What the first entry of an authority carries in the place of a fingerprint of the one before."""

_AT_ONCE: Final = 1000
_NO_TEXT: Final = dict.fromkeys((0, *range(0xD800, 0xE000)), "\N{REPLACEMENT CHARACTER}")
"""What can stand in a path or a reason, and no database takes: what was asked is written down all the same."""

_LONGEST_SUBJECT: Final = 500

AuditOutcome = Literal["allowed", "refused", "not_found"]


def _writable(text: str) -> str:
    return text.translate(_NO_TEXT)


def _in_utc(at: datetime) -> datetime:
    # The fingerprint is of the instant as the database gives it back.
    return at.astimezone(UTC)


_Words = Annotated[str, AfterValidator(_writable)]


def subject_named(said: str) -> str:
    """A subject as entries have it, however an address or a search spells it: a UUID has many spellings."""
    try:
        return str(UUID(said))
    except ValueError:
        return said[:_LONGEST_SUBJECT]


class AuditEntry(BaseModel):
    """What somebody asked for. `at` is UTC; `way` the route or command; `request` the sender's key, or ours."""

    model_config = ConfigDict(frozen=True)
    authority: _Words = Field(description="the authority it was asked for")
    at: Annotated[AwareDatetime, AfterValidator(_in_utc)] = Field(description="when")
    who: _Words = Field(description="the id of who asked")
    name: _Words = Field(description="how who asked is called")
    kind: _Words = Field(description="`person`, `system` or `command`")
    permission: _Words = Field(description="the permission it needed")
    way: _Words = Field(description="the route or command")
    subjects: tuple[_Words, ...] = Field(default=(), description="the ids of what it was about and showed")
    why: _Words | None = Field(default=None, description="the reason that was given")
    outcome: str = Field(description="`allowed`, `refused` or `not_found`")
    request: _Words = Field(description="the sender's key, or an id that Homeward made: each answer carries it")


class Chained(AuditEntry):
    """An entry in its place: its number, the fingerprint of the entry before, and its own."""

    number: int = Field(description="its place, from 1")
    previous: str = Field(description="the fingerprint of the entry before")
    digest: str = Field(description="its own fingerprint")

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


class Sought(BaseModel):
    """Which entries are wanted; None is no condition. `since` and `until` are UTC, `until` itself left out.

    `who` is an id of a principal, or a part of how one is called.
    """

    model_config = ConfigDict(frozen=True)
    since: datetime | None = None
    until: datetime | None = None
    who: str | None = None
    permission: str | None = None
    outcome: AuditOutcome | None = None
    subject: str | None = None


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


async def digest_at(session: AsyncSession, authority: str, number: int) -> str | None:
    """The fingerprint that an entry carries; None when it is not there."""
    chosen = select(AuditTable.digest).where(AuditTable.authority == authority, AuditTable.number == number)
    return await session.scalar(chosen)


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
        wanted = min(limit - len(found), _AT_ONCE)
        page = await _page(session, authority, after, subject=subject, who=who, limit=wanted)
        found += [one for one in page if subject is None or subject in one.subjects]
        if len(page) < wanted:
            break
        after = page[-1].number
    return found


async def latest_entries(
    session: AsyncSession, authority: str, sought: Sought, *, before: int | None = None, limit: int = _AT_ONCE
) -> list[Chained]:
    """The entries of an authority that are sought, below a number if one is given, the latest first."""
    found: list[Chained] = []
    while len(found) < limit:
        wanted = min(limit - len(found), _AT_ONCE)
        chosen = _sought(authority, sought).order_by(AuditTable.number.desc()).limit(wanted)
        page = await _read(session, chosen if before is None else chosen.where(AuditTable.number < before))
        found += [one for one in page if sought.subject is None or sought.subject in one.subjects]
        if len(page) < wanted:
            break
        before = page[-1].number
    return found


def _sought(authority: str, sought: Sought) -> Select[Any]:
    chosen = _of(authority, sought.subject)
    if sought.since is not None:
        chosen = chosen.where(AuditTable.at >= sought.since)
    if sought.until is not None:
        chosen = chosen.where(AuditTable.at < sought.until)
    if sought.who is not None:
        called = AuditTable.name.icontains(sought.who, autoescape=True)
        chosen = chosen.where(or_(AuditTable.who == sought.who, called))
    if sought.permission is not None:
        chosen = chosen.where(AuditTable.permission == sought.permission)
    if sought.outcome is not None:
        chosen = chosen.where(AuditTable.outcome == sought.outcome)
    return chosen


async def _page(
    session: AsyncSession,
    authority: str,
    after: int,
    *,
    subject: str | None = None,
    who: str | None = None,
    limit: int = _AT_ONCE,
) -> list[Chained]:
    chosen = _of(authority, subject).where(AuditTable.number > after)
    if who is not None:
        chosen = chosen.where(AuditTable.who == who)
    return await _read(session, chosen.order_by(AuditTable.number).limit(limit))


def _of(authority: str, subject: str | None) -> Select[Any]:
    """An authority's entries, by columns; those that may be about a subject."""
    # By columns, not as objects: the session must not give back what it knew before somebody changed it.
    chosen = select(*AuditTable.__table__.columns).where(AuditTable.authority == authority)
    if subject is not None and subject.isascii():
        # Whatever the database makes of JSON, the subject stands in its text; whoever asked looks at each again.
        chosen = chosen.where(cast(AuditTable.subjects, Text).contains(json.dumps(subject)[1:-1], autoescape=True))
    return chosen


async def _read(session: AsyncSession, chosen: Select[Any]) -> list[Chained]:
    return [Chained.model_validate(dict(row)) for row in (await session.execute(chosen)).mappings()]


class Sessions(Protocol):
    """Whatever gives sessions, as a store does."""

    def session(self) -> AbstractAsyncContextManager[AsyncSession]:
        """A transaction."""
        ...


async def verify(
    store: Sessions, authority: str, known: tuple[int, str] | None = None, *, only_since_known: bool = False
) -> ChainState:
    """Read an authority's whole chain, or only from what is known of it on; where it is broken first.

    `known` is a number and fingerprint written down earlier, elsewhere: without
    one, nobody can tell that the last entries were cut off, or the whole chain
    made anew. Each page is read in a transaction of its own: what is only ever
    added to can be read so, and whoever writes meanwhile need not wait.
    """
    state, at_once, how = ChainState(authority=authority, entries=0, head=BEFORE_THE_FIRST), _AT_ONCE, None
    if known and only_since_known:
        async with store.session() as session:
            before = await digest_at(session, authority, known[0] - 1)
        # The first that is read is the one whose fingerprint was written down: it vouches for what is before it.
        state = state.model_copy(update={"entries": known[0] - 1, "head": before or BEFORE_THE_FIRST})
    while how is None:
        try:
            async with store.session() as session:
                page = await _page(session, authority, state.entries, limit=at_once)
        except (ValueError, TypeError):
            # Which of the page it is shows when they are read one at a time.
            how, at_once = ("it cannot be read" if at_once == 1 else None), 1
            continue
        for one in page:
            if how := _wrong(one, state.entries + 1, state.head, known):
                break
            state = state.model_copy(update={"entries": one.number, "head": one.digest})
        if len(page) < at_once:
            break
    if how is None and known and known[0] > state.entries:
        how = f"entries up to {known[0]} were there when the fingerprint was written down"
    return state.model_copy(update={"broken_at": state.entries + 1, "how": how}) if how else state


def _wrong(one: Chained, number: int, previous: str, known: tuple[int, str] | None) -> str | None:
    if one.number != number:
        return f"entry {number} is missing; the next is {one.number}"
    if one.previous != previous:
        return "it does not carry the fingerprint of the entry before"
    if one.digest != one.true_digest:
        return "what it says does not fit its fingerprint"
    if known and known[0] == number and known[1] != one.digest:
        return "it is not the entry whose fingerprint was written down"
    return None


async def authorities(session: AsyncSession) -> Sequence[str]:
    """The authorities that have an audit."""
    return (await session.scalars(select(AuditTable.authority).distinct().order_by(AuditTable.authority))).all()
