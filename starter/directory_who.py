"""Who would be told what is meant for a role, at a moment."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncSession

from activities.policies import Policies
from activities.store.child_records import child_of
from activities.store.directory import directory_for
from workflows.plain_errors import BadInputError
from workflows.vocabulary import Role


class WhoIsTold(BaseModel):
    """A person who would be told, and why that one."""

    model_config = ConfigDict(frozen=True)
    name: str = Field(description="the person's name")
    cover: str = Field(description="why that person: `holder`, or how they stand in")


async def who_is_told(
    session: AsyncSession, authority: str, role: Role, child: str | None, at: datetime, *, urgent: bool
) -> list[WhoIsTold]:
    """Who would be told for a role at an instant (UTC), for a child by its reference or for no child in particular.

    `urgent`: what must reach somebody at once. Raises BadInputError for a child nobody knows.
    """
    known = await child_of(session, authority, child) if child else None
    if child and known is None:
        raise BadInputError("child: no child of that number is known here")
    directory = await directory_for(session, authority, known, (role,), at)
    names = {person.id: person.name for person in directory.people}
    found = directory.recipients(role, at, urgent=urgent)
    return [WhoIsTold(name=names[one.person], cover=one.cover) for one in found]


async def held_by_nobody(session: AsyncSession, policies: Policies, authority: str, now: datetime) -> tuple[Role, ...]:
    """The roles of the default policy that nobody holds for the whole authority, and for which nobody stands in.

    `now` is UTC.
    """
    roles = {role for rule in policies.pack("homeward").clocks.values() for role in rule.roles()}
    directory = await directory_for(session, authority, None, roles, now)
    return directory.unheld(sorted(roles), now)
