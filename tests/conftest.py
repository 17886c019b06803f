"""Databases for tests, an SQLite file or one of a PostgreSQL that the test process starts; how tests are shared out."""

import asyncio
import gc
import shutil
from collections.abc import AsyncGenerator, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest
import pytest_asyncio
from xdist.remote import Producer  # pyright: ignore[reportMissingTypeStubs]

from activities.store import Store
from tests.postgres import APPLICATION, TEMPLATE, Postgres, PostgresMissingError
from tests.sharing import OneByOne, longest_first

BOTH: Final = ("sqlite", "postgresql")

_TESTS: Final = Path(__file__).parent
_ABOVE_THE_STORE: Final = ("api", "deliveries", "engine", "identity", "starter")
"""What the databases answer, tests of the store show on both of them."""


@contextmanager
def fresh_server() -> Generator[Postgres]:
    """A running server, taken away in the end. Fails the test where there is none to run."""
    try:
        server = Postgres()
    except PostgresMissingError as missing:
        pytest.fail(str(missing), pytrace=False)
    try:
        server.make()
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture(scope="session")
def postgres() -> Generator[Postgres]:
    """A running server, with a template whose schema is up to date."""
    with fresh_server() as server:
        server.run(f"CREATE DATABASE {TEMPLATE} TEMPLATE template0")
        server.create_role(APPLICATION)
        asyncio.run(_upgrade(server.url(TEMPLATE)))
        yield server


async def _upgrade(url: str) -> None:
    store = Store(url)
    try:
        await store.upgrade()
        await store.grant(APPLICATION)
    finally:
        await store.close()


@pytest.fixture
def postgres_url(postgres: Postgres) -> Generator[str]:
    """The URL of a database of the test's own, with its schema up to date and no row."""
    name = postgres.create(TEMPLATE)
    yield postgres.url(name)
    postgres.drop(name)


@pytest.fixture(scope="session")
def application_database(postgres: Postgres) -> str:
    """The name of a database for tests that work as the application, which can change no table."""
    return postgres.create(TEMPLATE)


@pytest.fixture
def application_url(postgres: Postgres, application_database: str) -> str:
    """The application's URL of a database with its schema up to date and no row, the same for all tests in turn."""
    postgres.empty(application_database)
    return postgres.url(application_database, APPLICATION)


@pytest.fixture
def empty_postgres_url(postgres: Postgres) -> Generator[str]:
    """The URL of a database of the test's own without any table."""
    name = postgres.create()
    yield postgres.url(name)
    postgres.drop(name)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file whose schema is up to date, to be copied: to bring one up takes longer than most tests."""
    file = tmp_path_factory.mktemp("template") / "template.sqlite"

    async def made() -> None:
        store = Store(f"sqlite+aiosqlite:///{file}")
        await store.upgrade()
        await store.close()

    asyncio.run(made())
    return file


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """The URL of a file of the test's own, with its schema up to date and no row."""
    return f"sqlite+aiosqlite:///{shutil.copy(sqlite_template, tmp_path / 'store.sqlite')}"


@pytest.fixture
def data_folder(sqlite_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The data folder of the commands that a test says, its database up to date without a row; no engine answers."""
    folder = tmp_path / "data"
    folder.mkdir()
    shutil.copy(sqlite_template, folder / "homeward.sqlite")
    monkeypatch.setenv("HOMEWARD_DATA_DIR", str(folder))
    monkeypatch.setenv("HOMEWARD_ENGINE_ADDRESS", "127.0.0.1:9")
    monkeypatch.setenv("HOMEWARD_ENGINE_PATIENCE_SECONDS", "1")
    return folder


@pytest.fixture(params=BOTH)
def database_url(request: pytest.FixtureRequest) -> str:
    """The owner's URL of a database of the test's own, with its schema up to date and no row, once of each kind."""
    return str(request.getfixturevalue("postgres_url" if request.param == "postgresql" else "sqlite_url"))


@pytest.fixture(params=BOTH)
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database without any table, once of each kind."""
    if request.param == "postgresql":
        return str(request.getfixturevalue("empty_postgres_url"))
    return f"sqlite+aiosqlite:///{tmp_path / 'empty.sqlite'}"


@pytest.fixture(params=BOTH)
def store_url(request: pytest.FixtureRequest) -> str:
    """The application's URL of a database with its schema up to date and no row, once of each kind."""
    return str(request.getfixturevalue("application_url" if request.param == "postgresql" else "sqlite_url"))


@pytest_asyncio.fixture
async def store(store_url: str) -> AsyncGenerator[Store]:
    """A store with its schema and no row, once of each kind; on PostgreSQL as the application's user, not the owner."""
    opened = Store(store_url)
    await opened.upgrade()
    yield opened
    await opened.close()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if _again_on_postgresql(item):
            item.add_marker(pytest.mark.long)
    longest_first(items)


def _again_on_postgresql(item: pytest.Item) -> bool:
    """Whether a test above the store shows on PostgreSQL what it also shows on SQLite."""
    above = item.path.relative_to(_TESTS).parts[0] in _ABOVE_THE_STORE
    return above and "postgresql" in str(item.name.partition("[")[2]).rstrip("]").split("-")


def pytest_collection_finish() -> None:
    # What is loaded by now stays. To look through it for garbage again and again takes a third of a test's time.
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 10, 10)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Any:
    # The marks of xdist for this are passed over in silence by the pytest in the lock.
    return OneByOne(config, log)
