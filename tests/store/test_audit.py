"""The audit: nobody changes it, and whoever does all the same is found out, with the number of the entry."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import insert, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from activities.store import Store, StoreUnavailableError, audit
from activities.store.audit import BEFORE_THE_FIRST, AuditEntry, Chained, fingerprint
from activities.store.failures import RefusedByDatabaseError
from activities.store.tables import AuditTable
from tests.store.rows import AT, AUTHORITY
from tests.store.test_races import same_at_once

ENTRIES = 6
BROKEN = 4
"""The entry that somebody changes."""


def entry(number: int = 1, **more: Any) -> AuditEntry:
    about: dict[str, Any] = {"authority": AUTHORITY, "at": AT + timedelta(minutes=number), "who": f"who-{number % 2}"}
    about |= {"name": "Invented One", "kind": "person", "permission": "read_episodes", "way": "GET /v1/episodes"}
    about |= {"subjects": (f"e{number}", "c1"), "why": "invented", "outcome": "allowed", "request": f"r{number}"}
    return AuditEntry(**{**about, **more})


@pytest_asyncio.fixture
async def owner(database_url: str) -> AsyncGenerator[Store]:
    """A store as the database's owner uses it, who can do with the audit what the application cannot."""
    opened = Store(database_url)
    await opened.upgrade()
    yield opened
    await opened.close()


async def written(store: Store, count: int = ENTRIES, authority: str = AUTHORITY) -> list[Chained]:
    async with store.session() as session:
        return [await audit.append(session, entry(n, authority=authority)) for n in range(1, count + 1)]


async def without_triggers(store: Store) -> None:
    dialect = store._engine.dialect.name
    names = ["audit_only_added_to ON audit"] if dialect == "postgresql" else ["audit_no_update", "audit_no_delete"]
    async with store.session() as session:
        for name in names:
            await session.execute(text(f"DROP TRIGGER {name}"))


async def do(store: Store, statement: str, **values: Any) -> None:
    async with store.session() as session:
        await session.execute(text(statement), values)


async def test_entries_are_a_chain_of_each_authority(store: Store) -> None:
    mine, others = await written(store), await written(store, 2, "elsewhere")
    assert [one.number for one in mine] == [1, 2, 3, 4, 5, 6]
    assert [one.previous for one in mine] == [BEFORE_THE_FIRST, *(one.digest for one in mine[:-1])]
    assert [one.number for one in others] == [1, 2]
    async with store.session() as session:
        assert await audit.entries(session, AUTHORITY) == mine
        assert await audit.head(session, AUTHORITY) == (6, mine[-1].digest)
        assert await audit.head(session, "nowhere") == (0, BEFORE_THE_FIRST)
        assert await audit.authorities(session) == ["elsewhere", AUTHORITY]
    for authority, last in ((AUTHORITY, mine[-1]), ("elsewhere", others[-1])):
        state = await audit.verify(store, authority)
        assert (state.entries, state.head, state.broken_at, state.how) == (last.number, last.digest, None, None)
    assert (await audit.verify(store, "nowhere")).broken_at is None


@pytest.mark.parametrize(
    ("asked", "numbers"),
    [
        ({}, [1, 2, 3, 4, 5, 6]),
        ({"after": 4}, [5, 6]),
        ({"limit": 2}, [1, 2]),
        ({"after": 2, "limit": 2}, [3, 4]),
        ({"who": "who-1"}, [1, 3, 5]),
        ({"who": "who-1", "limit": 2}, [1, 3]),
        ({"subject": "e3"}, [3]),
        ({"subject": "c1", "after": 5}, [6]),
        ({"subject": "e"}, []),
        ({"subject": "e%"}, []),
        ({"subject": "E3"}, []),
        ({"subject": "e3", "who": "who-0"}, []),
        ({"subject": 'a "quoted" é'}, []),
    ],
)
async def test_entries_are_found_by_number_subject_and_who(
    store: Store, asked: dict[str, Any], numbers: list[int]
) -> None:
    await written(store)
    async with store.session() as session:
        assert [one.number for one in await audit.entries(session, AUTHORITY, **asked)] == numbers


