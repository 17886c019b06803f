"""Looking for what stands still: by the rows first, then by asking the engine about those that the rows suspect.

What it costs, however many episodes there are: about a dozen statements; two
calls of the engine for its queues and two for its lists; and one for each
suspect, of which there are at most MOST_SUSPECTS. Nothing is ever listed whole
from the engine. What was left out is said.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession
from temporalio.client import RPCError

from activities.health.engine import EngineWatched, Suspect
from activities.health.findings import About, Deed, LastFailure, Stuck, StuckKind, stuck, worst_first
from activities.store import Store, agreement, disagreements, standstill, subscriptions
from workflows import names
from workflows.agreement import AGREEMENTS, OF_EPISODES, Disagreement
from workflows.unheld import in_words

MOST_SUSPECTS: Final = 60
MOST_OF_A_KIND: Final = 50


_SAID_BY_ROWS: Final = {
    Disagreement.WOKEN_LATE: StuckKind.CLOCK_NOT_FIRED,
    Disagreement.SAID_KEPT_LONG: StuckKind.SAID_NOT_APPLIED,
}
"""The disagreements that the rows themselves tell sooner."""


@dataclass(frozen=True)
class Slack:
    """For how long something may wait before it counts as standing still.

    turn: a turn of a workflow, and work in a queue; clock: a clock after its
    time; said: what was said; sent: a notice for its postbox. Whatever was said
    makes its episode suspect after `answer`. `lately` is how far back what is
    over by now is looked for.
    """

    turn: timedelta = timedelta(minutes=1)
    clock: timedelta = timedelta(minutes=5)
    said: timedelta = timedelta(minutes=1)
    sent: timedelta = timedelta(minutes=5)
    run: timedelta = timedelta(minutes=10)
    answer: timedelta = timedelta(seconds=15)
    lately: timedelta = timedelta(days=1)
    given_up_lately: timedelta = timedelta(days=7)


@dataclass(frozen=True)
class Standstill:
    """What stands still, the worst first.

    `more`: how many more there are of a kind than are listed. `not_asked`: of
    how many suspects the engine was not asked, since there are too many.
    `engine_answers` False: what only the engine knows is missing.
    """

    found: Sequence[Stuck]
    more: dict[StuckKind, int] = field(default_factory=dict[StuckKind, int])
    not_asked: int = 0
    engine_answers: bool = True


def episode_suspect(episode_id: str) -> Suspect:
    """An episode's workflow."""
    return Suspect(names.workflow_id(episode_id), "episode", episode_id)


def message_suspect(message: str) -> Suspect:
    """A message's workflow; its id is the key of its page, and is shown to nobody."""
    return Suspect(names.message_workflow_id(message), "message", names.subject_of_message(message))


def postbox_suspect(person: str) -> Suspect:
    """A person's postbox."""
    return Suspect(names.postbox_id(person), "postbox", person)


@dataclass
class _ByRows:
    """What the rows say stands still, and which workflows they make suspect."""

    found: list[Stuck] = field(default_factory=list[Stuck])
    more: dict[StuckKind, int] = field(default_factory=dict[StuckKind, int])
    suspects: dict[str, Suspect] = field(default_factory=dict[str, Suspect])

    def add(self, kind: StuckKind, about: About, subject: str, **more: object) -> None:
        self.found.append(stuck(kind, about, subject, **more))

    def count(self, kind: StuckKind, more: int) -> None:
        if more > 0:
            self.more[kind] = more

    def suspect(self, one: Suspect) -> None:
        self.suspects.setdefault(one.workflow_id, one)


