"""The audit, over HTTP: what is in it, and its last fingerprint."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from activities.store import Store, audit
from activities.store.audit import Chained, subject_named
from starter.access import Permission
from starter.api.asking import AskedBy, asked_router, needs
from starter.api.paging import Cursor, Limit, Page, cursor_after, page_of, read_cursor

About = Annotated[str | None, Query(max_length=200, description="the id of an episode, child or other thing")]
Who = Annotated[str | None, Query(max_length=200, description="the id of a person or system")]


class Head(BaseModel):
    """The last entry of the audit: what to write down elsewhere, so that nobody can take entries away unnoticed."""

    number: int = Field(description="0 when there is no entry")
    digest: str = Field(description="SHA-256 in hexadecimal; zeros when there is no entry")


def router_of(store: Store) -> APIRouter:
    """The routes of the audit."""
    router = asked_router("audit")

    @router.get("/audit", operation_id="list_audit")
    @needs(Permission.READ_AUDIT)
    async def index(
        asked: AskedBy,
        about: Annotated[
            str | None, Query(max_length=200, description="the id of an episode, child or other thing")
        ] = None,
        who: Annotated[str | None, Query(max_length=200, description="the id of a person or system")] = None,
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> Page[Chained]:
        """The entries of the audit, the earliest first: who asked for what, why, and whether it was allowed."""
        subject = subject_named(about) if about else None
        asked.saw(subject)
        [after] = read_cursor(cursor, int) or [0]
        async with store.snapshot() as session:
            wanted = limit + 1
            found = await audit.entries(session, asked.authority, after=after, limit=wanted, subject=subject, who=who)
        return page_of(found, limit, cursor_after(found[:limit][-1].number) if found else "")

    @router.get("/audit/head", operation_id="show_audit_head")
    @needs(Permission.READ_AUDIT)
    async def head(asked: AskedBy) -> Head:
        """The number and fingerprint of the last entry."""
        async with store.snapshot() as session:
            number, digest = await audit.head(session, asked.authority)
        return Head(number=number, digest=digest)

    return router
