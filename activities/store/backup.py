"""A copy of an SQLite file as of one moment, made while others go on writing; whole, or not there."""

import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from uuid import uuid4

from sqlalchemy import make_url

from activities.store.failures import StoreUnavailableError
from activities.store.urls import is_sqlite


def database_file(url: str) -> Path:
    """The file of an SQLite database's URL. Raises ValueError, one line, for any other database."""
    path = make_url(url).database
    if not is_sqlite(url) or not path:
        raise ValueError("only an SQLite file is copied by this; for PostgreSQL there is pg_dump (deploy/runbook.md)")
    return Path(path)


def back_up(url: str, target: Path) -> int:
    """Copy the SQLite database of a URL to a file that only its owner may read; its size in bytes.

    The copy is checked and on the disk before it has its name. Raises
    ValueError, one line, when that cannot be the copy's name or the database is
    no file; StoreUnavailableError when it cannot be read or written.
    """
    source = database_file(url)
    if target.exists() or target.is_symlink():
        raise ValueError(f"{target} is there already, and is not written over")
    if not target.parent.is_dir():
        raise ValueError(f"{target.parent} is no folder")
    unnamed = target.with_name(f".{target.name}.{uuid4().hex}")
    try:
        _copy(source, unnamed)
        # A link, unlike a renaming, takes no other file's place.
        os.link(unnamed, target)
        _to_disk(target.parent)
    except FileExistsError:
        raise ValueError(f"{target} is there already, and is not written over") from None
    except (OSError, sqlite3.Error) as trouble:
        raise StoreUnavailableError(f"the backup was not made: {trouble}") from None
    finally:
        with suppress(FileNotFoundError):
            unnamed.unlink()
    return target.stat().st_size


def _copy(source: Path, target: Path) -> None:
    os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    read_only = f"{source.absolute().as_uri()}?mode=ro"
    with closing(sqlite3.connect(read_only, uri=True)) as there, closing(sqlite3.connect(target)) as copy:
        # All pages in one step: what is written meanwhile does not make it begin again.
        there.backup(copy)
        # The copy is one file, without a log beside it that might be left behind.
        copy.execute("PRAGMA journal_mode = DELETE")
        if (found := copy.execute("PRAGMA integrity_check").fetchone()[0]) != "ok":
            raise sqlite3.DatabaseError(f"the copy is not whole: {found}")
    _to_disk(target)


def _to_disk(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
