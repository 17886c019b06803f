"""Opening the database, and telling its absence from a mistake."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, event, inspect, make_url, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from activities.store.tables import MessageTable, Table

LOCK_PATIENCE_SECONDS: Final = 20
"""How long a statement waits for another process to let go of the SQLite file."""


class StoreUnavailableError(Exception):
    """The database cannot be read or written now: away, full, read-only or locked. Its text is one line."""


class Store:
    """A database, by its SQLAlchemy URL. Made by composition, shared by all who read and write."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._engine = create_async_engine(url)
        self._sessions = async_sessionmaker(self._engine, expire_on_commit=False)
        if self._engine.dialect.name == "sqlite":
            event.listen(self._engine.sync_engine, "connect", _settle_sqlite)
            event.listen(self._engine.sync_engine, "begin", _begin_at_once)

    async def create_tables(self) -> None:
        """Create the tables that are not there. Raises StoreUnavailableError."""
        path = make_url(self.url).database
        if self._engine.dialect.name == "sqlite" and path and not Path(path).parent.is_dir():
            raise StoreUnavailableError(f"the database's folder {Path(path).parent} does not exist")
        with _as_unavailable():
            async with self._engine.begin() as connection:
                await connection.run_sync(Table.metadata.create_all)
                if lacking := await connection.run_sync(_lacking):
                    raise StoreUnavailableError(
                        f"the database was made by an earlier Homeward ({lacking} is not as it is now), and there are "
                        "no migrations yet: name another HOMEWARD_DATA_DIR or HOMEWARD_DATABASE_URL"
                    )

    @asynccontextmanager
    async def session(self) -> AsyncGenerator[AsyncSession]:
        """A transaction: committed at the end, rolled back on any exception. Raises StoreUnavailableError."""
        with _as_unavailable():
            async with self._sessions.begin() as session:
                yield session

    async def ping(self) -> None:
        """Read from the database, as whoever uses it does. Raises StoreUnavailableError."""
        async with self.session() as session:
            await session.execute(select(MessageTable.id).limit(1))

    async def close(self) -> None:
        """Let go of all connections."""
        await self._engine.dispose()


def _lacking(connection: Connection) -> str | None:
    """The first table whose columns, or what they may leave empty, differ from the model; None when none does."""
    inspector = inspect(connection)
    for table in Table.metadata.sorted_tables:
        there = {column["name"]: column["nullable"] for column in inspector.get_columns(table.name)}
        if any(there.get(column.name) != column.nullable for column in table.columns):
            return table.name
    return None


class _as_unavailable:  # noqa: N801 - reads as a verb where it is used
    """Turn the driver's operational failures into one plain line; leave programming mistakes as they are."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        if isinstance(error, DBAPIError) and _is_operational(error):
            # The statement and its values stay out of the message: they may speak of a child.
            raise StoreUnavailableError(f"the database cannot be used now: {error.orig}") from None
        if isinstance(error, OSError) and not isinstance(error, StoreUnavailableError):
            raise StoreUnavailableError(f"the database cannot be reached: {error.strerror or error}") from None


def _is_operational(error: DBAPIError) -> bool:
    return type(error).__name__ in ("OperationalError", "InterfaceError", "InternalError", "DatabaseError")


def _settle_sqlite(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {LOCK_PATIENCE_SECONDS * 1000}")
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()
    # SQLAlchemy begins transactions itself, below; the driver must not begin one late.
    connection.isolation_level = None


def _begin_at_once(connection: Any) -> None:
    # Taking the write lock at the start waits for other writers; taking it half-way through can only fail.
    connection.exec_driver_sql("BEGIN IMMEDIATE")
