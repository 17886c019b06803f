"""The console in this process, over a store with no row."""

import shutil
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
import pytest_asyncio

from activities.store import Store
from tests.api.callers import Service
from tests.api.town import NOW


@pytest_asyncio.fixture
async def one_store(sqlite_template: Path, tmp_path: Path) -> AsyncGenerator[Store]:
    """An SQLite file with no row: for what no database has a part in."""
    file = shutil.copy(sqlite_template, tmp_path / "console.sqlite")
    store = Store(f"sqlite+aiosqlite:///{file}")
    yield store
    await store.close()


@pytest.fixture
def one_service(one_store: Store) -> Service:
    """The service over that file."""
    return Service(one_store)


@pytest.fixture
def service_then(one_store: Store) -> Service:
    """The service over that file, at the moment at which its invented absences are."""
    return Service(one_store, clock=lambda: NOW)
