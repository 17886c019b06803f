"""The MissingEpisode workflow: one durable run for one missing episode.

Handlers only record. The loop does the rest: it plans the clocks, writes what
people read, sends the notices whose time has come, and sleeps until the next
rung or the next fact. What is remembered, and what follows from it, is in
`memory`, which knows no engine.
"""

import asyncio
from datetime import datetime
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ApplicationError, FailureError

with workflow.unsafe.imports_passed_through():
    from workflows import contracts, names
    from workflows.clocks import Clock, left_undone
    from workflows.contracts import (
        ClockStanding,
        EpisodeChanges,
        EpisodeInput,
        EpisodeState,
        NoticeOrder,
        Recorded,
        TimelineEntry,
        WriteAgain,
    )
    from workflows.fact_kinds import FactKind
    from workflows.facts import FACT_SIGNALS, Fact, fact_from_outside, said_by_signal
    from workflows.instants import to_rfc3339
    from workflows.memory import Memory
    from workflows.orders import notices_owed
    from workflows.patience import NOTICE, STORE
    from workflows.plain_errors import one_line
    from workflows.post_contracts import Posted
    from workflows.progress import (
        changed_clocks,
        closing_words,
        episode_row,
        tasks_of_actions,
        tasks_of_clocks,
        withdrawn,
    )
    from workflows.repeats import EarlierEpisode, repeats_reached
    from workflows.vocabulary import ClockKind, ClockState, EpisodeStatus, Role


