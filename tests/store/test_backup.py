"""A copy of the SQLite file: whole as of one moment while others write, for its owner alone, over no other file."""

import asyncio
import os
import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from activities.store import Store, audit
from activities.store.backup import back_up
from starter.cli.main import run
from tests.store.rows import AUTHORITY
from tests.store.test_audit import entry
from tests.store.test_migrations import MADE_THEN


def rows(file: Path, what: str = "SELECT count(*), count(DISTINCT number), max(number) FROM audit") -> tuple[int, ...]:
    with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)) as database:
        return database.execute(what).fetchone()


def test_the_command_copies_for_the_owner_alone_and_is_written_down(
    data_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target, umask = tmp_path / "copy.sqlite", os.umask(0)
    try:
        assert run(["backup", str(target)]) == 0
    finally:
        os.umask(umask)
    size = target.stat().st_size
    assert capsys.readouterr() == (f"Backed up: {target} ({size:,} bytes)\n", "")
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["copy.sqlite", "data"]
    assert rows(target, "SELECT way FROM audit") == ("homeward backup",), "the copy tells of its own making"
    before = target.read_bytes()
    assert run(["backup", str(target)]) == 2
    assert capsys.readouterr().err == f"homeward: FILE: {target} is there already, and is not written over\n"
    assert target.read_bytes() == before


def test_where_nothing_can_be_written_nothing_is_left(
    data_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere, hanging = tmp_path / "nowhere" / "copy", tmp_path / "hanging"
    hanging.symlink_to(tmp_path / "elsewhere")
    for target, line in (
        (nowhere, f"FILE: {nowhere.parent} is no folder"),
        (hanging, f"FILE: {hanging} is there already, and is not written over"),
    ):
        assert run(["backup", str(target)]) == 2
        assert capsys.readouterr().err == f"homeward: {line}\n"

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("activities.store.backup.os.fsync", full)
    assert run(["backup", str(tmp_path / "copy")]) == 2
    assert "the backup was not made: [Errno 28] No space left on device" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "hanging"]


def test_only_an_sqlite_file_is_copied(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="for PostgreSQL there is pg_dump"):
        back_up("postgresql+psycopg://invented@127.0.0.1:9/homeward", tmp_path / "copy")


def test_a_file_of_an_earlier_version_is_copied_as_it_is(
    data_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    live = data_folder / "homeward.sqlite"
    live.unlink()
    assert run(["backup", str(tmp_path / "none")]) == 2
    assert capsys.readouterr().err == f"homeward: there is no database at {live}\n"
    with closing(sqlite3.connect(live)) as database:
        database.executescript(MADE_THEN)
    assert run(["backup", str(tmp_path / "copy")]) == 0
    assert "of an earlier version: it is copied as it is" in capsys.readouterr().err
    for file in (live, tmp_path / "copy"):
        assert rows(file, "SELECT count(*) FROM sqlite_schema WHERE name IN ('audit', 'alembic_version')") == (0,)
        assert rows(file, "SELECT count(*) FROM task") == (1,)


async def test_a_copy_made_while_others_write_is_as_of_one_moment(sqlite_url: str, tmp_path: Path) -> None:
    writing, reading = Store(sqlite_url), Store(f"sqlite+aiosqlite:///{tmp_path / 'copy-2.sqlite'}")
    written, done = 0, asyncio.Event()

    async def writes() -> None:
        nonlocal written
        while not done.is_set():
            async with writing.session() as session:
                await audit.append(session, entry())
            written += 1

    writers = asyncio.gather(writes(), writes())
    for number in range(4):
        before = written
        await until_so(lambda than=before: written > than)
        await asyncio.to_thread(back_up, sqlite_url, tmp_path / f"copy-{number}.sqlite")
    done.set()
    await writers
    copies = [rows(tmp_path / f"copy-{number}.sqlite") for number in range(4)]
    chain = await audit.verify(reading, AUTHORITY)
    await writing.close()
    await reading.close()
    assert all(count == distinct == last for count, distinct, last in copies), copies
    assert [count for count, _, _ in copies] == sorted({count for count, _, _ in copies}), "each tells of more"
    assert (chain.broken_at, chain.entries) == (None, copies[2][0])


async def until_so(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not is_so():  # noqa: ASYNC110 - the writers know of nobody who waits
            await asyncio.sleep(0.01)
