"""How children are named: by the case system's number; while there is none, by what was reported of who they are."""

from collections.abc import Collection

from sqlalchemy.ext.asyncio import AsyncSession

from activities.store.episode_search import references_of_episodes
from activities.store.inbox import identities_reported
from starter.console.spoken import child_called


async def children_called(session: AsyncSession, authority: str, episode_ids: Collection[str]) -> dict[str, str]:
    """What the children of these episodes of an authority are called, by the episodes' ids.

    Only for episodes that whoever reads may see whole.
    """
    numbers = await references_of_episodes(session, authority, episode_ids)
    unnumbered = [id for id in episode_ids if id not in numbers]
    said = await identities_reported(session, authority, unnumbered) if unnumbered else {}
    return numbers | {id: child_called(None, said.get(id)) for id in unnumbered}