@workflow.defn(name=names.EPISODE_WORKFLOW)
class MissingEpisode:
    """One occurrence of absence, from first notice to closure."""

    @workflow.init
    def __init__(self, start: EpisodeInput) -> None:
        self._start = start
        self._memory = Memory(start, self._now())
        self._look_again = False
        self._directory_changed = False
        self._write_again: WriteAgain | None = None
        self._news = 0
        self._sending: set[asyncio.Task[None]] = set()

    # What comes in ---------------------------------------------------------------------------------------------

    @workflow.update(name=names.UPDATE_RECORD)
    async def record(self, fact: Fact) -> Recorded:
        """Record a fact; answers with how things stand now. The update's id is the fact's id."""
        again = not self._take(fact)
        await workflow.wait_condition(lambda: self._memory.rules is not None)
        now = self._now()
        return Recorded(
            episode_id=self._start.episode_id,
            fact_id=fact.id,
            again=again,
            status=self._memory.known(now).status(),
            clocks=tuple(ClockStanding(id=c.id, due=c.due, state=c.state) for c in self._memory.plan(now)),
        )

    @record.validator
    def _refuse_what_cannot_be_true(self, fact: Fact) -> None:
        if reason := self._memory.why_not(fact, self._now()):
            raise ApplicationError(reason, type="FactRefused", non_retryable=True)

    @workflow.signal(name=names.SIGNAL_REPORTED)
    def reported(self, data: Any) -> None:
        """The child was reported to the police."""
        self._signalled(data, names.SIGNAL_REPORTED)

    @workflow.signal(name=names.SIGNAL_FOUND)
    def found(self, data: Any) -> None:
        """The child was located; being back is a fact of its own."""
        self._signalled(data, names.SIGNAL_FOUND)

    @workflow.signal(name=names.SIGNAL_RHI_DONE)
    def rhi_done(self, data: Any) -> None:
        """The return home interview was completed."""
        self._signalled(data, names.SIGNAL_RHI_DONE)

    @workflow.signal(name=names.SIGNAL_FACT)
    def fact(self, data: Any) -> None:
        """Any fact, with its kind, flat as systems send it."""
        self._signalled(data, names.SIGNAL_FACT)

    @workflow.signal(name=names.SIGNAL_LOOK_AGAIN)
    def look_again(self) -> None:
        """The calendar has grown: ask for it again and plan anew."""
        self._look_again = True
        self._news += 1

    @workflow.signal(name=names.SIGNAL_DIRECTORY_CHANGED)
    def directory_changed(self) -> None:
        """Somebody else holds a role now: see again whether somebody holds each."""
        self._directory_changed = True
        self._news += 1

    @workflow.signal(name=names.SIGNAL_WRITE_AGAIN)
    def write_again(self, there: WriteAgain) -> None:
        """The store does not have what it should: write everything again."""
        self._write_again = there
        self._news += 1

    @workflow.signal(name=names.SIGNAL_NOTICE_POSTED)
    def notice_posted(self, posted: Posted) -> None:
        """No channel reached somebody with a notice, or one did after all."""
        self._news += self._memory.note_posted(posted, self._now())

    # What can be asked -----------------------------------------------------------------------------------------

    @workflow.query(name=names.QUERY_STATE)
    def state(self) -> EpisodeState:
        """How the episode stands."""
        memory = self._memory
        return EpisodeState(
            episode_id=self._start.episode_id,
            status=memory.status or memory.known(self._now()).status(),
            policy=memory.rules.pack.policy if memory.rules else None,
            policy_version=memory.rules.pack.version if memory.rules else None,
            facts=len(memory.facts),
            open_tasks=sum(task.state == "open" for task in memory.tasks.values()),
            refusals=tuple(memory.refusals),
            next_wake_at=memory.wake.at if memory.wake else None,
            next_wake_for=memory.wake.label if memory.wake else None,
        )

    @workflow.query(name=names.QUERY_CLOCKS)
    def clocks(self, as_of: datetime | None = None) -> tuple[Clock, ...]:
        """Every clock with its reasons, at a moment (UTC); as of the episode's last turn when none is given."""
        if as_of is None or self._memory.rules is None:
            return tuple(self._memory.clocks.values())
        return self._memory.plan(as_of)

    @workflow.query(name=names.QUERY_TIMELINE)
    def timeline(self) -> tuple[TimelineEntry, ...]:
        """Every line of the timeline, in the order in which it became known."""
        return tuple(self._memory.timeline.entries)

    @workflow.query(name=names.QUERY_CARRIED)
    def carried(self) -> EpisodeInput:
        """What a new run of this episode would begin with: how a closed episode is opened again."""
        return self._memory.carry()

    # What happens ----------------------------------------------------------------------------------------------

    @workflow.run
    async def run(self, _start: EpisodeInput) -> None:
        """Live through the episode until nothing is owed and the time for corrections is over."""
        if self._memory.rules is None:
            await self._learn_rules(None)
        await self._look_up_earlier()
        self._directory_changed |= not self._memory.looked_at_directory and workflow.patched("directory")
        while True:
            seen = self._news
            await self._turn()
            over = self._is_over()
            if over or self._history_is_long():
                await self._drain(seen)
                if self._news == seen and over and await self._close(seen):
                    return
                if self._news == seen and not over:
                    workflow.continue_as_new(self._memory.carry())
                continue
            await self._sleep(seen)

    async def _learn_rules(self, changed: Fact | None) -> None:
        """Take the policy and calendar in as data; an episode keeps its version until people change it."""
        self._look_again = False
        memory, now = self._memory, self._now()
        memory.learned_at = now
        before = memory.rules
        policy, version = memory.policy_asked_for(changed)
        asked = contracts.RulesAsked(
            policy=policy,
            version=version,
            since=min((fact.at for fact in memory.facts.values()), default=now),
            now=now,
            must_exist=changed is not None,
            has_rules=changed is None and before is not None,
        )
        try:
            after = await workflow.execute_local_activity(
                contracts.resolve_policy, asked, start_to_close_timeout=STORE.attempt, retry_policy=STORE.retry
            )
        except FailureError:
            if changed is None:
                raise
            memory.unknown_policies.add(changed.id)
            memory.refuse("a change of policy", "there is no such policy and version", self._now())
            return
        if after is None:
            # This worker's version holds no such pack; clocks must not stand still until one comes that does.
            return
        memory.rules = after
        if before is None or changed or before.calendar.version != after.calendar.version:
            text = f"Policy {after.pack.policy} {after.pack.version}, "
            text += f"calendar {after.calendar.calendar} {after.calendar.version}"
            memory.timeline.add("rules", self._now(), self._now(), text)

    async def _look_up_earlier(self) -> None:
        """Bring up the child's other episodes: what repeats, and what is still owed from before."""
        if self._memory.looked_up or self._start.child_id is None:
            return
        asked = contracts.EarlierAsked(episode_id=self._start.episode_id, child_id=self._start.child_id)
        earlier = await workflow.execute_local_activity(
            contracts.earlier_episodes, asked, start_to_close_timeout=STORE.attempt, retry_policy=STORE.retry
        )
        memory, now = self._memory, self._now()
        memory.looked_up = True
        for other in earlier:
            owed = ", its interview still owed" if other.interview_owed else ""
            text = f"Another episode of this child: {other.episode_id} ({other.status.value}{owed})"
            memory.timeline.add("earlier_episode", now, now, text)
            if other.status.gone:
                do = f"Episode {other.episode_id} of the same child has no return recorded: record it"
                memory.open_task(f"{names.UNRETURNED_DUTY}{other.episode_id}", Role.DUTY_MANAGER, do, now)
        gone_since = memory.known(now).missing_since() or now
        for fact in repeats_reached(memory.settled_rules.pack, self._start.episode_id, gone_since, earlier, now):
            memory.take(fact, now)
        if workflow.patched("missing-again"):
            for other in earlier:
                await self._tell_missing_again(other, gone_since)

    async def _tell_missing_again(self, other: EarlierEpisode, gone_since: datetime) -> None:
        """Note on an earlier episode that its interview is in the way of another absence: it stays owed (B4)."""
        if not other.interview_owed or other.returned_at is None or other.returned_at > gone_since:
            return
        fact = {
            "id": names.derived_id(self._start.episode_id, f"missing-again-{other.episode_id}"),
            "kind": FactKind.RHI_DELAYED.value,
            "at": to_rfc3339(gone_since),
            "reason": "missing_again",
            "episode": self._start.episode_id,
            "recorded_by": "Homeward",
        }
        handle = workflow.get_external_workflow_handle(names.workflow_id(other.episode_id))
        try:
            await handle.signal(names.SIGNAL_FACT, fact)
        except FailureError:
            now = self._now()
            text = f"Episode {other.episode_id} could not be told that the child is missing again"
            self._memory.timeline.add("earlier_episode", now, now, text)

    async def _turn(self) -> None:
        """Plan the clocks as of now, write what changed, and send the notices whose time has come."""
        memory = self._memory
        if changed_policy := memory.wanted_policy():
            await self._learn_rules(changed_policy)
        looks = memory.looks_again_at()
        if self._look_again or (looks and looks <= self._now()):
            await self._learn_rules(None)
        if self._directory_changed:
            await self._look_at_directory()
        now = self._now()
        known, pack = memory.known(now), memory.settled_rules.pack
        clocks = memory.plan(now)
        memory.become_aware(clocks, now)
        memory.overdue_reviews_ask = self._overdue_reviews_ask(clocks)
        due = memory.rungs_due(clocks, known)
        memory.later_climbs_stand = not memory.climbs_again(due) or workflow.patched("later-climbs-stand")
        for clock in clocks:
            memory.timeline.add_clock(memory.clocks.get(clock.id), clock, now)
        memory.note_status(known, now)
        written, may_be_there = memory.clocks, tuple(memory.clocks)
        if self._write_again:
            memory.forget_written(self._write_again)
            written, may_be_there = {}, (*may_be_there, *self._write_again.clocks)
            self._write_again = None
        changed = changed_clocks(written, clocks)
        dropped = tuple(clock_id for clock_id in dict.fromkeys(may_be_there) if clock_id not in {c.id for c in clocks})
        memory.clocks = {clock.id: clock for clock in clocks}
        memory.replace_tasks(
            tasks_of_clocks(memory.tasks, clocks, pack, known, aware=memory.aware, episode_id=self._start.episode_id)
        )
        memory.replace_tasks(tasks_of_actions(memory.tasks, known, self._start.episode_id))
        memory.bring_tasks_to_people(known)
        orders = notices_owed(memory, due, known)
        memory.wake = memory.next_wake(known)
        await self._write(now, changed, dropped)
        for order in orders:
            self._send(order)

    def _overdue_reviews_ask(self, clocks: tuple[Clock, ...]) -> bool:
        """Whether a review that is overdue asks people. One that was woken a moment late asked nobody before 0.5.0."""
        overdue = any(one.kind is ClockKind.REVIEW and one.state is ClockState.OVERDUE for one in clocks)
        return not overdue or workflow.patched("overdue-reviews-ask")

    async def _look_at_directory(self) -> None:
        """Find the roles that nobody holds now, and not when somebody in them would have to be told."""
        self._directory_changed = False
        memory, now = self._memory, self._now()
        asked = contracts.RolesAsked(
            authority=self._start.authority, child_id=self._start.child_id, roles=memory.roles_wanted(now), at=now
        )
        unheld = await workflow.execute_local_activity(
            contracts.unheld_roles, asked, start_to_close_timeout=STORE.attempt, retry_policy=STORE.retry
        )
        memory.looked_at_directory = True
        memory.note_unheld(unheld, self._now())

    def _send(self, order: NoticeOrder) -> None:
        """Send beside the loop, so that a channel that is away never holds up what else is owed."""
        before = frozenset(self._sending) if order.reach == "told" else frozenset[asyncio.Task[None]]()
        task = asyncio.create_task(self._deliver(order, before))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def _deliver(self, order: NoticeOrder, after: frozenset[asyncio.Task[None]]) -> None:
        """Deliver a notice. The tray is a table of our own: a local activity reaches it at a sixth of the events.

        What goes to whoever was told waits until the notices before it are out, so that it misses nobody.
        """
        if after and self._memory.settled_rules.pack.chase:
            await workflow.wait_condition(lambda: not after & self._sending)
        await workflow.execute_local_activity(
            contracts.send_notice,
            order,
            start_to_close_timeout=NOTICE.attempt,
            retry_policy=NOTICE.retry,
            summary=f"{order.clock}: {order.rung}",
        )

    async def _write(self, now: datetime, changed: tuple[Clock, ...], dropped: tuple[str, ...]) -> None:
        memory = self._memory
        entries, facts, tasks = memory.unwritten()
        row = episode_row(self._start, memory.settled_rules, memory.known(now), memory.status, memory.wake)
        if not (entries or facts or changed or dropped or tasks) and row == memory.written_row:
            return
        memory.turn += 1
        changes = EpisodeChanges(
            turn=memory.turn,
            written_at=now,
            episode=row,
            facts=facts,
            clocks=changed,
            dropped_clocks=dropped,
            timeline=entries,
            tasks=tasks,
        )
        strange = await workflow.execute_local_activity(
            contracts.write_episode, changes, start_to_close_timeout=STORE.attempt, retry_policy=STORE.retry
        )
        if strange is not None:
            self.write_again(strange)
            return
        memory.note_written(entries, facts, tasks, row)

    async def _sleep(self, seen: int) -> None:
        wake = self._memory.wake
        try:
            await workflow.wait_condition(
                lambda: self._news != seen,
                timeout=max((wake.at - self._now()).total_seconds(), 0) if wake else None,
                timeout_summary=wake.label if wake else None,
            )
        except TimeoutError:
            return

    async def _drain(self, seen: int) -> None:
        """Wait until handlers are finished and notices are out, or there is news."""
        await workflow.wait_condition(
            lambda: (workflow.all_handlers_finished() and not self._sending) or self._news != seen
        )

    async def _close(self, seen: int) -> bool:
        """Close the episode; False when a fact came in while it was being written, which leaves it open."""
        memory, now = self._memory, self._now()
        status = memory.status
        memory.status, memory.wake = EpisodeStatus.CLOSED, None
        undone = left_undone(memory.clocks.values())
        memory.timeline.add("status", now, now, closing_words(status, undone))
        memory.replace_tasks(withdrawn(memory.tasks.values(), now))
        await self._write(now, (), ())
        if self._news == seen:
            return True
        memory.status = status
        return False

    # Helpers ---------------------------------------------------------------------------------------------------

    def _now(self) -> datetime:
        return workflow.now() + self._start.ahead

    def _take(self, fact: Fact) -> bool:
        taken = self._memory.take(fact, self._now())
        self._news += taken
        return taken

    def _signalled(self, data: Any, signal: str) -> None:
        """Record a fact that came as a signal; what cannot be true stays visible and becomes an operator's task."""
        now = self._now()
        try:
            given = said_by_signal(signal, data)
            fact = fact_from_outside(given, id=str(workflow.uuid4()), recorded_at=now, source="signal")
            reason = self._memory.why_not(fact, now)
        except ValueError as error:
            fact, reason = None, one_line(error)
        if fact is not None and reason is None:
            self._take(fact)
            return
        self._memory.refuse(f"sent as signal '{FACT_SIGNALS[signal] or 'fact'}'", str(reason), now)
        self._news += 1

    def _is_over(self) -> bool:
        closes = self._memory.closes_at()
        return closes is not None and closes <= self._now()

    def _history_is_long(self) -> bool:
        info, longest = workflow.info(), self._start.longest_history
        long = longest is not None and info.get_current_history_length() >= longest
        return long or info.is_continue_as_new_suggested()