async def test_what_cannot_be_text_in_a_database_is_written_down_all_the_same(store: Store) -> None:
    odd = entry(subjects=("a\x00b", 'a "quoted" é', "100%"), why="\ud800 why", way="GET /v1/\x00")
    async with store.session() as session:
        await audit.append(session, odd)
        for subject in odd.subjects:
            [found] = await audit.entries(session, AUTHORITY, subject=subject)
            assert (found.way, found.why) == ("GET /v1/\N{REPLACEMENT CHARACTER}", "\N{REPLACEMENT CHARACTER} why")
    assert (await audit.verify(store, AUTHORITY)).broken_at is None


async def test_an_instant_said_in_another_zone_is_the_same_instant_in_the_fingerprint(store: Store) -> None:
    summer = datetime(2026, 6, 10, 13, 30, 0, 123456, tzinfo=timezone(timedelta(hours=1)))
    async with store.session() as session:
        await audit.append(session, entry(at=summer))
    async with store.session() as session:
        [found] = await audit.entries(session, AUTHORITY)
    assert (found.at, found.at.tzinfo) == (summer, UTC)
    assert (await audit.verify(store, AUTHORITY)).broken_at is None
    with pytest.raises(ValueError, match="timezone"):
        entry(at=datetime(2026, 6, 10, 13, 30))  # noqa: DTZ001


async def test_writers_at_once_make_one_chain(store: Store) -> None:
    async def one(number: int) -> None:
        async with store.session() as session:
            await audit.append(session, entry(number))

    await asyncio.gather(*(one(number) for number in range(24)))
    state = await audit.verify(store, AUTHORITY)
    assert (state.entries, state.broken_at) == (24, None)


@pytest.mark.parametrize("gives_up", [False, True])
async def test_whoever_writes_second_waits_for_the_first_and_follows_it(postgres_url: str, gives_up: bool) -> None:
    store = Store(postgres_url)
    one, two = await same_at_once(store, lambda s: audit.append(s, entry()), gives_up=gives_up)
    assert (one.number, two.number) == (1, 1 if gives_up else 2)
    assert two.previous == (BEFORE_THE_FIRST if gives_up else one.digest)
    assert (await audit.verify(store, AUTHORITY)).entries == (1 if gives_up else 2)
    await store.close()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET why = 'another' WHERE number = 4",
        "UPDATE audit SET number = number",
        "DELETE FROM audit WHERE number = 6",
        "DELETE FROM audit",
    ],
)
async def test_the_database_refuses_changes_even_to_its_owner(owner: Store, statement: str) -> None:
    entries = await written(owner)
    with pytest.raises((StoreUnavailableError, RefusedByDatabaseError)) as refused:
        await do(owner, statement)
    assert "only ever added to" in str(refused.value) or "RaiseException" in str(refused.value)
    async with owner.session() as session:
        assert await audit.entries(session, AUTHORITY) == entries


async def test_the_database_refuses_to_empty_it(postgres_url: str) -> None:
    store = Store(postgres_url)
    await written(store)
    with pytest.raises(RefusedByDatabaseError, match="RaiseException"):
        await do(store, "TRUNCATE audit")
    assert (await audit.verify(store, AUTHORITY)).entries == ENTRIES
    await store.close()


OTHERWISE: dict[str, Any] = {
    "authority": "another",
    "at": AT,
    "subjects": ["e4"],
    "why": None,
    "outcome": "refused",
    "number": 99,
    "previous": "1" * 64,
    "digest": "2" * 64,
}


@pytest.mark.parametrize("field", [*AuditEntry.model_fields, "number", "previous", "digest"])
async def test_whatever_is_changed_is_found(owner: Store, field: str) -> None:
    await written(owner)
    await without_triggers(owner)
    async with owner.session() as session:
        changed = update(AuditTable).where(AuditTable.authority == AUTHORITY, AuditTable.number == BROKEN)
        await session.execute(changed.values({field: OTHERWISE.get(field, "another")}))
    state = await audit.verify(owner, AUTHORITY)
    assert (state.broken_at, state.entries) == (BROKEN, BROKEN - 1)
    words = {"authority": "missing", "number": "missing", "previous": "does not carry"}.get(field, "does not fit")
    assert words in str(state.how)


