"""What people and systems can say: a child is missing, something happened.

What is said is checked, then kept in the inbox, then put to the engine. Once
kept it cannot be lost: when the engine does not answer, the relay asks again
with the same ids until it does.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from activities.policies import Policies, UnknownPolicyError
from activities.store import Store, inbox
from activities.store.child_records import EpisodeOfChild
from activities.store.episodes import EpisodeView, episode_view
from activities.store.inbox import InboxItem
from activities.store.tables import EpisodeTable
from starter.applying import Applying, Outcome, outcome_of
from starter.beginning import begin_many
from starter.client import EngineSilentError, Episodes
from starter.merging import RecordOfAbsence, contradiction, ending_id, merged_elsewhere, taken_over
from starter.record_endings import INTO_ENDED, INTO_ITSELF, MERGED_ALREADY, check_endings
from starter.reports import Report, read_report
from workflows.fact_kinds import FactKind
from workflows.facts import CLOCK_SKEW, Fact, fact_from_outside
from workflows.instants import to_rfc3339
from workflows.names import derived_id
from workflows.plain_errors import BadInputError, one_line

_APART: Final = timedelta(microseconds=1)
"""How far apart things are kept that are said at once and have an order."""

BEHIND_ANOTHER: Final = "it waits behind what was said before it"
"""Why something waits although the engine may answer."""


class IdTakenError(BadInputError):
    """The id is already that of something else that was said. Its text is one line that names the field."""


@dataclass(frozen=True)
class ReadReport:
    """A report that was read and has a report_id, with the facts that came after it.

    `perhaps_a_duplicate`: somebody must look whether the absence is known by another episode.
    """

    report: Report
    later: tuple[Fact, ...] = ()
    perhaps_a_duplicate: bool = False


@dataclass(frozen=True)
class KeptReport:
    """A report as it is kept, and whether it is so only now."""

    item: InboxItem
    new: bool

    @property
    def waits(self) -> bool:
        """Whether the engine has not answered yet."""
        return self.item.state == "kept"


Connect = Callable[[], Awaitable[Episodes]]
"""How to reach the engine; raises EngineSilentError."""


class Commands:
    """The way in for every person and system, over one store, one set of policies and one engine."""

    def __init__(
        self, store: Store, policies: Policies, authority: str, connect: Connect, said_by: str | None = None
    ) -> None:
        """Take in what is said to an authority; `said_by` is the principal that says it, where one is known."""
        self._store = store
        self._policies = policies
        self._authority = authority
        self._connect = connect
        self._said_by = said_by
        self._applying = Applying(store, policies)

    def of(self, authority: str, said_by: str | None = None) -> "Commands":
        """The same way in, to another authority."""
        return Commands(self._store, self._policies, authority, self._connect, said_by)

    async def engine(self) -> Episodes:
        """The episodes as the engine runs them. Raises EngineSilentError."""
        return await self._connect()

    async def report(self, data: object, now: datetime, episode_id: str | None = None) -> tuple[Report, Outcome]:
        """Take a report in, and begin its episode. The same report twice is one episode.

        Raises BadInputError, UnknownPolicyError or StoreUnavailableError, with
        nothing kept. `now` is UTC.
        """
        report = read_report(data, now)
        return report, await self.take_in(report, (), now, episode_id)

    async def take_in(
        self, report: Report, later: Sequence[Fact], now: datetime, episode_id: str | None = None
    ) -> Outcome:
        """Take in a report that was read, with facts that came after it, and begin its episode with them all.

        The episode has the id that is given, or a random one. Raises
        BadInputError, UnknownPolicyError or StoreUnavailableError, with nothing
        kept. `now` is UTC.
        """
        item = await self._keep_report(report, later, now, episode_id or str(uuid4()))
        outcome = await self._try(item, now)
        return outcome.model_copy(update={"again": item.received_at != now})

    async def take_in_all(self, reports: Sequence[ReadReport], now: datetime) -> list[Outcome]:
        """Take in many reports that were read, each with the facts that came after it: in one transaction, or none.

        Each must have a report_id, and the same id is the same report. Raises
        UnknownPolicyError or StoreUnavailableError, with nothing kept. `now` is UTC.
        """
        async with self._store.session() as session:
            kept = await self.keep_all(session, reports, now)
        begun = {outcome.id: outcome for outcome in await self.begin_all([k.item for k in kept if k.waits], now)}
        return [
            (begun.get(k.item.id) or outcome_of(k.item, k.item.state, reason=k.item.reason)).model_copy(
                update={"again": not k.new}
            )
            for k in kept
        ]

    async def keep_all(self, session: AsyncSession, reports: Sequence[ReadReport], now: datetime) -> list[KeptReport]:
        """Keep many reports, in the caller's transaction. Raises UnknownPolicyError. `now` is UTC."""
        references = {one.report.child.reference for one in reports if one.report.child.reference}
        children = await inbox.child_ids(session, self._authority, references, now)
        # Versions before 0.4 kept a row's report under its own id, which two authorities could not both have.
        older = await inbox.reports_there(session, self._authority, [str(one.report.report_id) for one in reports])
        items = [self._item_of(one, children, older, now) for one in reports]
        return [
            KeptReport(item=there, new=there.episode_id == item.episode_id)
            for item, there in zip(items, await inbox.keep_all(session, items), strict=True)
        ]

    def _item_of(
        self, one: ReadReport, children: Mapping[str, str], older: Mapping[str, InboxItem], now: datetime
    ) -> InboxItem:
        report_id = str(one.report.report_id)
        child_id = children[one.report.child.reference] if one.report.child.reference else None
        own_id = report_id if report_id in older else derived_id(self._authority, report_id)
        return self._report_item(one, own_id, child_id, now, str(uuid4()))

    async def begin_all(self, items: Sequence[InboxItem], now: datetime) -> list[Outcome]:
        """Begin the episodes of kept reports, several at once; those that the engine does not answer for stay kept.

        Raises StoreUnavailableError. `now` is UTC.
        """
        answers = await begin_many(self._connect, items)
        async with self._store.session() as session:
            await inbox.settle_all(session, [item.id for item in items if answers[item.id] is None], now)
            await inbox.count_attempts(session, [item.id for item in items if answers[item.id] is not None])
        return [
            outcome_of(item, "applied" if answers[item.id] is None else "kept", reason=answers[item.id])
            for item in items
        ]

    async def record(self, episode_id: str, data: Mapping[str, object], now: datetime) -> Outcome:
        """Take in a fact about an episode. The same id twice is one fact.

        Raises BadInputError or StoreUnavailableError, with nothing kept. `now` is UTC.
        """
        return (await self.record_in_all([episode_id], data, now))[0]

    async def record_in_all(
        self, episode_ids: Sequence[str], data: Mapping[str, object], now: datetime, *, exactly: bool = False
    ) -> list[Outcome]:
        """Take in one fact that several episodes of a child share, such as an interview that discharges them all.

        Each episode has the fact under an id of its own, and judges it by its
        own clocks; an interview carries the same `interview` in each. Kept for
        all of them or for none. `exactly`: what was said under the same id
        before must have been the same. Raises BadInputError or
        StoreUnavailableError, with nothing kept. `now` is UTC.
        """
        fact = self._read(data, now)
        if len(episode_ids) > 1 and fact.kind is FactKind.RHI_COMPLETED and "interview" not in fact.details:
            fact = fact.model_copy(update={"details": {**fact.details, "interview": fact.id}})
        facts = [(episode_ids[0], fact)]
        for episode_id in episode_ids[1:]:
            facts.append((episode_id, fact.model_copy(update={"id": derived_id(fact.id, episode_id)})))
        return await self._take_facts(facts, now, exactly=exactly)

    async def record_all(self, episode_id: str, facts: Sequence[Fact], now: datetime) -> list[Outcome]:
        """Take in several facts of one episode that were read: kept all or none, then each put to the engine.

        Raises BadInputError or StoreUnavailableError, with nothing kept. `now` is UTC.
        """
        return await self._take_facts([(episode_id, fact) for fact in facts], now)

    async def reopen(self, episode_id: str, reason: str, by: str, now: datetime, fact_id: str | None = None) -> Outcome:
        """Open a closed episode again. Raises BadInputError when it is not closed. `now` is UTC.

        With the id of an earlier asking it is that asking, whatever has become of the episode since.
        """
        async with self._store.session() as session:
            row = await session.get(EpisodeTable, episode_id)
            before = await inbox.item(session, fact_id) if fact_id else None
        if before is None and (row is None or row.authority != self._authority or row.closed_at is None):
            raise BadInputError("episode: it is not closed")
        said = {"kind": "reopened", "at": to_rfc3339(now), "reason": reason, "recorded_by": by}
        return await self.record(episode_id, {**said, **({"id": fact_id} if fact_id else {})}, now)

    async def merge(self, duplicate: str, into: str, why: str, by: str, now: datetime) -> list[Outcome]:
        """Take a duplicate's facts over into the episode it duplicates, and end it. `now` is UTC.

        So it is with what only its report says of the child, where the other record
        does not know it. What only those close to the child may see of the duplicate
        only they see there (O36). The last outcome is that of the duplicate itself.
        Raises BadInputError, also where the other record has ended: nobody would look
        for the child by either; and where the records contradict each other.
        """
        if duplicate == into:
            raise BadInputError(INTO_ITSELF)
        async with self._store.snapshot() as session:
            view = await episode_view(session, self._authority, duplicate)
            target = await episode_view(session, self._authority, into)
            if view is None or target is None:
                raise BadInputError("episode: both episodes must be running before they are merged")
            ends = await self._as_it_stands(session, view)
            goes_on = await self._as_it_stands(session, target)
        if view.child_reference and view.episode["child_id"] != target.episode["child_id"]:
            raise BadInputError("--into: that is an episode of another child")
        if not EpisodeOfChild.model_validate(target.episode).goes_on:
            raise BadInputError(INTO_ENDED)
        if merged_elsewhere(ends, into):
            raise BadInputError(MERGED_ALREADY)
        taken = taken_over(ends, goes_on, by, now)
        if reason := contradiction(taken, goes_on, now):
            raise BadInputError(f"--into: the records contradict each other, correct one first: {reason}")
        said = {"kind": "merged", "into": into, "reason": why, "at": to_rfc3339(now), "recorded_by": by}
        ending = self._read({**said, "id": ending_id(ends, into)}, now)
        return await self._take_facts([*((into, fact) for fact in taken), (duplicate, ending)], now, in_order=True)

    async def _as_it_stands(self, session: AsyncSession, view: EpisodeView) -> RecordOfAbsence:
        kept = await inbox.report_of(session, self._authority, view.episode["id"])
        report = Report.model_validate(kept.body["report"]) if kept else None
        waiting = [one for one in await inbox.facts_waiting(session, view.episode["id"]) if one.kind == "fact"]
        facts = {fact.id: fact for fact in (*(Fact.model_validate(one.body) for one in waiting), *view.facts)}
        return RecordOfAbsence(view.episode["id"], report, tuple(facts.values()), view.episode["need_to_know"])

    def _read(self, data: Mapping[str, object], now: datetime) -> Fact:
        """Read what was said as a fact. Raises BadInputError."""
        try:
            fact = fact_from_outside(data, id=str(uuid4()), recorded_at=now, source="person")
            UUID(fact.id)
        except ValueError as error:
            line = one_line(error)
            raise BadInputError("id: must be a UUID" if "badly formed" in line else line) from None
        if fact.at > now + CLOCK_SKEW:
            raise BadInputError("at: this time lies in the future; record it when it has happened")
        if fact.kind is FactKind.POLICY_CHANGED:
            try:
                self._policies.pack(fact.details["policy"], fact.details["version"])
            except UnknownPolicyError as error:
                raise BadInputError(str(error)) from None
        return fact

    async def _take_facts(
        self, facts: Sequence[tuple[str, Fact]], now: datetime, *, exactly: bool = False, in_order: bool = False
    ) -> list[Outcome]:
        """Keep facts, each with its episode, all or none; then put each to the engine. Raises BadInputError.

        `in_order`: behind one that waits the others wait too, and they reach the engine one after the other.
        """
        kept: list[tuple[InboxItem, bool]] = []
        async with self._store.session() as session:
            await check_endings(session, self._authority, facts)
            for place, (episode_id, fact) in enumerate(facts):
                if not await inbox.is_known(session, self._authority, episode_id):
                    raise BadInputError(f"episode: there is no episode '{episode_id}'")
                came = now + place * _APART if in_order else now
                item = fact_item(self._authority, episode_id, fact, came, self._said_by)
                there = await inbox.keep(session, item)
                if not _is_said_again(there, item, exactly=exactly):
                    raise IdTakenError(f"id: '{fact.id}' is already the id of something else")
                kept.append((there, there is not item))
        outcomes: list[Outcome] = []
        for item, again in kept:
            waits = in_order and any(one.state == "kept" for one in outcomes)
            outcome = await (self._leave(item, BEHIND_ANOTHER) if waits else self._try(item, now))
            outcomes.append(outcome.model_copy(update={"again": outcome.again or again}))
        return outcomes

    async def _keep_report(self, report: Report, later: Sequence[Fact], now: datetime, episode_id: str) -> InboxItem:
        report_id = str(report.report_id or uuid4())
        async with self._store.session() as session:
            child_id = None
            if report.child.reference:
                child_id = await inbox.child_id(session, self._authority, report.child.reference, now)
            item = self._report_item(ReadReport(report, tuple(later)), report_id, child_id, now, episode_id)
            kept = await inbox.keep(session, item)
        if kept.digest != item.digest or kept.authority != item.authority:
            raise IdTakenError(f"report_id: '{report_id}' is already the id of a different report")
        return kept

    def _report_item(
        self, one: ReadReport, item_id: str, child_id: str | None, now: datetime, episode_id: str
    ) -> InboxItem:
        report = one.report
        body = {
            "report": report.model_dump(mode="json"),
            "child_id": child_id,
            "policy_version": self._policies.pack(report.policy).version,
            "facts": [fact.model_dump(mode="json") for fact in one.later],
            "perhaps_a_duplicate": one.perhaps_a_duplicate,
        }
        return InboxItem(
            id=item_id,
            authority=self._authority,
            kind="report",
            episode_id=episode_id,
            digest=report.digest(),
            body=body,
            urgency=inbox.URGENCY_BACK if report.returned else inbox.URGENCY_STILL_AWAY,
            received_at=now,
            said_by=self._said_by,
            child_id=child_id,
        )

    async def _try(self, item: InboxItem, now: datetime) -> Outcome:
        if item.state == "refused":
            return outcome_of(item, "refused", again=True, reason=item.reason)
        try:
            episodes = await self._connect()
            return await self.apply(episodes, item, now)
        except EngineSilentError as silence:
            return await self._leave(item, str(silence))

    async def _leave(self, item: InboxItem, why: str) -> Outcome:
        """Leave an item to the relay; what became of it, should others have had an answer meanwhile."""
        async with self._store.session() as session:
            there = await inbox.count_attempt(session, item.id)
        return outcome_of(there, there.state, reason=there.reason or why)

    async def apply(self, episodes: Episodes, item: InboxItem, now: datetime, *, nobody_waits: bool = False) -> Outcome:
        """Put a kept item to the engine and note the answer; see `Applying`. Raises EngineSilentError. `now` is UTC."""
        return await self._applying.apply(episodes, item, now, nobody_waits=nobody_waits)


def fact_item(authority: str, episode_id: str, fact: Fact, now: datetime, said_by: str | None) -> InboxItem:
    """A fact of an episode as it is kept; `said_by` is the principal that said it. `now` is UTC."""
    return InboxItem(
        id=fact.id,
        authority=authority,
        kind="fact",
        episode_id=episode_id,
        body=fact.model_dump(mode="json"),
        urgency=inbox.URGENCY_FACT,
        received_at=now,
        said_by=said_by,
    )


def _is_said_again(there: InboxItem, item: InboxItem, *, exactly: bool) -> bool:
    """Whether what was kept under an id is what is said now; `exactly`: in every word, and not only about the same."""
    about = (there.authority, there.kind, there.episode_id) == (item.authority, item.kind, item.episode_id)
    if not exactly:
        return about
    return about and {**there.body, "recorded_at": None} == {**item.body, "recorded_at": None}
