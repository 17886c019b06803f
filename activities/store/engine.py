"""Opening the database: one model, PostgreSQL or an SQLite file."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from sqlite3 import Error, OperationalError
from time import monotonic, sleep
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, NullPool, event, make_url, select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine

from activities.store import grants, schema
from activities.store.failures import SchemaError, StoreUnavailableError, as_unavailable
from activities.store.schema import SchemaState
from activities.store.tables import MessageTable
from activities.store.urls import driven_url, is_sqlite

LOCK_PATIENCE_SECONDS: Final = 20
"""How long a statement waits for another process to let go of what it holds."""

STATEMENT_PATIENCE_SECONDS: Final = 60
"""How long a statement may take, and a transaction lie idle, on PostgreSQL."""

_CONNECT_PATIENCE_SECONDS: Final = 5
_WAL_PAUSE_SECONDS: Final = 0.05
_CONNECTIONS: Final = 5
_CONNECTIONS_MORE: Final = 5
_CONNECTION_AGE_SECONDS: Final = 1800

Answer = TypeVar("Answer")


class Store:
    """A database, by its URL. Made by composition, shared by all who read and write."""

    def __init__(self, url: str) -> None:
        self.url = driven_url(url)
        self._engine = _engine(self.url)
        self._sessions = async_sessionmaker(self._engine, expire_on_commit=False)
        self._snapshots = async_sessionmaker(_snapshots(self._engine), expire_on_commit=False)

    async def make_ready(self) -> None:
        """Upgrade an SQLite file, which is ours alone to mind; check any other database.

        Raises SchemaError when it cannot be worked with, or StoreUnavailableError.
        """
        if is_sqlite(self.url):
            await self.upgrade()
        else:
            await self.check_schema()

    async def upgrade(self) -> tuple[str, ...]:
        """Bring the schema to this Homeward's revision; the revisions that took.

        Several processes may ask at once: one does it. A schema that is ahead is
        left as it is. Raises SchemaError when it cannot be worked with, or
        StoreUnavailableError.
        """
        path = make_url(self.url).database
        if is_sqlite(self.url) and path and not Path(path).parent.is_dir():
            raise StoreUnavailableError(f"the database's folder {Path(path).parent} does not exist")
        state = await self.schema()
        done = await self._migrated(schema.bring_up) if state.pending else ()
        await self.check_schema()
        return done

    async def grant(self, role: str) -> None:
        """Give a role of PostgreSQL what the application needs, and no more; to be done by the tables' owner.

        Raises ValueError, one line, when the role would be able to change the
        audit; SchemaError or StoreUnavailableError.
        """
        await self.check_schema()
        await self._migrated(lambda connection: grants.grant(connection, role))

    async def downgrade(self, revision: str) -> None:
        """Bring the schema back to an earlier revision, or to `base`. What the dropped tables held is lost.

        Raises ValueError, one line, when the schema does not stand above that
        revision; SchemaError or StoreUnavailableError.
        """
        await self._migrated(lambda connection: schema.bring_down(connection, revision))

    async def schema(self) -> SchemaState:
        """Where the schema stands. Raises SchemaError for tables that are not Homeward's, or StoreUnavailableError."""
        return await self._asked(self._engine, schema.state_of)

    async def check_schema(self) -> None:
        """Raise SchemaError, in one line, unless this Homeward can work with the schema as it is."""
        state = await self.schema()
        if not state.usable:
            raise SchemaError(state.trouble())

    async def _migrated(self, work: Callable[[Connection], Answer]) -> Answer:
        """Do work on the schema, all of it or nothing."""
        engine = _engine(self.url, migrates=True)
        try:
            return await self._asked(engine, work)
        finally:
            await engine.dispose()

    async def _asked(self, engine: AsyncEngine, work: Callable[[Connection], Answer]) -> Answer:
        with as_unavailable():
            try:
                async with engine.begin() as connection:
                    return await connection.run_sync(work)
            except schema.ForeignTablesError as foreign:
                raise SchemaError(str(foreign)) from None

    @asynccontextmanager
    async def session(self) -> AsyncGenerator[AsyncSession]:
        """A transaction: committed at the end, rolled back on any exception. Raises StoreUnavailableError."""
        with as_unavailable():
            async with self._sessions.begin() as session:
                yield session

    @asynccontextmanager
    async def snapshot(self) -> AsyncGenerator[AsyncSession]:
        """A transaction that reads all it reads as of one moment, and writes nothing. Raises StoreUnavailableError."""
        with as_unavailable():
            async with self._snapshots.begin() as session:
                yield session

    async def ping(self) -> None:
        """Read from the database, as whoever uses it does. Raises StoreUnavailableError."""
        async with self.session() as session:
            await session.execute(select(MessageTable.id).limit(1))

    async def close(self) -> None:
        """Let go of all connections."""
        await self._engine.dispose()


