"""Telling the database's absence from a mistake, in words that speak of no child and repeat no password."""

import sqlite3
from typing import Any, Final

import psycopg
from sqlalchemy import exc
from sqlalchemy.exc import DBAPIError

_ITS_OWN_TROUBLE: Final = (exc.OperationalError, exc.InterfaceError, exc.InternalError)
_CAN_BE_SAID_AGAIN: Final = ("40001", "40P01")
"""PostgreSQL's codes of a transaction that gave way to another, and was undone whole."""

_OUR_MISTAKES: Final = ("25P02", "25P01")
"""Codes that PostgreSQL counts as trouble, and are statements where none may stand."""

_NOT_ALLOWED: Final = "42501"


class StoreUnavailableError(Exception):
    """What keeps things cannot be read or written now: away, full, read-only or locked. Its text is one line."""


class SchemaError(StoreUnavailableError):
    """The database's tables are not those that this Homeward works with. Its text is one line."""


class RefusedByDatabaseError(Exception):
    """The database refused a statement: a mistake of ours. Its text names the rule, and none of the values."""


class as_unavailable:  # noqa: N801 - reads as a verb where it is used
    """Turn the database's own failures into one plain line; keep the values of a statement out of any other."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        if isinstance(error, DBAPIError):
            raise _plainly(error) from None
        if isinstance(error, exc.TimeoutError):
            raise StoreUnavailableError("the database cannot be used now: every connection is in use") from None
        if isinstance(error, OSError) and not isinstance(error, StoreUnavailableError):
            raise StoreUnavailableError(f"the database cannot be reached: {error.strerror or error}") from None


def _plainly(error: DBAPIError) -> Exception:
    # The statement and its values stay out of what is said: they may speak of a child.
    code = _code(error.orig)
    if code in _CAN_BE_SAID_AGAIN:
        return StoreUnavailableError("the database cannot be used now: two wrote at once, and one must say it again")
    if _is_operational(error, code):
        return StoreUnavailableError(f"the database cannot be used now: {_first_line(error.orig)}")
    rule = _diagnosis(error.orig, "constraint_name") or (
        str(error.orig) if isinstance(error.orig, sqlite3.Error) else ""
    )
    return RefusedByDatabaseError(" ".join(filter(None, (type(error.orig).__name__, code, rule))))


def _is_operational(error: DBAPIError, code: str | None) -> bool:
    if error.connection_invalidated or code == _NOT_ALLOWED:
        return True
    if code in _OUR_MISTAKES:
        return False
    # The plain class stands for what a driver could not put a name to: a file that is no database.
    return isinstance(error, _ITS_OWN_TROUBLE) or type(error) is exc.DatabaseError


def _code(cause: BaseException | None) -> str | None:
    return cause.sqlstate if isinstance(cause, psycopg.Error) else None


def _diagnosis(cause: BaseException | None, name: str) -> str | None:
    return getattr(cause.diag, name) if isinstance(cause, psycopg.Error) else None


def _first_line(cause: Any) -> str:
    said = _diagnosis(cause, "message_primary") or str(cause)
    return next((line.strip() for line in said.splitlines() if line.strip()), type(cause).__name__)
