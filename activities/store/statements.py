"""Statements that every table needs and each database spells in its own way."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import delete, false
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from activities.store.tables import SchemaNoteTable, Table


async def upsert(session: AsyncSession, table: type[Table], values: dict[str, Any]) -> None:
    """Insert a row, or bring the row with the same primary key to these values."""
    dialect = session.get_bind().dialect.name
    insert = (postgresql if dialect == "postgresql" else sqlite).insert(table).values(values)
    keys = [column.name for column in table.__table__.primary_key]
    rest = {name: value for name, value in values.items() if name not in keys}
    await session.execute(insert.on_conflict_do_update(index_elements=keys, set_=rest))


async def upsert_all(session: AsyncSession, table: type[Table], rows: Sequence[dict[str, Any]]) -> None:
    """Insert rows, or bring those with the same primary keys to these values, in one statement."""
    if not rows:
        return
    dialect = session.get_bind().dialect.name
    insert = (postgresql if dialect == "postgresql" else sqlite).insert(table)
    keys = [column.name for column in table.__table__.primary_key]
    rest = {name: insert.excluded[name] for name in rows[0] if name not in keys}
    await session.execute(insert.on_conflict_do_update(index_elements=keys, set_=rest), list(rows))


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


async def require_writable(session: AsyncSession) -> None:
    """Write nothing, which a database that only reads refuses all the same."""
    await session.execute(delete(SchemaNoteTable).where(false()))