@dataclass(frozen=True)
class Lookout:
    """Looks for what stands still of an authority, at `now` (UTC)."""

    store: Store
    authority: str
    now: datetime
    slack: Slack = field(default_factory=Slack)

    async def look(
        self, engine: EngineWatched | None, patience_seconds: float, on_silence: Callable[[], None] = lambda: None
    ) -> Standstill:
        """What stands still. Raises StoreUnavailableError.

        The engine is given up on after `patience_seconds`, and `on_silence` is
        called; None: it is known not to answer.
        """
        async with self.store.snapshot() as session:
            rows = await self._by_rows(session)
        if engine is not None:
            try:
                async with asyncio.timeout(patience_seconds):
                    asked, not_asked = await self._by_engine(engine, rows)
                return Standstill(worst_first([*rows.found, *asked]), rows.more, not_asked)
            except (RPCError, TimeoutError):
                on_silence()
        silent = stuck(StuckKind.ENGINE_SILENT, "engine", "the engine")
        return Standstill(worst_first([*rows.found, silent]), rows.more, engine_answers=False)

    async def _by_engine(self, engine: EngineWatched, rows: _ByRows) -> tuple[list[Stuck], int]:
        found = await engine.queues(self.slack.turn)
        failing = await engine.failing(MOST_SUSPECTS)
        running = await engine.of_schedules(self.authority, self.now - self.slack.run, MOST_SUSPECTS)
        async with self.store.snapshot() as session:
            reported = await self._known(session, failing)
        own = (names.reconcile_id(self.authority), names.digest_id(self.authority))
        schedules = [Suspect(one, "schedule", one) for one in (*running, *failing) if one.startswith(own)]
        suspects = {one.workflow_id: one for one in (*reported, *rows.suspects.values(), *schedules)}
        chosen = list(suspects.values())[:MOST_SUSPECTS]
        found += await engine.look_at(chosen, self.slack.turn, self.now)
        return found, len(suspects) - len(chosen)

    async def _known(self, session: AsyncSession, workflow_ids: Sequence[str]) -> list[Suspect]:
        """Those of these workflows that are of the authority's episodes, messages and people."""
        episodes = {one: names.episode_id_of(one) for one in workflow_ids}
        messages = {one: names.message_of_workflow(one) for one in workflow_ids}
        people = {one: names.person_of_postbox(one) for one in workflow_ids}
        mine = await standstill.whose(session, self.authority, episodes.values(), messages.values(), people.values())
        return [
            *(episode_suspect(id) for one, id in episodes.items() if id in mine.episodes and id != one),
            *(message_suspect(id) for one, id in messages.items() if id in mine.messages and id != one),
            *(postbox_suspect(id) for one, id in people.items() if id in mine.people and id != one),
        ]

    async def _by_rows(self, session: AsyncSession) -> _ByRows:
        rows = _ByRows()
        await self._add_episodes(session, rows)
        await self._add_said(session, rows)
        await self._add_post(session, rows)
        await self._add_disagreements(session, rows)
        await self._add_webhooks(session, rows)
        return rows

    async def _add_episodes(self, session: AsyncSession, rows: _ByRows) -> None:
        slack, most = self.slack, MOST_OF_A_KIND
        asleep = await standstill.not_woken(session, self.authority, self.now - slack.clock, most)
        for one in asleep.items:
            says = f"it waits for {one.waited_for or 'its turn'}"
            rows.add(StuckKind.CLOCK_NOT_FIRED, "episode", one.episode, since=one.since, detail=says)
            rows.suspect(episode_suspect(one.episode))
        rows.count(StuckKind.CLOCK_NOT_FIRED, asleep.count - len(asleep.items))
        for episode in await standstill.begun_and_unwritten(session, self.authority, self.now - slack.turn, most):
            rows.suspect(episode_suspect(episode))
        lately = (self.now - slack.lately, self.now - slack.turn)
        for episode in await standstill.taken_and_unwritten(session, self.authority, *lately, most):
            rows.suspect(episode_suspect(episode))
        unheld = await standstill.roles_unheld(session, self.authority, most)
        for one in unheld.items:
            says = f"nobody is {in_words(one.roles)}"
            rows.add(StuckKind.ROLE_UNHELD, "episode", one.episode, since=one.since, detail=says)
        rows.count(StuckKind.ROLE_UNHELD, unheld.count - len(unheld.items))
        seconds = slack.clock.total_seconds()
        for one in await standstill.came_late(session, self.authority, self.now - slack.lately, seconds, most):
            minutes = int((one.noticed_at - one.due).total_seconds() // 60)
            says = f"{one.clock}, {minutes} minutes late"
            rows.add(StuckKind.CLOCK_FIRED_LATE, "episode", one.episode, since=one.due, detail=says)

    async def _add_said(self, session: AsyncSession, rows: _ByRows) -> None:
        kept = await standstill.said_and_kept(session, self.authority, self.now - self.slack.said, MOST_OF_A_KIND)
        for one in kept.items:
            says = "; ".join(filter(None, (f"a {one.kind}", one.reason)))
            about = {"since": one.since, "attempts": one.attempts, "detail": says}
            rows.add(StuckKind.SAID_NOT_APPLIED, "said", one.id, **about)
        rows.count(StuckKind.SAID_NOT_APPLIED, kept.count - len(kept.items))
        unanswered = await standstill.said_and_kept(
            session, self.authority, self.now - self.slack.answer, MOST_OF_A_KIND
        )
        for one in unanswered.items:
            rows.suspect(episode_suspect(one.episode))

    async def _add_post(self, session: AsyncSession, rows: _ByRows) -> None:
        after = self.now - self.slack.given_up_lately
        nobody = await standstill.unreached(session, self.authority, after, MOST_OF_A_KIND)
        for one in nobody.items:
            kind = StuckKind.MESSAGE_GIVEN_UP if one.state == "given_up" else StuckKind.MESSAGE_UNREACHED
            says = "; ".join(one.ways) or "there was no way to try"
            about = {"since": one.since, "attempts": one.attempts, "detail": says}
            rows.add(kind, "message", names.subject_of_message(one.message), **about)
        rows.count(StuckKind.MESSAGE_UNREACHED, nobody.count - len(nobody.items))
        for message in await standstill.being_tried_again(session, self.authority, MOST_OF_A_KIND):
            rows.suspect(message_suspect(message))
        for person in sorted(await agreement.people_who_wait(session, self.authority, self.now - self.slack.sent)):
            rows.suspect(postbox_suspect(person))

    async def _add_disagreements(self, session: AsyncSession, rows: _ByRows) -> None:
        seen = {(one.kind, one.subject) for one in rows.found}
        found = await disagreements.open_disagreements(session, self.authority)
        apart = [one for one in found if (_SAID_BY_ROWS.get(one.kind), one.subject) not in seen]
        for one in apart[:MOST_OF_A_KIND]:
            of_episode = one.kind in OF_EPISODES
            says = " ".join(filter(None, (AGREEMENTS[one.kind].wrong, one.how and f"Last: {one.how}.")))
            about = {"since": one.found_at, "attempts": one.attempts, "detail": says}
            deeds = (Deed.RECONCILE,) if of_episode else ()
            rows.add(StuckKind.APART, "episode" if of_episode else "thing", one.subject, **about, deeds=deeds)
        rows.count(StuckKind.APART, len(apart) - MOST_OF_A_KIND)

    async def _add_webhooks(self, session: AsyncSession, rows: _ByRows) -> None:
        for one in await subscriptions.subscriptions_of(session, self.authority):
            backlog = await subscriptions.backlog_of(session, one)
            says = f"{backlog.behind} not tried yet, {backlog.waiting} tried again, {backlog.dead} not taken"
            about = {"detail": says, "since": one.last_taken_at}
            if one.state == "gone":
                rows.add(StuckKind.WEBHOOK_GONE, "webhook", one.name, **about)
            elif one.state == "active" and one.last_failure:
                failed = {"failure": LastFailure(type=one.last_failure), "attempts": one.failures}
                rows.add(StuckKind.WEBHOOK_FAILING, "webhook", one.name, **about, **failed)
            if backlog.dead:
                rows.add(StuckKind.EVENTS_DEAD, "webhook", one.name, **about)