def _engine(url: str, *, migrates: bool = False) -> AsyncEngine:
    """`migrates`: one connection for changes of tables, while which SQLite must not look at what speaks of them."""
    if not is_sqlite(url):
        return _postgresql(url, **({"poolclass": NullPool} if migrates else _POOL))
    engine = create_async_engine(url, hide_parameters=True, **({"poolclass": NullPool} if migrates else {}))
    event.listen(engine.sync_engine, "connect", _settle_migrating_sqlite if migrates else _settle_sqlite)
    event.listen(engine.sync_engine, "begin", _begin_at_once)
    event.listen(engine.sync_engine, "invalidate", _let_go)
    return engine


_POOL: Final[dict[str, Any]] = {
    "pool_pre_ping": True,
    "pool_size": _CONNECTIONS,
    "max_overflow": _CONNECTIONS_MORE,
    "pool_timeout": LOCK_PATIENCE_SECONDS,
    "pool_recycle": _CONNECTION_AGE_SECONDS,
}


def _postgresql(url: str, **more: Any) -> AsyncEngine:
    settings = {
        "timezone": "UTC",
        "lock_timeout": f"{LOCK_PATIENCE_SECONDS}s",
        "statement_timeout": f"{STATEMENT_PATIENCE_SECONDS}s",
        "idle_in_transaction_session_timeout": f"{STATEMENT_PATIENCE_SECONDS}s",
    }
    asked = make_url(url).query.get("options", "")
    options = " ".join((*(f"-c {name}={value}" for name, value in settings.items()), str(asked))).strip()
    arguments = {
        "options": options,
        "connect_timeout": _CONNECT_PATIENCE_SECONDS,
        "application_name": "homeward",
        # A statement that was prepared before a migration may not be one after it.
        "prepare_threshold": None,
    }
    # What this relies on: after waiting for a lock, a statement sees what whoever held it has written.
    return create_async_engine(
        url, hide_parameters=True, isolation_level="READ COMMITTED", connect_args=arguments, **more
    )


def _snapshots(engine: AsyncEngine) -> AsyncEngine:
    if engine.dialect.name != "postgresql":
        return engine
    return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


def _settle_sqlite(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {LOCK_PATIENCE_SECONDS * 1000}")
    _begin_wal(cursor)
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()
    # SQLAlchemy begins transactions itself, below; the driver must not begin one late.
    connection.isolation_level = None


def _begin_wal(cursor: Any) -> None:
    """Have a new file keep a write-ahead log.

    Two that open a new file at once cannot both change it, and SQLite tells one
    of them so without the waiting it does elsewhere.
    """
    until = monotonic() + LOCK_PATIENCE_SECONDS
    while True:
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
        except OperationalError as locked:
            if "locked" not in str(locked) or monotonic() > until:
                raise
            sleep(_WAL_PAUSE_SECONDS)
        else:
            return


def _settle_migrating_sqlite(connection: Any, record: object) -> None:
    _settle_sqlite(connection, record)
    cursor = connection.cursor()
    cursor.execute("PRAGMA foreign_keys = OFF")
    cursor.close()


def _let_go(connection: Any, _record: object, _error: object) -> None:
    # A task that is cancelled leaves its statement running in the driver's thread, and its traceback keeps a cursor:
    # SQLite then only closes when that is forgotten, and holds the write lock until then.
    with suppress(Error):
        connection.rollback()


def _begin_at_once(connection: Any) -> None:
    # Taking the write lock at the start waits for other writers; taking it half-way through can only fail.
    connection.exec_driver_sql("BEGIN IMMEDIATE")