async def hide(session: AsyncSession, number: int) -> None:
    await session.execute(text("DELETE FROM audit WHERE number = :number"), {"number": number})


async def swap(session: AsyncSession, number: int) -> None:
    for was, will_be in ((number, 100), (number + 1, number), (100, number + 1)):
        moved = text("UPDATE audit SET number = :will_be WHERE number = :was")
        await session.execute(moved, {"will_be": will_be, "was": was})


async def repeat(session: AsyncSession, number: int) -> None:
    """Put an entry of one's own in between, with a fingerprint that fits, and move the later ones up."""
    for one in reversed(await audit.entries(session, AUTHORITY, after=number - 1)):
        await session.execute(text("UPDATE audit SET number = :n + 1 WHERE number = :n"), {"n": one.number})
    [before] = await audit.entries(session, AUTHORITY, after=number - 2, limit=1)
    mine = entry(77)
    own = fingerprint(mine, number, before.digest)
    row = mine.model_dump() | {"number": number, "previous": before.digest, "digest": own}
    session.add(AuditTable(**row | {"subjects": list(mine.subjects)}))


async def spoil_text(session: AsyncSession, number: int) -> None:
    await session.execute(text("UPDATE audit SET subjects = 'null' WHERE number = :number"), {"number": number})


@pytest.mark.parametrize(
    ("tamper", "found_at", "how"),
    [
        (hide, BROKEN, f"entry {BROKEN} is missing; the next is {BROKEN + 1}"),
        (swap, BROKEN, "it does not carry the fingerprint of the entry before"),
        (repeat, BROKEN + 1, "it does not carry the fingerprint of the entry before"),
        (spoil_text, BROKEN, "it cannot be read"),
    ],
)
async def test_a_row_taken_out_put_in_moved_or_spoilt_is_found(
    owner: Store, tamper: Callable[[AsyncSession, int], Any], found_at: int, how: str
) -> None:
    await written(owner)
    await without_triggers(owner)
    async with owner.session() as session:
        await tamper(session, BROKEN)
    state = await audit.verify(owner, AUTHORITY)
    assert (state.broken_at, state.how) == (found_at, how)


async def test_an_instant_that_is_none_is_found(tmp_path: Any) -> None:
    store = Store(f"sqlite+aiosqlite:///{tmp_path / 'spoilt.sqlite'}")
    await store.upgrade()
    await written(store)
    await without_triggers(store)
    await do(store, "UPDATE audit SET at = 'never' WHERE number = 4")
    assert (await audit.verify(store, AUTHORITY)).broken_at == BROKEN
    await store.close()


async def test_entries_cut_off_are_found_by_what_was_written_down_before(owner: Store) -> None:
    entries = await written(owner)
    known = (ENTRIES, entries[-1].digest)
    assert (await audit.verify(owner, AUTHORITY, known)).broken_at is None
    await without_triggers(owner)
    await do(owner, "DELETE FROM audit WHERE number > 4")
    assert (await audit.verify(owner, AUTHORITY)).broken_at is None, "nobody can tell without"
    state = await audit.verify(owner, AUTHORITY, known)
    assert (state.broken_at, state.entries) == (5, 4)
    assert "entries up to 6 were there" in str(state.how)
    async with owner.session() as session:
        for n in (5, 6, 7):
            await audit.append(session, entry(n, why="made anew"))
    state = await audit.verify(owner, AUTHORITY, known)
    assert (state.broken_at, state.how) == (6, "it is not the entry whose fingerprint was written down")
    await do(owner, "DELETE FROM audit")
    assert (await audit.verify(owner, AUTHORITY, known)).broken_at == 1


async def test_a_whole_chain_made_anew_is_found_by_what_was_written_down_before(owner: Store) -> None:
    entries = await written(owner)
    await without_triggers(owner)
    await do(owner, "DELETE FROM audit")
    async with owner.session() as session:
        for n in range(1, ENTRIES + 1):
            await audit.append(session, entry(n, why="another" if n == 1 else "invented"))
    assert (await audit.verify(owner, AUTHORITY)).broken_at is None
    assert (await audit.verify(owner, AUTHORITY, (2, entries[1].digest))).broken_at == 2


