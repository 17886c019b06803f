"""Telling open episodes that the directory has changed, so that each looks again at who holds which role."""

from datetime import datetime

from activities.store import Store
from activities.store.episode_search import Search, every_episode
from starter.commands import Commands


async def tell_open_episodes(store: Store, commands: Commands, authority: str, now: datetime) -> None:
    """Have every open episode of an authority look again. `now` is UTC.

    Raises EngineSilentError: some may have heard and others not. Asking again does no harm.
    """
    async with store.session() as session:
        open_ones = await every_episode(session, authority, Search(open=True), now)
    if not open_ones:
        return
    episodes = await commands.engine()
    for episode in open_ones:
        await episodes.directory_changed(episode.episode_id)
