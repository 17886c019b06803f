"""What people and systems can say: a child is missing, something happened.

What is said is checked, then kept in the inbox, then put to the engine. Once
kept it cannot be lost: when the engine does not answer, the relay asks again
with the same ids until it does.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Final, Literal
from uuid import UUID, uuid4

from pydantic import BaseModel, ConfigDict

from activities.policies import Policies
from activities.store import Store, inbox
from activities.store.inbox import InboxItem
from activities.store.tables import EpisodeTable
from starter.client import EngineSilentError, EpisodeNotRunningError, Episodes, FactRefusedError
from starter.reports import Report, read_report
from workflows.contracts import EpisodeInput, Recorded
from workflows.facts import CLOCK_SKEW, Fact, fact_from_outside
from workflows.plain_errors import BadInputError, one_line

URGENCY_STILL_AWAY: Final = 0
URGENCY_FACT: Final = 1
URGENCY_BACK: Final = 2


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


Connect = Callable[[], Awaitable[Episodes]]
"""How to reach the engine; raises EngineSilentError."""


class Commands:
    """The way in for every person and system, over one store, one set of policies and one engine."""

    def __init__(self, store: Store, policies: Policies, authority: str, connect: Connect) -> None:
        self._store = store
        self._policies = policies
        self._authority = authority
        self._connect = connect

    async def report(self, data: object, now: datetime) -> tuple[Report, Outcome]:
        """Take a report in, and begin its episode. The same report twice is one episode.

        Raises BadInputError, UnknownPolicyError or StoreUnavailableError, with
        nothing kept. `now` is UTC.
        """
        report = read_report(data, now)
        return report, await self.take_in(report, (), now)

    async def take_in(self, report: Report, later: Sequence[Fact], now: datetime) -> Outcome:
        """Take in a report that was read, with facts that came after it, and begin its episode with them all.

        Raises BadInputError, UnknownPolicyError or StoreUnavailableError, with
        nothing kept. `now` is UTC.
        """
        pack = self._policies.pack(report.policy)
        item = await self._keep_report(report, later, pack.version, now)
        outcome = await self._try(item, now)
        return outcome.model_copy(update={"again": item.received_at != now})

    async def record(self, episode_id: str, data: Mapping[str, object], now: datetime) -> Outcome:
        """Take in a fact about an episode. The same id twice is one fact.

        Raises BadInputError or StoreUnavailableError, with nothing kept. `now` is UTC.
        """
        try:
            fact = fact_from_outside(data, id=str(uuid4()), recorded_at=now, source="person")
            UUID(fact.id)
        except ValueError as error:
            line = one_line(error)
            raise BadInputError("id: must be a UUID" if "badly formed" in line else line) from None
        if fact.at > now + CLOCK_SKEW:
            raise BadInputError("at: this time lies in the future; record it when it has happened")
        item = InboxItem(
            id=fact.id,
            authority=self._authority,
            kind="fact",
            episode_id=episode_id,
            body=fact.model_dump(mode="json"),
            urgency=URGENCY_FACT,
            received_at=now,
        )
        async with self._store.session() as session:
            if not await inbox.is_known(session, episode_id):
                raise BadInputError(f"episode: there is no episode '{episode_id}'")
            kept = await inbox.keep(session, item)
        if kept.episode_id != episode_id or kept.kind != "fact":
            raise BadInputError(f"id: '{fact.id}' is already the id of something else")
        return await self._try(kept, now)

    async def _keep_report(
        self, report: Report, later: Sequence[Fact], policy_version: str, now: datetime
    ) -> InboxItem:
        report_id = str(report.report_id or uuid4())
        async with self._store.session() as session:
            child_id = None
            if report.child.reference:
                child_id = await inbox.child_id(session, self._authority, report.child.reference, now)
            body = {
                "report": report.model_dump(mode="json"),
                "child_id": child_id,
                "policy_version": policy_version,
                "facts": [fact.model_dump(mode="json") for fact in later],
            }
            item = InboxItem(
                id=report_id,
                authority=self._authority,
                kind="report",
                episode_id=str(uuid4()),
                digest=report.digest(),
                body=body,
                urgency=URGENCY_BACK if report.returned else URGENCY_STILL_AWAY,
                received_at=now,
            )
            kept = await inbox.keep(session, item)
        if kept.digest != item.digest:
            raise BadInputError(f"report_id: '{report_id}' is already the id of a different report")
        return kept

    async def _try(self, item: InboxItem, now: datetime) -> Outcome:
        if item.state == "refused":
            return _outcome(item, "refused", again=True, reason=item.reason)
        try:
            episodes = await self._connect()
            return await self.apply(episodes, item, now)
        except EngineSilentError as silence:
            async with self._store.session() as session:
                await inbox.count_attempt(session, item.id)
            return _outcome(item, "applied" if item.state == "applied" else "kept", reason=str(silence))

    async def apply(self, episodes: Episodes, item: InboxItem, now: datetime) -> Outcome:
        """Put a kept item to the engine and note the answer. Raises EngineSilentError. `now` is UTC."""
        if item.kind == "report":
            return await self._begin(episodes, item, now)
        fact = Fact.model_validate(item.body)
        try:
            recorded = await self._record(episodes, item.episode_id, fact, now)
        except FactRefusedError as refusal:
            return await self._settled(item, "refused", str(refusal), now)
        except EpisodeNotRunningError:
            return await self._not_running(item, now)
        outcome = await self._settled(item, "applied", None, now)
        return outcome.model_copy(update={"recorded": recorded, "again": recorded.again})

    async def _begin(self, episodes: Episodes, item: InboxItem, now: datetime) -> Outcome:
        report = Report.model_validate(item.body["report"])
        start = EpisodeInput(
            episode_id=item.episode_id,
            authority=item.authority,
            child=report.circumstances(),
            child_id=item.body["child_id"],
            policy=report.policy,
            policy_version=item.body["policy_version"],
            facts=(
                *report.facts(item.id, item.received_at),
                *(Fact.model_validate(fact) for fact in item.body["facts"]),
            ),
        )
        await episodes.begin(start)
        return await self._settled(item, "applied", None, now)

    async def _record(self, episodes: Episodes, episode_id: str, fact: Fact, now: datetime) -> Recorded:
        try:
            return await episodes.record(episode_id, fact)
        except EpisodeNotRunningError:
            async with self._store.session() as session:
                report = await inbox.report_of(session, episode_id)
            if report is None or report.state != "kept":
                raise
            await self._begin(episodes, report, now)
            return await episodes.record(episode_id, fact)

    async def _not_running(self, item: InboxItem, now: datetime) -> Outcome:
        """A closed episode refuses; one the engine has lost keeps what was said until it is mended."""
        async with self._store.session() as session:
            row = await session.get(EpisodeTable, item.episode_id)
            if row is None or row.closed_at is None:
                reason = "the engine does not run this episode although it is open: an operator must look"
                await inbox.note_trouble(session, item.id, reason)
                return _outcome(item, "kept", reason=reason)
        return await self._settled(item, "refused", "episode: it is closed and takes no more facts", now)

    async def _settled(
        self, item: InboxItem, state: Literal["applied", "refused"], reason: str | None, now: datetime
    ) -> Outcome:
        async with self._store.session() as session:
            await inbox.settle(session, item.id, state, reason, now)
        return _outcome(item, state, reason=reason)


def _outcome(
    item: InboxItem, state: Literal["applied", "kept", "refused"], *, again: bool = False, reason: str | None = None
) -> Outcome:
    return Outcome(state=state, episode_id=item.episode_id, id=item.id, again=again, reason=reason)
