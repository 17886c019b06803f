"""Whom a change of the directory is about; and that nobody opens a restricted child to themselves by one."""

from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from activities.store import inbox
from activities.store.closeness import children_worked_for
from activities.store.directory import everyone, take_turns_at_directory
from starter.access import Principal
from starter.directory_rows import Row
from starter.sight import asker_of, restricted_children_hidden_from
from workflows.plain_errors import BadInputError


class OpensToOneselfError(BadInputError):
    """A change would let whoever makes it see a restricted child. Its text is one line."""

    def __init__(self) -> None:
        super().__init__(
            "this would make you a worker of a restricted child whom you may not see: "
            "another person who may change the directory must do it, or break the glass first"
        )


@asynccontextmanager
async def opening_nothing_to(principal: Principal, session: AsyncSession, now: datetime) -> AsyncGenerator[None]:
    """Change the directory within, in the caller's transaction; what is changed must not stand when this raises.

    Raises OpensToOneselfError where the principal would hold a role, now or
    later, for a restricted child or its team, and may not see that child
    already: the glass would be gone around, and nobody told. `now` is UTC.
    """
    asker = asker_of(principal)
    if asker.person is None:
        yield
        return
    await take_turns_at_directory(session, principal.authority)
    hidden = await restricted_children_hidden_from(session, principal, now)
    before = await children_worked_for(session, asker, now, later=True)
    yield
    if hidden & (await children_worked_for(session, asker, now, later=True) - before):
        raise OpensToOneselfError


async def named_in(session: AsyncSession, authority: str, rows: Iterable[Row]) -> list[str]:
    """Whom rows of the directory name, for the audit: Homeward's ids of children, and people's own references.

    Who is not known yet is left out.
    """
    people, children = set[str](), set[str]()
    for row in rows:
        people.add(row.get("person", "").strip())
        children.add((row.get("child") or (row["for"] if row.get("scope") == "child" else "")).strip())
    known = {one.reference for one in await everyone(session, authority)} if people - {""} else set[str]()
    # What is not printable is refused where the row is checked, and some of it no database takes.
    ids = await inbox.known_child_ids(session, authority, sorted(one for one in children if one.isprintable()))
    return [*sorted(people & known), *sorted(ids.values())]
