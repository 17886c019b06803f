"""Statements that every table needs and each database spells in its own way.

SQLite has one writer at a time. PostgreSQL has many, and each of them reads
what others wrote before they are done; so whoever decides by what is there
before writing takes turns first.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from sqlalchemy import UniqueConstraint, delete, false, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from activities.store.tables import SchemaNoteTable, Table

_NAMES_AT_ONCE: Final = 500


def batched(names: Sequence[str]) -> Iterator[Sequence[str]]:
    """The same names, as many at once as every database takes in one statement."""
    for start in range(0, len(names), _NAMES_AT_ONCE):
        yield names[start : start + _NAMES_AT_ONCE]


async def upsert(session: AsyncSession, table: type[Table], values: dict[str, Any]) -> None:
    """Insert a row, or bring the row with the same primary key to these values, but for those that identify it."""
    dialect = session.get_bind().dialect.name
    insert = (postgresql if dialect == "postgresql" else sqlite).insert(table).values(values)
    keys, identity = _keys(table), _identity(table)
    rest = {name: value for name, value in values.items() if name not in identity}
    await session.execute(insert.on_conflict_do_update(index_elements=keys, set_=rest))


async def upsert_all(session: AsyncSession, table: type[Table], rows: Sequence[dict[str, Any]]) -> None:
    """Insert rows, or bring those with the same primary keys to these values, as `upsert` does, in one statement."""
    if not rows:
        return
    dialect = session.get_bind().dialect.name
    insert = (postgresql if dialect == "postgresql" else sqlite).insert(table)
    keys, identity = _keys(table), _identity(table)
    rest = {name: insert.excluded[name] for name in rows[0] if name not in identity}
    # In one order whoever writes them, so that two who write the same rows wait for one another, and not for ever.
    ordered = sorted(rows, key=lambda row: [row[name] for name in keys])
    await session.execute(insert.on_conflict_do_update(index_elements=keys, set_=rest), ordered)


def _keys(table: type[Table]) -> list[str]:
    return [column.name for column in table.__table__.primary_key]


def _identity(table: type[Table]) -> set[str]:
    # Writing one of these, even as it was, PostgreSQL would hold up everybody who writes a row that speaks of this one.
    rules = Table.metadata.tables[table.__tablename__].constraints
    unique = (rule.columns for rule in rules if isinstance(rule, UniqueConstraint))
    return {*_keys(table), *(column.name for columns in unique for column in columns)}


async def insert_once(session: AsyncSession, table: type[Table], values: dict[str, Any]) -> bool:
    """Insert a row unless one with a like key is there; whether it was inserted."""
    dialect = session.get_bind().dialect.name
    insert = (postgresql if dialect == "postgresql" else sqlite).insert(table).values(values)
    first_key = next(iter(table.__table__.primary_key))
    inserted = await session.execute(insert.on_conflict_do_nothing().returning(first_key))
    return inserted.first() is not None


async def insert_all_once(session: AsyncSession, table: type[Table], rows: Sequence[dict[str, Any]]) -> None:
    """Insert those of the rows for which none with a like key is there, in one statement."""
    if not rows:
        return
    dialect = session.get_bind().dialect.name
    insert = (postgresql if dialect == "postgresql" else sqlite).insert(table)
    await session.execute(insert.on_conflict_do_nothing(), list(rows))


async def take_turns(session: AsyncSession, what: str, names: Iterable[str]) -> None:
    """Wait until nobody else is about these things of a kind; whoever comes after waits until this transaction ends.

    What is read after this is what those before have written. On SQLite every
    transaction is alone from its beginning.
    """
    if session.get_bind().dialect.name != "postgresql":
        return
    keys = sorted({_number_of(f"{what}/{name}") for name in names})
    for key in keys:
        await session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": key})


def _number_of(name: str) -> int:
    """A whole number of 64 bits, the same everywhere."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), signed=True)


async def require_writable(session: AsyncSession) -> None:
    """Write nothing, which a database that only reads refuses all the same."""
    await session.execute(delete(SchemaNoteTable).where(false()))
