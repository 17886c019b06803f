"""One deed for all that stands still in the same way: which they are, why it is done, and then done."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from activities.health.findings import KINDS, Deed, StuckKind
from starter.access import Permission
from starter.api.asking import LONGEST_REASON, Asked, AskedBy, needs
from starter.api.parts import Parts
from starter.api.problems import Problem, ProblemError
from starter.api.v1.stuck import DoingForAll, do_deed_for_all, may_do
from starter.batches import chosen
from starter.console.asking import PostedBy, console_router, go_to
from starter.console.forms import Mistakes, Posted
from starter.console.navigation import OPERATIONS
from starter.console.operations import DEEDS, read_why
from starter.console.pages import page
from workflows.plain_errors import BadInputError

PATH = f"{OPERATIONS.path}/all/{{deed}}"

KindAsked = Annotated[StuckKind, Query()]


def router_of(parts: Parts) -> APIRouter:
    """The pages of deeds for many at once."""
    router = console_router()

    @router.get(PATH)
    @needs(Permission.OPERATE)
    async def ask(deed: Deed, kind: KindAsked, asked: AskedBy) -> Response:
        """Which they are, what would be done, and why it is to be."""
        return await _page(parts, asked, DoingForAll(deed=deed, kind=kind), Mistakes(), Posted())

    @router.post(PATH)
    @needs(Permission.OPERATE)
    async def do(deed: Deed, kind: KindAsked, asked: AskedBy, posted: PostedBy) -> Response:
        """Do it for each. Why goes into the audit."""
        mistakes, said = Mistakes(), DoingForAll(deed=deed, kind=kind)
        try:
            read_why(posted)
            await do_deed_for_all(parts, asked, said)
        except BadInputError as error:
            mistakes.take(error)
        except ProblemError as error:
            if error.problem is not Problem.KEY_REUSED:
                raise
            mistakes.add("", error.detail)
        else:
            return go_to(f"{OPERATIONS.path}?done={asked.request}")
        return await _page(parts, asked, said, mistakes, posted)

    return router


async def _page(parts: Parts, asked: Asked, said: DoingForAll, mistakes: Mistakes, posted: Posted) -> Response:
    if not may_do(asked, said.deed):
        raise ProblemError(Problem.NOT_ALLOWED)
    found = await parts.room.standstill(parts.store, asked.authority, asked.now)
    try:
        fit = chosen(found, said.deed, said.kind)
    except BadInputError:
        fit = []
    if not fit:
        # They move by now, or never stood still: the list says how things stand.
        return go_to(OPERATIONS.path)
    return page(
        asked,
        "operations_batch.html.j2",
        OPERATIONS.id,
        status=422 if mistakes else 200,
        deed=said.deed,
        kind=said.kind,
        words=DEEDS[said.deed],
        title=KINDS[said.kind].title,
        fit=fit,
        left=found.more.get(said.kind, 0),
        mistakes=mistakes,
        posted=posted,
        most=LONGEST_REASON,
    )
