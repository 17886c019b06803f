"""The audit in the console: who asked for what, when and why, and whether its chain is whole. No child is named."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from activities.store import audit
from activities.store.audit import Chained, ChainState
from activities.store.episode_search import episodes_there
from starter.access import Permission
from starter.api.asking import AskedBy, needs
from starter.api.paging import Cursor, cursor_after, page_of, read_cursor
from starter.api.parts import Parts
from starter.audit import read_written_down
from starter.console.asking import console_router
from starter.console.audit_filters import filters_of
from starter.console.audit_words import DEED_WORDS, OUTCOME_WORDS, deed_in_words, outcome_in_words, way_in_words
from starter.console.forms import Mistakes
from starter.console.navigation import AUDIT
from starter.console.pages import page
from workflows.plain_errors import BadInputError

CHAIN: Final = f"{AUDIT.path}/chain"
A_PAGE: Final = 50
READ_AT_ONCE: Final = 50_000
"""As many entries are read to verify a chain while somebody waits, which takes some seconds."""

_LONGEST_WRITTEN: Final = 200


@dataclass(frozen=True)
class EntryShown:
    """An entry in words. `episodes` are those it was about; of the rest it is only told how many there are."""

    number: int
    at: datetime
    name: str
    who: str
    deed: str
    outcome: str
    allowed: bool
    way_in: str
    way: str
    why: str | None
    request: str
    digest: str
    episodes: tuple[str, ...]
    others: int


def router_of(parts: Parts) -> APIRouter:
    """The pages of the audit."""
    router = console_router()

    @router.get(AUDIT.path)
    @needs(Permission.READ_AUDIT)
    async def index(asked: AskedBy, request: Request, cursor: Cursor = None) -> Response:
        """What was asked for, the latest first."""
        filters = filters_of(request.query_params)
        asked.saw(filters.sought.subject)
        [before] = read_cursor(cursor, int) or [None]
        async with parts.store.snapshot() as session:
            head = await audit.head(session, asked.authority)
            found: list[Chained] = []
            if not filters.mistakes:
                found = await audit.latest_entries(
                    session, asked.authority, filters.sought, before=before, limit=A_PAGE + 1
                )
            shown = await _shown(session, asked.authority, found[:A_PAGE])
        listed = page_of(found, A_PAGE, cursor_after(found[:A_PAGE][-1].number) if found else "")
        return page(
            asked,
            "audit.html.j2",
            AUDIT.id,
            status=422 if filters.mistakes else 200,
            entries=shown,
            head=head,
            older=filters.path(cursor=listed.next) if listed.next else None,
            newest=filters.path() if cursor else None,
            filters=filters,
            deeds=sorted(DEED_WORDS.items(), key=lambda one: one[1]),
            outcomes=list(OUTCOME_WORDS.items()),
            chain=CHAIN,
            sees_glass=asked.principal.may(Permission.READ_BROKEN_GLASS),
        )

    @router.get(CHAIN)
    @needs(Permission.READ_AUDIT)
    async def chain(asked: AskedBy, known: Annotated[str, Query(max_length=_LONGEST_WRITTEN)] = "") -> Response:
        """Whether the chain is whole, as far as it can be read while somebody waits."""
        mistakes, written_down = Mistakes(), None
        if known:
            try:
                written_down = read_written_down(known, "known")
            except BadInputError:
                mistakes.add("known", "Enter a number, a colon and a fingerprint, as this page gave them to you")
        async with parts.store.snapshot() as session:
            number, digest = await audit.head(session, asked.authority)
        unread = number - (written_down[0] - 1 if written_down else 0)
        state: ChainState | None = None
        if not mistakes and unread <= READ_AT_ONCE:
            state = await audit.verify(parts.store, asked.authority, written_down, only_since_known=True)
        return page(
            asked,
            "audit_chain.html.j2",
            AUDIT.id,
            status=422 if mistakes else 200,
            mistakes=mistakes,
            known=known,
            written_down=written_down,
            state=state,
            number=number,
            digest=digest,
            most=READ_AT_ONCE,
            audit_path=AUDIT.path,
        )

    return router


async def _shown(session: AsyncSession, authority: str, found: list[Chained]) -> list[EntryShown]:
    there = await episodes_there(session, authority, {id for one in found for id in one.subjects})
    return [_in_words(one, there) for one in found]


def _in_words(one: Chained, there: set[str]) -> EntryShown:
    # What is no episode may be a child's own reference, which stands nowhere in the audit's pages.
    episodes = tuple(id for id in one.subjects if id in there)
    return EntryShown(
        number=one.number,
        at=one.at,
        name=one.name,
        who=one.who,
        deed=deed_in_words(one.permission),
        outcome=outcome_in_words(one.outcome),
        allowed=one.outcome == "allowed",
        way_in=way_in_words(one),
        way=one.way,
        why=one.why,
        request=one.request,
        digest=one.digest,
        episodes=episodes,
        others=len(one.subjects) - len(episodes),
    )
