"""Database URLs as people write them, brought to the drivers that Homeward has."""

from typing import Final

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

_DRIVERS: Final = {
    "sqlite": "sqlite+aiosqlite",
    "sqlite+aiosqlite": "sqlite+aiosqlite",
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
}


def driven_url(url: str) -> str:
    """The URL with the driver that Homeward has for it.

    Raises ValueError with one line that repeats nothing of the URL, which may
    hold a password.
    """
    try:
        parts = make_url(url)
    except (ArgumentError, ValueError):
        raise ValueError("must be a URL such as postgresql://user:password@host:5432/homeward") from None
    driver = _DRIVERS.get(parts.drivername)
    if driver is None:
        raise ValueError("must begin with postgresql:// or sqlite:///, the databases that Homeward works with")
    if not parts.database or parts.database == ":memory:":
        raise ValueError(f"must name {'a file' if driver.startswith('sqlite') else 'a database'} at its end")
    return _whole(parts.set(drivername=driver))


def is_sqlite(url: str) -> bool:
    """Whether a URL is that of an SQLite file, which Homeward minds by itself."""
    return url.startswith("sqlite")


def _whole(parts: URL) -> str:
    return parts.render_as_string(hide_password=False)
