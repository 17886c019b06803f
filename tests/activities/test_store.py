"""A database that is not of this version is refused in one line, and left as it is."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from activities.store import Store, StoreUnavailableError

TASK = "CREATE TABLE task (key VARCHAR PRIMARY KEY NOT NULL, episode_id VARCHAR NOT NULL)"
RECEIPT = """CREATE TABLE receipt (id VARCHAR PRIMARY KEY NOT NULL, reference VARCHAR, status VARCHAR NOT NULL,
received_at DATETIME NOT NULL, times INTEGER NOT NULL)"""


@pytest.mark.parametrize(("table", "made"), [("task", TASK), ("receipt", RECEIPT)])
async def test_a_database_of_an_earlier_version_is_refused_and_left(tmp_path: Path, table: str, made: str) -> None:
    file = tmp_path / "store.sqlite"
    with closing(sqlite3.connect(file)) as before:
        before.execute(made)
    store = Store(f"sqlite+aiosqlite:///{file}")
    with pytest.raises(StoreUnavailableError, match=rf"earlier Homeward \({table} is not as it is now\)") as refused:
        await store.create_tables()
    await store.close()
    assert "\n" not in str(refused.value)
    with closing(sqlite3.connect(file)) as after:
        assert after.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall() == [(table,)]


async def test_a_database_of_this_version_is_opened_again(tmp_path: Path) -> None:
    for _ in range(2):
        store = Store(f"sqlite+aiosqlite:///{tmp_path / 'store.sqlite'}")
        await store.create_tables()
        await store.close()
