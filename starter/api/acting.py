"""Whose name stands under what a request does: a person acts in their own, a system in that of whom it speaks for."""

from sqlalchemy.ext.asyncio import AsyncSession

from activities.store.directory import person_id
from starter.api.asking import Asked
from starter.api.problems import Problem, ProblemError, cannot_be_used

ME = "me"
"""How somebody says oneself, where a person of the directory is to be named."""


async def acting_person(session: AsyncSession, asked: Asked, by: str | None) -> str | None:
    """The directory's reference of whoever acts; None for a system that names nobody.

    Raises ProblemError: a person who names somebody else or whom the directory
    does not know is not allowed; a system's person must be in the directory.
    """
    who = asked.principal
    if who.kind == "system":
        return await known_person(session, asked, by, "by") if by is not None else None
    if by not in (None, ME, who.person):
        raise ProblemError(Problem.NOT_ALLOWED, "by: a person acts in no name but their own")
    return await oneself(session, asked)


async def oneself(session: AsyncSession, asked: Asked) -> str:
    """One's own reference in the directory. Raises ProblemError for somebody whom the directory does not know."""
    me = asked.principal.person
    if me is None or await person_id(session, asked.authority, me) is None:
        raise ProblemError(Problem.NOT_ALLOWED, "the directory does not know you: whoever keeps it must enter you")
    return me


async def known_person(session: AsyncSession, asked: Asked, reference: str, field: str) -> str:
    """The reference of a person of the directory, oneself for `me`. Raises ProblemError naming the field."""
    if reference == ME:
        return await oneself(session, asked)
    if await person_id(session, asked.authority, reference) is None:
        raise cannot_be_used(f"{field}: there is no such person in the directory")
    return reference


def recorded_by(asked: Asked, person: str | None) -> str:
    """What is written down as who records something: the directory's person, or the system's name."""
    return person or asked.principal.name
