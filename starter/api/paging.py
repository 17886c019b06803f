"""Lists in pages: an opaque cursor says where the next page begins."""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Any, Final, Generic, TypeVar, cast

from fastapi import Query
from pydantic import BaseModel, Field

from starter.api.problems import ProblemError, cannot_be_used
from workflows.instants import parse_instant

MOST: Final = 200

Limit = Annotated[int, Query(ge=1, le=MOST, description="how many at most")]
Cursor = Annotated[str | None, Query(max_length=8000, description="`next` of the page before; the first page without")]
Item = TypeVar("Item")


class Page(BaseModel, Generic[Item]):
    """A page of a list. `next` is the cursor of the page after; null on the last."""

    items: list[Item] = Field(description="what is on the page")
    next: str | None = Field(description="the cursor of the next page, or null when this is the last")


def cursor_after(*values: Any) -> str:
    """The cursor of what comes after these values, which are JSON's."""
    return base64.urlsafe_b64encode(json.dumps(values, ensure_ascii=False).encode()).decode().rstrip("=")


def read_cursor(cursor: str | None, *kinds: type) -> Any:
    """The values of a cursor as a tuple, each of its kind; None for none. Raises ProblemError for one not ours."""
    if cursor is None:
        return None
    try:
        found: object = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, binascii.Error):
        found = None
    values = cast("list[Any]", found) if isinstance(found, list) else []
    if [type(value) for value in values] != list(kinds) or not all(_can_be_kept(value) for value in values):
        raise not_a_cursor()
    return tuple(values)


def instant_in_cursor(written: str) -> datetime:
    """An instant (UTC) that stands in a cursor. Raises ProblemError for one that we did not write there."""
    try:
        return parse_instant(written)
    except ValueError:
        raise not_a_cursor() from None


def not_a_cursor() -> ProblemError:
    """That a cursor is none that we made."""
    return cannot_be_used("cursor: must be the 'next' of a page")


def _can_be_kept(value: Any) -> bool:
    """Whether a database takes a value of a cursor."""
    if isinstance(value, int):
        return abs(value) < 2**62
    # A surrogate that stands alone is no character, and NUL none that a database keeps.
    return not isinstance(value, str) or ("\0" not in value and value.encode(errors="ignore").decode() == value)


def page_of(found: list[Item], limit: int, cursor: str) -> Page[Item]:
    """A page of what was found, when one more than `limit` was looked for; `cursor` is that of its last item."""
    return Page(items=found[:limit], next=cursor if len(found) > limit else None)


def cut(items: Sequence[Item], limit: int, cursor: str | None, place: Callable[[Item], tuple[Any, ...]]) -> Page[Item]:
    """A page of a list that is there whole, in the order of its items' places, which are JSON's values.

    Raises ProblemError for a cursor that we did not make.
    """
    rest = list(items)
    if cursor is not None:
        kinds: list[type] = [type(one) for one in place(rest[0])] if rest else []
        after = read_cursor(cursor, *kinds) if rest else None
        rest = [item for item in rest if after is None or place(item) > after]
    return page_of(rest, limit, cursor_after(*place(rest[:limit][-1])) if rest else "")
