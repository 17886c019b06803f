"""A change of the directory that a request makes: with whom it is about, and what it may not open."""

from collections.abc import AsyncGenerator, Collection
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncSession

from starter.api.asking import Asked
from starter.api.problems import Problem, ProblemError
from starter.directory_rows import Row
from starter.directory_sight import OpensToOneselfError, named_in, opening_nothing_to


@asynccontextmanager
async def changing(session: AsyncSession, asked: Asked, rows: Collection[Row]) -> AsyncGenerator[None]:
    """Make a change by these rows within, in the caller's transaction; whom they name is noted for the audit.

    Raises ProblemError (need to know) for one that would open a restricted
    child to whoever asks for it.
    """
    asked.saw(*await named_in(session, asked.authority, rows))
    try:
        async with opening_nothing_to(asked.principal, session, asked.now):
            yield
    except OpensToOneselfError as refused:
        raise ProblemError(Problem.NEED_TO_KNOW, str(refused)) from None
    # A child whom the directory names first is known only now.
    asked.saw(*await named_in(session, asked.authority, rows))
