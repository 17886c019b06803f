"""Disagreements between the database and the engine: what was found, and comparing them now. Nothing about a child."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from activities.store.disagreements import Found, Reconciled, all_disagreements, last_run
from starter.access import Permission
from starter.api.asking import AskedBy, Key, asked_router, needs
from starter.api.once import key_id
from starter.api.paging import Cursor, Limit, Page, cursor_after, page_of, read_cursor
from starter.api.parts import Parts
from workflows.agreement import AGREEMENTS, Disagreement
from workflows.names import derived_id


class DisagreementShown(BaseModel):
    """Something about which the database and the engine disagreed, or still do."""

    id: str = Field(description="its id")
    kind: Disagreement
    wrong: str = Field(description="what is wrong, and what the subject is where it is no episode")
    done: str = Field(description="what is done about it")
    subject: str = Field(description="the id of what it is about; random, or derived from one that is")
    found_at: datetime = Field(description="when it was first found")
    last_seen_at: datetime = Field(description="when it was last found to be so")
    mended_at: datetime | None = Field(description="since when it agrees again; null while it is open")
    how: str | None = Field(description="what was done, or why nothing could be")
    attempts: int = Field(description="how often something was done")


class Disagreements(Page[DisagreementShown]):
    """A page of disagreements, and when all was last compared."""

    last_compared_at: datetime | None = Field(description="when all was last compared; null: never")


class Begun(BaseModel):
    """That the database is being compared with the engine; what is found is told by the list of disagreements."""

    run: str = Field(description="the id of the run")
    again: bool = Field(description="whether this run had been begun before, under the same key")


def router_of(parts: Parts) -> APIRouter:
    """The routes of disagreements."""
    router = asked_router("disagreements")

    @router.get("/disagreements", operation_id="list_disagreements")
    @needs(Permission.OPERATE)
    async def index(
        asked: AskedBy,
        all_of_them: Annotated[bool, Query(alias="all", description="those too that agree again")] = False,
        cursor: Cursor = None,
        limit: Limit = 50,
    ) -> Disagreements:
        """Where the database and the engine disagree, as far as was found; the latest found first."""
        after = read_cursor(cursor, str)
        async with parts.store.snapshot() as session:
            found = await all_disagreements(
                session,
                asked.authority,
                limit=limit + 1,
                before=after[0] if after else None,
                only_open=not all_of_them,
            )
            run = await last_run(session, asked.authority)
        shown = [_shown(one) for one in found]
        asked.saw(*(one.subject for one in shown[:limit]))
        page = page_of(shown, limit, cursor_after(shown[:limit][-1].id) if shown else "")
        return Disagreements(items=page.items, next=page.next, last_compared_at=_ended(run))

    @router.post("/reconcile", operation_id="compare_now", status_code=202)
    @needs(Permission.OPERATE)
    async def reconcile(asked: AskedBy, _key: Key) -> Begun:
        """Compare the database with the engine now, and mend or report what disagrees, as the schedule does."""
        run = derived_id(key_id(asked), "reconcile")
        episodes = await parts.commands_of(asked).engine()
        return Begun(run=run, again=not await episodes.reconcile(asked.authority, run))

    return router


def _ended(run: Reconciled | None) -> datetime | None:
    return run.ended_at if run else None


def _shown(found: Found) -> DisagreementShown:
    agreement = AGREEMENTS[found.kind]
    about = found.model_dump(exclude={"authority"})
    return DisagreementShown.model_validate({**about, "wrong": agreement.wrong, "done": agreement.done})
