"""What tells this database from every other."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from activities.store.tables import DatabaseIdTable


async def database_id(session: AsyncSession) -> str:
    """This database's own id, made with its schema. A copy of it has the same."""
    return (await session.scalars(select(DatabaseIdTable.id))).one()
