"""What is said when the database cannot be used: one line, no password, and nothing about a child."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import select, text

from activities.store import Store, StoreUnavailableError
from activities.store.engine import _CONNECTIONS, _CONNECTIONS_MORE
from activities.store.failures import RefusedByDatabaseError
from activities.store.statements import require_writable
from activities.store.tables import ChildTable
from activities.store.urls import driven_url
from starter.cli.main import run
from starter.settings import load_settings
from tests.postgres import MISSING, PASSWORD, Postgres, PostgresMissingError, program
from workflows.plain_errors import BadInputError


@pytest.mark.parametrize(
    ("written", "driven"),
    [
        ("postgresql://u:p%40ss@h:5432/d", "postgresql+psycopg://u:p%40ss@h:5432/d"),
        ("postgres://h/d?sslmode=require", "postgresql+psycopg://h/d?sslmode=require"),
        ("postgresql+psycopg:///d?host=/run/postgresql", "postgresql+psycopg:///d?host=%2Frun%2Fpostgresql"),
        ("sqlite:////srv/homeward.sqlite", "sqlite+aiosqlite:////srv/homeward.sqlite"),
        ("sqlite+aiosqlite:///homeward.sqlite", "sqlite+aiosqlite:///homeward.sqlite"),
    ],
)
def test_a_url_is_brought_to_its_driver(written: str, driven: str) -> None:
    assert driven_url(written) == driven


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        (f"mysql://u:{PASSWORD}@h/d", "must begin with postgresql:// or sqlite:///"),
        (f"postgresql+asyncpg://u:{PASSWORD}@h/d", "must begin with postgresql://"),
        (f"postgresql://u:{PASSWORD}@h:port/d", "must be a URL such as"),
        (f"postgresql://u:{PASSWORD}@h", "must name a database"),
        (f"{PASSWORD}", "must be a URL such as"),
        ("sqlite://", "must name a file"),
        ("sqlite:///:memory:", "must name a file"),
    ],
)
def test_a_wrong_url_is_refused_by_name_and_its_password_is_not_repeated(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], url: str, complaint: str
) -> None:
    monkeypatch.setenv("HOMEWARD_DATABASE_URL", url)
    with pytest.raises(BadInputError, match=f"^HOMEWARD_DATABASE_URL: {complaint}"):
        load_settings()
    assert run(["list"]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert PASSWORD not in said


def test_settings_that_are_printed_hold_no_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOMEWARD_DATABASE_URL", f"postgresql://u:{PASSWORD}@h/d")
    settings = load_settings()
    assert PASSWORD in settings.database
    assert PASSWORD not in repr(settings)


async def unavailable(store: Store, *statements: str) -> str:
    """What is said when statements are tried."""

    async def tried() -> None:
        async with store.session() as session:
            for statement in statements:
                await session.execute(text(statement))

    with pytest.raises(StoreUnavailableError) as caught:
        await tried()
    said = str(caught.value)
    assert said.startswith("the database cannot be used now: ")
    assert "\n" not in said
    assert PASSWORD not in said
    return said


async def test_a_server_that_is_away_comes_back_and_the_store_with_it(postgres_url: str, postgres: Postgres) -> None:
    store = Store(postgres_url)
    await store.check_schema()
    postgres.stop()
    try:
        assert "connection" in await unavailable(store, "SELECT 1")
        with pytest.raises(StoreUnavailableError):
            await store.check_schema()
    finally:
        postgres.start()
    await store.check_schema()
    await store.close()


@pytest.mark.parametrize(
    ("statements", "said"),
    [
        (["SELECT pg_terminate_backend(pg_backend_pid())"], "terminating connection"),
        (["SET statement_timeout = 50", "SELECT pg_sleep(5)"], "statement timeout"),
        (["SET TRANSACTION READ ONLY", "DELETE FROM child"], "read-only transaction"),
        (["SET ROLE pg_monitor", "SELECT * FROM child"], "permission denied"),
        (["DO $$BEGIN RAISE EXCEPTION USING ERRCODE = '53100', MESSAGE = 'no space left'; END$$"], "no space left"),
        (["DO $$BEGIN RAISE EXCEPTION USING ERRCODE = '53300', MESSAGE = 'too many clients'; END$$"], "too many"),
        (["DO $$BEGIN RAISE EXCEPTION USING ERRCODE = '40001'; END$$"], "two wrote at once"),
        (["DO $$BEGIN RAISE EXCEPTION USING ERRCODE = '40P01'; END$$"], "two wrote at once"),
        (["DO $$BEGIN RAISE EXCEPTION USING ERRCODE = '55P03', MESSAGE = 'lock timeout'; END$$"], "lock timeout"),
    ],
)
async def test_its_own_trouble_is_told_in_one_line(postgres_url: str, statements: list[str], said: str) -> None:
    store = Store(postgres_url)
    assert said in await unavailable(store, *statements)
    async with store.session() as session:
        await require_writable(session)
    await store.close()


@pytest.mark.parametrize("statement", ["SELECT nothing", "SELECT 1 / 0", "SELECT '\\ud800'::jsonb", "nonsense"])
async def test_a_mistake_is_not_taken_for_trouble(postgres_url: str, statement: str) -> None:
    store = Store(postgres_url)
    with pytest.raises(RefusedByDatabaseError):
        async with store.session() as session:
            await session.execute(text(statement))
    await store.close()


async def test_two_that_wait_for_one_another_are_told_apart(postgres_url: str) -> None:
    store = Store(postgres_url)

    async def locks(*keys: int) -> None:
        async with store.session() as session:
            for key in keys:
                await session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": key})
                await asyncio.sleep(0.2)

    answers = await asyncio.gather(locks(1, 2), locks(2, 1), return_exceptions=True)
    assert sorted(type(one).__name__ for one in answers) == ["NoneType", "StoreUnavailableError"]
    await store.close()


async def test_more_at_once_than_there_are_connections_wait_for_one(postgres_url: str) -> None:
    store = Store(postgres_url)

    async def reads() -> None:
        async with store.session() as session:
            await session.scalars(select(ChildTable))
            await asyncio.sleep(0.05)

    await asyncio.gather(*(reads() for _ in range((_CONNECTIONS + _CONNECTIONS_MORE) * 3)))
    await store.close()


async def test_a_database_that_only_reads_is_found_out(postgres_url: str, postgres: Postgres) -> None:
    name = postgres_url.rpartition("/")[2]
    postgres.run(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    store = Store(postgres_url)
    with pytest.raises(StoreUnavailableError, match="read-only"):
        async with store.session() as session:
            await require_writable(session)
    await store.close()


def test_a_file_that_is_no_database_is_told_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "homeward.sqlite"
    file.write_text("This is a letter and no database. " * 100, encoding="utf-8")
    monkeypatch.setenv("HOMEWARD_DATABASE_URL", f"sqlite:///{file}")
    assert run(["list"]) == 2
    assert capsys.readouterr().err == "homeward: the database cannot be used now: file is not a database\n"


def test_without_a_server_to_run_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(PostgresMissingError, match="apt-get install postgresql"):
        program("no-such-program-of-postgresql")
    assert MISSING.endswith("apt-get install postgresql")