async def test_a_long_chain_is_read_page_by_page(owner: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "_AT_ONCE", 7)
    entries = await written(owner, 22)
    assert (await audit.verify(owner, AUTHORITY)).entries == 22
    assert (await audit.verify(owner, AUTHORITY, (14, entries[13].digest))).broken_at is None
    assert (await audit.verify(owner, AUTHORITY, (14, "0" * 64))).broken_at == 14
    async with owner.session() as session:
        assert [one.number for one in await audit.entries(session, AUTHORITY, limit=100)] == list(range(1, 23))
        assert len(await audit.entries(session, AUTHORITY, limit=100, subject="c1")) == 22
    await without_triggers(owner)
    await do(owner, "UPDATE audit SET subjects = '{}' WHERE number = 18")
    state = await audit.verify(owner, AUTHORITY)
    assert (state.broken_at, state.how) == (18, "it cannot be read")
    await do(owner, "DELETE FROM audit WHERE number = 8")
    assert (await audit.verify(owner, AUTHORITY)).broken_at == 8


async def test_ten_thousand_entries_are_verified_in_seconds(owner: Store) -> None:
    rows: list[dict[str, Any]] = []
    previous = BEFORE_THE_FIRST
    for number in range(1, 10_001):
        one = entry(number)
        digest = fingerprint(one, number, previous)
        rows.append(one.model_dump() | {"subjects": list(one.subjects)})
        rows[-1] |= {"number": number, "previous": previous, "digest": digest}
        previous = digest
    async with owner.session() as session:
        await session.execute(insert(AuditTable), rows)
    begun = time.monotonic()
    assert (await audit.verify(owner, AUTHORITY)).entries == 10_000
    took = time.monotonic() - begun
    print(f"{10_000 / took:.0f} entries a second")  # noqa: T201
    assert took < 20


async def numbers_of(store: Store, before: int | None = None, limit: int = 10, **sought: Any) -> list[int]:
    async with store.snapshot() as session:
        found = await audit.latest_entries(session, AUTHORITY, audit.Sought(**sought), before=before, limit=limit)
    return [one.number for one in found]


SOUGHT: list[tuple[dict[str, Any], list[int]]] = [
    ({}, [6, 5, 4, 3, 2, 1]),
    ({"limit": 2}, [6, 5]),
    ({"before": 5, "limit": 2}, [4, 3]),
    ({"since": AT + timedelta(minutes=2), "until": AT + timedelta(minutes=4)}, [3, 2]),
    ({"who": "who-1"}, [5, 3, 1]),
    ({"who": "invented o"}, [6, 5, 4, 3, 2, 1]),
    ({"who": "%"}, []),
    ({"permission": "read_episodes"}, [6, 5, 4, 3, 2, 1]),
    ({"permission": "report"}, []),
    ({"outcome": "refused"}, []),
    ({"subject": "e4"}, [4]),
    ({"subject": "c1", "before": 3}, [2, 1]),
    ({"subject": "c"}, []),
]


@pytest.mark.parametrize(("sought", "found"), SOUGHT)
async def test_the_latest_are_found_as_they_are_sought(store: Store, sought: dict[str, Any], found: list[int]) -> None:
    await written(store)
    await written(store, authority="elsewhere")
    assert await numbers_of(store, **sought) == found


async def test_only_what_came_since_is_read_when_it_is_asked_so(owner: Store) -> None:
    there = await written(owner)
    await without_triggers(owner)
    await do(owner, "UPDATE audit SET why = 'mended' WHERE number = 2")
    assert (await audit.verify(owner, AUTHORITY)).broken_at == 2
    for number, broken_at in ((1, 2), (2, 2), (3, None), (ENTRIES, None)):
        known = (number, there[number - 1].digest)
        state = await audit.verify(owner, AUTHORITY, known, only_since_known=True)
        assert (state.broken_at, known) == (broken_at, known)
    await do(owner, "DELETE FROM audit WHERE number = 5")
    state = await audit.verify(owner, AUTHORITY, (4, there[3].digest), only_since_known=True)
    assert (state.broken_at, state.how) == (5, "entry 5 is missing; the next is 6")
    state = await audit.verify(owner, AUTHORITY, (9, there[3].digest), only_since_known=True)
    assert state.how == "entries up to 9 were there when the fingerprint was written down"
