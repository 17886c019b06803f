"""Every activity under the name its contract gives it; each a thin step onto a plain function."""

from collections.abc import Callable
from typing import Any

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.notify import put_in_tray
from activities.policies import Policies, UnknownPolicyError
from activities.store import Store
from activities.store.directory import directory_for
from activities.store.episodes import other_episodes, write_changes
from workflows.contracts import (
    EarlierAsked,
    EpisodeChanges,
    NoticeOrder,
    NoticeSent,
    RolesAsked,
    Rules,
    RulesAsked,
)
from workflows.repeats import EarlierEpisode
from workflows.vocabulary import Role


class Activities:
    """The activities over one store and one set of policies."""

    def __init__(self, store: Store, policies: Policies) -> None:
        self._store = store
        self._policies = policies

    @activity.defn(name="resolve_policy")
    async def resolve_policy(self, asked: RulesAsked) -> Rules:
        """The pack and calendar asked for.

        Raises UnknownPolicyError, which is retried, since another worker may
        have it; when it must exist, ApplicationError, which is not.
        """
        try:
            return self._policies.rules(asked)
        except UnknownPolicyError as error:
            if asked.must_exist:
                raise ApplicationError(str(error), type="UnknownPolicy", non_retryable=True) from error
            raise

    @activity.defn(name="write_episode")
    async def write_episode(self, changes: EpisodeChanges) -> None:
        """Write one turn of an episode, in one transaction."""
        async with self._store.session() as session:
            await write_changes(session, changes)

    @activity.defn(name="send_notice")
    async def send_notice(self, order: NoticeOrder) -> NoticeSent:
        """Send one notice, once for each key and person."""
        async with self._store.session() as session:
            return await put_in_tray(session, order)

    @activity.defn(name="unheld_roles")
    async def unheld_roles(self, asked: RolesAsked) -> list[Role]:
        """The roles that nobody holds."""
        async with self._store.session() as session:
            directory = await directory_for(session, asked.authority, asked.child_id, asked.roles, asked.at)
        return list(directory.unheld(asked.roles, asked.at))

    @activity.defn(name="earlier_episodes")
    async def earlier_episodes(self, asked: EarlierAsked) -> list[EarlierEpisode]:
        """The child's other episodes."""
        async with self._store.session() as session:
            return await other_episodes(session, asked.child_id, asked.episode_id)

    def all(self) -> list[Callable[..., Any]]:
        """Everything to register with a worker."""
        return [self.resolve_policy, self.write_episode, self.send_notice, self.earlier_episodes, self.unheld_roles]
