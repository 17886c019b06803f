"""Every activity under the name its contract gives it; each a thin step onto a plain function."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities import metrics, notify, posting
from activities.policies import Policies, UnknownPolicyError
from activities.posting import Post
from activities.reconcile.run import Reconciler
from activities.store import Store
from activities.store.directory import directory_for
from activities.store.episodes import other_episodes, strange_turn, write_changes
from workflows.contracts import (
    EarlierAsked,
    EpisodeChanges,
    NoticeOrder,
    NoticeSent,
    RolesAsked,
    Rules,
    RulesAsked,
    WriteAgain,
)
from workflows.post_contracts import (
    DigestAsked,
    GatherAsked,
    Gathered,
    MessageClosed,
    MessageToSend,
    Posted,
    SendAnswer,
    SendAsked,
    WayGivenUp,
)
from workflows.reconcile_contracts import LookAsked, Looked, RunDone, SurveyAsked, Surveyed
from workflows.repeats import EarlierEpisode
from workflows.vocabulary import Role

HEARTBEAT_SECONDS: Final = 3.0


@asynccontextmanager
async def _showing_life() -> AsyncGenerator[None]:
    """Tell the engine, while something is done, that this worker lives."""

    async def beat() -> None:
        while True:
            activity.heartbeat()
            await asyncio.sleep(HEARTBEAT_SECONDS)

    beating = asyncio.create_task(beat())
    try:
        yield
    finally:
        beating.cancel()


class Activities:
    """The activities over one store, one set of policies, and one post; without a post the tray is all there is."""

    def __init__(self, store: Store, policies: Policies, post: Post | None = None) -> None:
        self._store = store
        self._policies = policies
        self._post = post

    @activity.defn(name="resolve_policy")
    async def resolve_policy(self, asked: RulesAsked) -> Rules | None:
        """The pack and calendar asked for; None where they are not held and the episode has rules.

        Raises UnknownPolicyError, which is retried, since another worker may
        have it; when it must exist, ApplicationError, which is not.
        """
        try:
            return self._policies.rules(asked)
        except UnknownPolicyError as error:
            if asked.has_rules:
                return None
            if asked.must_exist:
                raise ApplicationError(str(error), type="UnknownPolicy", non_retryable=True) from error
            raise

    @activity.defn(name="write_episode")
    async def write_episode(self, changes: EpisodeChanges) -> WriteAgain | None:
        """Write one turn of an episode, in one transaction; what is there instead when it is not the episode's own."""
        async with self._store.session() as session:
            if not await write_changes(session, changes):
                return await strange_turn(session, changes)
        metrics.note_turn(changes)
        return None

    @activity.defn(name="send_notice")
    async def send_notice(self, order: NoticeOrder) -> NoticeSent:
        """Write one notice, once for each key and person, and have it sent."""
        sent = await notify.send_notice(self._store, order, self._post)
        metrics.note_notice(sent)
        return sent

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

    @activity.defn(name="gather_message")
    async def gather_message(self, asked: GatherAsked) -> Gathered:
        """What is ready for a person, as one message."""
        return await posting.gather(self._store, self._there_is_a_post(), asked)

    @activity.defn(name="gather_digests")
    async def gather_digests(self, asked: DigestAsked) -> list[MessageToSend]:
        """What waits for the digest, as one message for each person."""
        return await posting.gather_digests(self._store, self._there_is_a_post(), asked)

    @activity.defn(name="send_message")
    async def send_message(self, asked: SendAsked) -> SendAnswer:
        """One attempt by one way out."""
        async with _showing_life():
            return await metrics.noted_send(asked.way, posting.send(self._store, self._there_is_a_post(), asked))

    @activity.defn(name="look_up_message")
    async def look_up_message(self, asked: SendAsked) -> str:
        """Where a message is that was taken."""
        async with _showing_life():
            return await posting.look_up(self._store, self._there_is_a_post(), asked)

    @activity.defn(name="give_up_way")
    async def give_up_way(self, given_up: WayGivenUp) -> None:
        """Write down that a way was given up."""
        await posting.give_up_way(self._store, given_up)

    @activity.defn(name="close_message")
    async def close_message(self, closed: MessageClosed) -> list[Posted]:
        """Write down how a message stands."""
        posted = await posting.close_message(self._store, closed)
        metrics.note_message(closed)
        return posted

    def _there_is_a_post(self) -> Post:
        if self._post is None:
            raise RuntimeError("a message is to be sent by a worker that was given no post")
        return self._post

    def all(self) -> list[Callable[..., Any]]:
        """Everything to register with a worker."""
        return [
            self.resolve_policy,
            self.write_episode,
            self.send_notice,
            self.earlier_episodes,
            self.unheld_roles,
            self.gather_message,
            self.gather_digests,
            self.send_message,
            self.look_up_message,
            self.give_up_way,
            self.close_message,
        ]


class ReconcileActivities:
    """The activities that compare rows with workflows."""

    def __init__(self, reconciler: Reconciler) -> None:
        self._reconciler = reconciler

    @activity.defn(name="survey_agreement")
    async def survey_agreement(self, asked: SurveyAsked) -> Surveyed:
        """A first look at everything."""
        async with _showing_life():
            return await self._reconciler.survey(asked)

    @activity.defn(name="look_at_disagreements")
    async def look_at_disagreements(self, asked: LookAsked) -> Looked:
        """Another look at suspects."""
        async with _showing_life():
            return await self._reconciler.look(asked)

    @activity.defn(name="note_reconciled")
    async def note_reconciled(self, done: RunDone) -> None:
        """Write down that a run has ended."""
        await self._reconciler.note_done(done)

    def all(self) -> list[Callable[..., Any]]:
        """Everything to register with a worker."""
        return [self.survey_agreement, self.look_at_disagreements, self.note_reconciled]
