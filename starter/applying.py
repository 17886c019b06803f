"""Putting what was kept to the engine, and noting its answer: the same for whoever waits for it and for the relay."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from activities.policies import Policies
from activities.store import Store, inbox
from activities.store.inbox import InboxItem
from activities.store.tables import EpisodeTable
from starter.beginning import first_input, remembered_by_rows
from starter.client import EpisodeForgottenError, EpisodeNotRunningError, Episodes, FactRefusedError
from starter.observing.metrics import INBOX_TO_ENGINE
from workflows.contracts import Recorded
from workflows.fact_kinds import FactKind
from workflows.facts import Fact


class Outcome(BaseModel):
    """What became of something that was said.

    applied: the episode has it. kept: it is safe, and no clock runs by it yet.
    refused: the episode says why. `again` tells that it had been said before.
    """

    model_config = ConfigDict(frozen=True)
    state: Literal["applied", "kept", "refused"]
    episode_id: str
    id: str
    again: bool = False
    reason: str | None = None
    recorded: Recorded | None = None


@dataclass(frozen=True)
class Applying:
    """Puts kept items to the engine, whichever authority they were said to."""

    _store: Store
    _policies: Policies

    async def apply(self, episodes: Episodes, item: InboxItem, now: datetime, *, nobody_waits: bool = False) -> Outcome:
        """Put a kept item to the engine and note the answer. Raises EngineSilentError. `now` is UTC.

        `nobody_waits` for the answer: a refusal is shown on the episode before it
        is noted, as it is where somebody may have been told that the item is kept.
        A refusal counts only when nothing waits that was said before: what a
        correction corrects may still be on its way.
        """
        if item.kind == "report":
            return await self._begin(episodes, item, now)
        fact = Fact.model_validate(item.body)
        try:
            recorded = await self._record(episodes, item, fact, now)
        except FactRefusedError as refusal:
            return await self._refused(episodes, item, str(refusal), now, nobody_waits=nobody_waits)
        except EpisodeNotRunningError:
            if fact.kind is FactKind.REOPENED:
                return await self._begin_again(episodes, item, fact, now)
            return await self._not_running(item, now)
        outcome = await self._settled(item, "applied", None, now)
        again = recorded.again or item.state == "applied"
        return outcome.model_copy(update={"recorded": recorded, "again": again})

    async def _refused(
        self, episodes: Episodes, item: InboxItem, reason: str, now: datetime, *, nobody_waits: bool
    ) -> Outcome:
        if await self._waits_for_others(item, reason):
            return outcome_of(item, "kept", reason=reason)
        async with self._store.session() as session:
            if nobody_waits:
                there = await inbox.item(session, item.id)
            else:
                there = await inbox.refuse_at_first(session, item.id, reason, now)
        if there is not None and there.state == "refused":
            # Noted just now, or by another worker's relay, which has shown it.
            return _answered(there, "refused", there.reason, now)
        await episodes.show_refusal(item.episode_id, item.body)
        return await self._settled(item, "refused", reason, now)

    async def _begin(self, episodes: Episodes, item: InboxItem, now: datetime) -> Outcome:
        await episodes.begin(first_input(item))
        return await self._settled(item, "applied", None, now)

    async def _record(self, episodes: Episodes, item: InboxItem, fact: Fact, now: datetime) -> Recorded:
        try:
            return await episodes.record(item.episode_id, fact)
        except EpisodeNotRunningError:
            # The relay puts to the engine what was said to any authority.
            async with self._store.session() as session:
                report = await inbox.report_of(session, item.authority, item.episode_id)
            if report is None or report.state != "kept":
                raise
            await self._begin(episodes, report, now)
            return await episodes.record(item.episode_id, fact)

    async def _begin_again(self, episodes: Episodes, item: InboxItem, fact: Fact, now: datetime) -> Outcome:
        try:
            await episodes.begin_again(item.episode_id, fact)
        except EpisodeForgottenError:
            knew = await remembered_by_rows(self._store, self._policies, item, now)
            if isinstance(knew, str):
                async with self._store.session() as session:
                    await inbox.note_trouble(session, item.id, knew)
                return outcome_of(item, "kept", reason=knew)
            await episodes.begin_again(item.episode_id, fact, knew)
        return await self._settled(item, "applied", None, now)

    async def _waits_for_others(self, item: InboxItem, reason: str) -> bool:
        async with self._store.session() as session:
            waits = await inbox.waits_for_others(session, item)
            if waits:
                await inbox.count_attempt(session, item.id)
                await inbox.note_trouble(session, item.id, reason)
        return waits

    async def _not_running(self, item: InboxItem, now: datetime) -> Outcome:
        """A closed episode refuses; one the engine has lost keeps what was said until it is mended."""
        async with self._store.session() as session:
            row = await session.get(EpisodeTable, item.episode_id)
            if row is None or row.closed_at is None:
                reason = "the engine does not run this episode although it is open: an operator must look"
                await inbox.note_trouble(session, item.id, reason)
                return outcome_of(item, "kept", reason=reason)
        return await self._settled(item, "refused", "episode: it is closed and takes no more facts", now)

    async def _settled(
        self, item: InboxItem, state: Literal["applied", "refused"], reason: str | None, now: datetime
    ) -> Outcome:
        async with self._store.session() as session:
            await inbox.settle(session, item.id, state, reason, now)
        return _answered(item, state, reason, now)


def _answered(item: InboxItem, state: Literal["applied", "refused"], reason: str | None, now: datetime) -> Outcome:
    INBOX_TO_ENGINE.labels(state).observe(max(0.0, (now - item.received_at).total_seconds()))
    return outcome_of(item, state, reason=reason)


def outcome_of(
    item: InboxItem, state: Literal["applied", "kept", "refused"], *, again: bool = False, reason: str | None = None
) -> Outcome:
    """What became of an item."""
    return Outcome(state=state, episode_id=item.episode_id, id=item.id, again=again, reason=reason)
