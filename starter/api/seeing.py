"""What a request may see of an episode, or the problem that it may not."""

from sqlalchemy.ext.asyncio import AsyncSession

from starter.api.asking import Asked
from starter.api.problems import Problem, ProblemError
from starter.sight import EpisodeSeen, see_episode


async def seen_episode(session: AsyncSession, asked: Asked, episode_id: str) -> EpisodeSeen:
    """An episode that the request may see whole. Raises ProblemError: not found, or need to know."""
    seen = await see_episode(session, asked.principal, episode_id, asked.now)
    if seen.sight == "nothing":
        raise ProblemError(Problem.NOT_FOUND)
    asked.saw(seen.child_id)
    if seen.sight == "only_that_it_is_there":
        raise ProblemError(Problem.NEED_TO_KNOW)
    return seen
