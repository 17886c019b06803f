"""The console in this process, over a store with no row."""

import shutil
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest_asyncio

from activities.store import Store
from tests.api.callers import Service


@pytest_asyncio.fixture
async def one_service(sqlite_template: Path, tmp_path: Path) -> AsyncGenerator[Service]:
    """The service over an SQLite file: what no database has a part in."""
    file = shutil.copy(sqlite_template, tmp_path / "console.sqlite")
    store = Store(f"sqlite+aiosqlite:///{file}")
    yield Service(store)
    await store.close()
